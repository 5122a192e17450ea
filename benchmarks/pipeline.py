"""`loglode run` against the bare floor, on generated JSON lines; ratios of whole processes."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from measure import LOGLODE, Measured, generate, measure, median


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-floor", action="store_true", help="measure time and memory of loglode alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loglode-bench-") as folder:
        root = Path(folder)
        generate(root / "logs", "--events", str(options.events), "--days", str(options.days))
        megabytes = sum(f.stat().st_size for f in (root / "logs").glob("*.json")) / 1e6
        ours: list[Measured] = []
        floors: list[Measured] = []
        for _ in range(options.rounds):  # in turn, so that a slower minute of the machine meets both
            if not options.no_floor:
                shutil.rmtree(root / "floor", ignore_errors=True)
                floors.append(
                    measure(
                        [
                            sys.executable,
                            str(Path(__file__).with_name("floor.py")),
                            str(root / "logs"),
                            str(root / "floor"),
                        ]
                    )
                )
            shutil.rmtree(root / "lake", ignore_errors=True)
            ours.append(
                measure([*LOGLODE, "run", str(root / "logs"), "--lake", str(root / "lake"), "--json"])
            )
        again = measure([*LOGLODE, "run", str(root / "logs"), "--lake", str(root / "lake"), "--json"])
    print(f"{options.events:,} events, {options.days} days, {megabytes:,.0f} MB")
    print(f"loglode run  {median(ours)}")
    if floors:
        print(f"bare floor   {median(floors)}")
        print(
            f"ratio        {median(ours).wall / median(floors).wall:.2f} wall, "
            f"{median(ours).cpu / median(floors).cpu:.2f} cpu"
        )
    print(f"run again    {again}")


if __name__ == "__main__":
    main()
