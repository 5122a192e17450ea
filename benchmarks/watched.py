"""What it costs to be watched: `loglode run` with and without quality, lineage events and logs, in CPU time.

There is no way to leave quality out but this one: what counts is replaced in the process that runs.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from measure import generate, measure

from loglode.cli.main import main as loglode
from loglode.engines.duckdb import DuckDBEngine
from loglode.pipeline import bronze_to_silver
from loglode.sources.shape import Shape

WAYS = ("without", "quality", "all")


def work(way: str, logs: str, lake: str) -> None:
    """One run in this process, which does nothing else."""
    words = ["run", logs, "--lake", lake, "--json"]
    if way == "without":
        leave_out()
    if way == "all":
        words += ["--openlineage", f"{lake}.ndjson", "--log-format", "json", "--log-level", "debug"]
    loglode(words)


def leave_out() -> None:
    """Neither count what rules found nor look at fields; no rows of ops.quality then."""

    def nothing(*_: object) -> None:
        pass

    DuckDBEngine.tally = nothing  # type: ignore[method-assign,assignment]
    Shape.look = nothing  # type: ignore[method-assign,assignment]
    bronze_to_silver.measured = lambda *_: {}  # type: ignore[attr-defined]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--work", nargs=3, metavar=("WAY", "LOGS", "LAKE"), help="one run, as this script asks"
    )
    options = parser.parse_args()
    if options.work:
        work(*options.work)
        return
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="loglode-bench-") as folder:
        root = Path(folder)
        generate(root / "logs", "--events", str(options.events), "--days", str(options.days))
        for number in range(options.rounds):
            # In turn and each time in another order, so that a slower minute of the machine meets all.
            for way in (*WAYS[number % 3 :], *WAYS[: number % 3]):
                lake = root / "lake"
                shutil.rmtree(lake, ignore_errors=True)
                script = [sys.executable, __file__, "--work", way, str(root / "logs"), str(lake)]
                seconds[way].append(measure(script).cpu)
    bare = statistics.median(seconds["without"])
    print(f"{options.events:,} events, {options.days} days, median CPU seconds of {options.rounds}")
    for way, found in seconds.items():
        middle = statistics.median(found)
        spread = f"{min(found):.2f} to {max(found):.2f}"
        print(f"{way:<8} {middle:6.2f} s ({spread})  {middle / bare:.3f}")


if __name__ == "__main__":
    main()
