"""What it costs to be watched: `loglode run` with and without quality, lineage events and logs, in CPU time.

Whole processes are compared, and the parts are timed inside of those with all: on a busy machine the seconds
of processes differ by more than what is looked for, while a part and its whole are slowed alike. There is no
way to leave quality out but this one: what counts is replaced in the process that runs.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import generate, measure

from loglode import context
from loglode.batches import effects
from loglode.cli.main import main as loglode
from loglode.engines.duckdb import DuckDBEngine
from loglode.loading import bronze_to_silver
from loglode.openlineage.emitter import Emitter
from loglode.sources.shape import Shape
from loglode.telemetry import datasets

WAYS = ("without", "quality", "all")
# What is done for each, and by whose clock: one thread's, or the process's where an engine has threads.
THREAD, PROCESS = time.thread_time, time.process_time
PARTS: dict[str, list[tuple[Any, str, Callable[[], float]]]] = {
    "quality": [
        (Shape, "look", THREAD), (DuckDBEngine, "tally", PROCESS), (bronze_to_silver, "measured", THREAD),
        (effects, "quality_rows", THREAD),
    ],
    "lineage": [
        (context, "open_reporter", THREAD), (Emitter, "start", THREAD), (Emitter, "complete", THREAD),
        *(
            (datasets, name, THREAD)
            for name in ("bronze_input", "bronze_columns", "column_lineage", "loaded_tables", "assertions")
        ),
    ],
    "logs": [(logging.Handler, "handle", THREAD)],
}  # fmt: skip


def work(way: str, source: str, lake: str) -> None:
    """One run in this process, which does nothing else."""
    words = ["run", source, "--lake", lake, "--json"]
    if way == "without":
        leave_out()
        loglode(words)
    if way == "quality":
        loglode(words)
    spent = timed()
    try:
        loglode([*words, "--openlineage", f"{lake}.ndjson", "--log-format", "json", "--log-level", "debug"])
    finally:
        Path(f"{lake}.parts").write_text(json.dumps(spent | {"whole": time.process_time()}), encoding="ascii")


def leave_out() -> None:
    """Neither count what rules found nor look at fields; no rows of ops.quality then."""
    for owner, name, _ in PARTS["quality"][:2]:
        setattr(owner, name, lambda *_: None)
    bronze_to_silver.measured = lambda *_: {}  # type: ignore[attr-defined]


def timed() -> Counter[str]:
    """Seconds of each part, as they are spent from now on."""
    spent: Counter[str] = Counter()

    def watched(part: str, work: Callable[..., Any], clock: Callable[[], float]) -> Callable[..., Any]:
        def run(*args: Any, **named: Any) -> Any:
            begun = clock()
            try:
                return work(*args, **named)
            finally:
                spent[part] += clock() - begun

        return run

    for part, places in PARTS.items():
        for owner, name, clock in places:
            setattr(owner, name, watched(part, getattr(owner, name), clock))
    return spent


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
    parts: list[dict[str, float]] = []
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
            parts.append(json.loads((root / "lake.parts").read_text(encoding="ascii")))
    print(f"{options.events:,} events, {options.days} days, CPU seconds of {options.rounds} runs each")
    bare = seconds["without"]
    for way, found in seconds.items():
        # The least is what others on the machine have disturbed least.
        middle, least = statistics.median(found), min(found)
        ratios = f"{middle / statistics.median(bare):.3f} and {least / min(bare):.3f}"
        print(f"{way:<8} median {middle:6.2f} s, least {least:6.2f} s, ratios {ratios}")
    rest = [one["whole"] - sum(one.get(part, 0.0) for part in PARTS) for one in parts]
    for part in PARTS:
        share = statistics.median(one.get(part, 0.0) / left for one, left in zip(parts, rest, strict=True))
        print(f"{part:<8} {share:7.2%} of all else in the same process")
    shares = [one["whole"] / left for one, left in zip(parts, rest, strict=True)]
    print(f"together ratio {statistics.median(shares):.3f}")


if __name__ == "__main__":
    main()
