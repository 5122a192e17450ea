"""What a run did, derived from its ledger and from what its batches have committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from loglode.batches.ledger import Ledger
from loglode.batches.record import BatchRecord, Day, RunRow
from loglode.html import Report
from loglode.sources.outcomes import Left, Loaded, Skipped


@dataclass(frozen=True, slots=True)
class RunReport(Report):
    """Outcomes of all objects and the records of all batches; sums are over the batches."""

    ledger: Ledger = field(default_factory=Ledger)
    records: tuple[BatchRecord, ...] = ()
    gold_days: int = 0
    # Gold tables whose rows were all computed again, because what decides them changed.
    gold_rebuilt: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def rows(self) -> list[RunRow]:
        """The batches' rows of ops.runs."""
        return [record.run for record in self.records if record.run]

    @property
    def batches(self) -> list[str]:
        return [row.batch_id for row in self.rows]

    @property
    def batch_id(self) -> str:
        """The last batch; empty where nothing was committed."""
        return self.batches[-1] if self.batches else ""

    @property
    def objects(self) -> int:
        return self.ledger.count(Loaded)

    @property
    def objects_skipped(self) -> int:
        return self.ledger.count(Skipped)

    @property
    def objects_left(self) -> int:
        """Not begun, because there was no time for them."""
        return self.ledger.count(Left)

    @property
    def failed(self) -> list[str]:
        """Objects that could not be read, each with what went wrong."""
        found = self.ledger.failures.items()
        return [f"{source.display_uri}: {failed.error.message}" for source, failed in found]

    @property
    def lines_read(self) -> int:
        return sum(row.lines_read for row in self.rows)

    @property
    def rows_silver(self) -> int:
        return sum(row.rows_silver for row in self.rows)

    @property
    def lines_quarantined(self) -> int:
        return sum(row.lines_quarantined for row in self.rows)

    @property
    def duplicates(self) -> int:
        return sum(row.duplicates for row in self.rows)

    @property
    def blank_lines(self) -> int:
        return sum(row.blank_lines for row in self.rows)

    @property
    def bytes_read(self) -> int:
        return sum(row.bytes_read for row in self.rows)

    @property
    def days(self) -> set[Day]:
        """Days whose silver or quarantine changed."""
        return {day for record in self.records for day in record.days}

    @property
    def reasons(self) -> Counter[str]:
        return _sum(row.reasons for row in self.rows)

    @property
    def warnings(self) -> Counter[str]:
        return _sum(row.warnings for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "batch_id": self.batch_id,
            "objects": self.objects,
            "objects_skipped": self.objects_skipped,
            "lines_read": self.lines_read,
            "rows_silver": self.rows_silver,
            "lines_quarantined": self.lines_quarantined,
            "duplicates": self.duplicates,
            "blank_lines": self.blank_lines,
            "days": [f"{y:04d}-{m:02d}-{d:02d}" for y, m, d in sorted(self.days)],
            "reasons": dict(sorted(self.reasons.items())),
            "warnings": dict(sorted(self.warnings.items())),
            "seconds": round(self.seconds, 3),
            "bytes_read": self.bytes_read,
            "batches": self.batches,
            "gold_days": self.gold_days,
            "gold_rebuilt": list(self.gold_rebuilt),
            "failed": self.failed,
        }


def _sum(counts: Iterable[Any]) -> Counter[str]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return total
