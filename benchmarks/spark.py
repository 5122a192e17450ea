"""Spark on this machine's cores against the embedded engine: the same logs, whole processes, one run."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from measure import LOGLODE, generate, measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--only-spark", action="store_true", help="see whether it finishes, no more")
    options = parser.parse_args()
    os.environ.setdefault("SPARK_DRIVER_MEMORY", "2g")
    with tempfile.TemporaryDirectory(prefix="loglode-bench-") as folder:
        root = Path(folder)
        generate(root / "logs", "--events", str(options.events), "--days", str(options.days))
        job = [*LOGLODE, "run", str(root / "logs"), "--json", "--lake"]
        embedded = None if options.only_spark else measure([*job, str(root / "embedded")])
        spark = measure([*job, str(root / "spark"), "--engine", "spark", "--master", options.master])
    memory = os.environ["SPARK_DRIVER_MEMORY"]
    print(f"{options.events:,} events, {options.days} days; Spark at {options.master} with {memory}")
    print(f"spark     {spark.wall:7.1f} s wall")
    if embedded:
        print(f"embedded  {embedded.wall:7.1f} s wall")
        print(f"ratio     {spark.wall / embedded.wall:7.1f}")


if __name__ == "__main__":
    main()
