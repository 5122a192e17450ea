"""One day that arrives in many small batches: what gold costs, against the same day computed once."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import generate

from loglode import operations
from loglode.context import Context
from loglode.gold.silver_to_gold import GoldReport
from loglode.pipeline import run as pipeline
from loglode.settings import Settings


class Clock:
    """CPU seconds of gold, of all threads."""

    def __init__(self) -> None:
        self.gold = 0.0
        self._original = pipeline.silver_to_gold
        pipeline.silver_to_gold = self._timed  # type: ignore[assignment]

    def _timed(self, context: Context) -> GoldReport:
        started = time.process_time()
        report = self._original(context)
        self.gold += time.process_time() - started
        return report


def cut(logs: Path, folder: Path, batches: int) -> list[Path]:
    """The lines of all files in as many files, in the order of time."""
    lines = [line for file in sorted(logs.glob("*.json")) if file.name[0] != "_" for line in file.open("rb")]
    size = -(-len(lines) // batches)
    folder.mkdir()
    parts = []
    for number in range(batches):
        parts.append(folder / f"{number:04d}.json")
        parts[-1].write_bytes(b"".join(lines[number * size : (number + 1) * size]))
    return parts


def loaded(lake: Path, sources: list[Path], clock: Clock) -> tuple[float, float]:
    """CPU seconds of a run: in all, and of gold."""
    started, before = time.process_time(), clock.gold
    settings: Any = Settings.build(lake=lake, threads=2)
    operations.run(settings, [str(source) for source in sources])
    return time.process_time() - started, clock.gold - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--batches", type=int, default=288)
    options = parser.parse_args()
    clock = Clock()
    with tempfile.TemporaryDirectory(prefix="loglode-bench-") as folder:
        root = Path(folder)
        day = ("--days", "1", "--servers", "1", "--start", "2026-10-05", "--seed", "3")
        generate(root / "logs", "--events", str(options.events), *day)
        parts = cut(root / "logs", root / "parts", options.batches)
        once = statistics.median(loaded(root / f"once{n}", parts, clock)[1] for n in range(3))
        runs = [loaded(root / "lake", [part], clock) for part in parts]
    gold = sum(of_gold for _, of_gold in runs)
    edge = max(len(runs) // 20, 1)
    first, last = (statistics.median(all_ for all_, _ in some) for some in (runs[1 : edge + 1], runs[-edge:]))
    print(f"gold once {once:.2f} s cpu, in {len(runs)} batches {gold:.2f} s: {gold / once:.1f} x")
    print(f"a run: first {first:.2f} s cpu, last {last:.2f} s: {last / first:.2f} x")


if __name__ == "__main__":
    main()
