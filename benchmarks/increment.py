"""Adding one file of 10,000 events to a lake of 10 days and to one of 1,000 days."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from measure import LOGLODE, generate, measure, median


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--per-day", type=int, default=1_000, help="events of each day of the lakes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loglode-bench-") as folder:
        root = Path(folder)
        added = root / "added"
        generate(
            added,
            "--events",
            "10000",
            "--days",
            "1",
            "--start",
            "2026-10-05",
            "--servers",
            "1",
            "--seed",
            "9",
        )
        medians = {}
        for days in (10, 1000):
            logs, lake = root / f"logs{days}", root / f"lake{days}"
            start = {10: "2026-09-26", 1000: "2024-01-10"}[days]
            generate(logs, "--events", str(options.per_day * days), "--days", str(days), "--start", start)
            measure([*LOGLODE, "run", str(logs), "--lake", str(lake), "--json"])
            runs = []
            for _ in range(options.rounds):
                copy = root / "copy"
                shutil.rmtree(copy, ignore_errors=True)
                shutil.copytree(lake, copy)
                runs.append(measure([*LOGLODE, "run", str(added), "--lake", str(copy), "--json"]))
            medians[days] = median(runs)
            print(f"10,000 events into {days:>5} days  {medians[days]}")
    print(f"ratio {medians[1000].wall / medians[10].wall:.2f}")


if __name__ == "__main__":
    main()
