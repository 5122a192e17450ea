"""What a run did, as one object."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class RunReport:
    """Sums over the batches of a run; `days` are those whose silver or quarantine changed."""

    batch_id: str = ""
    objects: int = 0
    objects_skipped: int = 0
    # Not begun, because there was no time for them.
    objects_left: int = 0
    lines_read: int = 0
    rows_silver: int = 0
    lines_quarantined: int = 0
    duplicates: int = 0
    blank_lines: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    days: set[tuple[int, int, int]] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    batches: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    gold_days: int = 0

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
            "failed": self.failed,
        }
