"""Load generated logs of each format into silver and gold: bytes per second, and the share of JSON's."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from measure import LOGLODE, generate, measure, median

from loglode.formats import FORMATS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("names", nargs="*", help="formats; all otherwise")
    options = parser.parse_args()
    names = options.names or [name for name, fmt in sorted(FORMATS.items()) if fmt.is_of_requests]
    speeds: dict[str, float] = {}
    for name in dict.fromkeys(["json", *names]):
        with tempfile.TemporaryDirectory(prefix="loglode-bench-") as folder:
            root = Path(folder)
            generate(root / "logs", "--events", str(options.events), "--format", name, "--days", "1")
            size = sum(
                path.stat().st_size for path in (root / "logs").iterdir() if not path.name.startswith("_")
            )
            runs = []
            for _ in range(options.rounds):
                shutil.rmtree(root / "lake", ignore_errors=True)
                runs.append(
                    measure([*LOGLODE, "run", str(root / "logs"), "--lake", str(root / "lake"), "--json"])
                )
        best = median(runs)
        speeds[name] = size / best.cpu
        print(
            f"{name:18} {best}  {size / 1e6:6.1f} MB  {speeds[name] / 1e6:6.2f} MB per second of processor,"
            f" {speeds[name] / speeds['json']:.2f} of JSON's",
            flush=True,
        )


if __name__ == "__main__":
    main()
