"""What the silver commit of a batch records: its row of ops.runs, and what must follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from loglode.engines.base import to_json

Day = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class RunRow:
    """A row of ops.runs; the columns are described in `tables.RUNS`. Times are ISO 8601."""

    batch_id: str
    kind: str
    started_at: str
    finished_at: str
    contract_version: str
    engine: str
    correlation_id: str | None
    objects: int = 0
    objects_skipped: int = 0
    lines_read: int = 0
    rows_silver: int = 0
    lines_quarantined: int = 0
    duplicates: int = 0
    blank_lines: int = 0
    bytes_read: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    read_seconds: float = 0.0
    dedupe_seconds: float = 0.0
    commit_seconds: float = 0.0
    # The version that the commit makes, which is known once it is planned.
    silver_version: int = 0
    oldest_object_at: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, with the counts by code as JSON text."""
        return asdict(self) | {"reasons": to_json(self.reasons), "warnings": to_json(self.warnings)}


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch as its silver commit records it: the row of ops.runs, days touched, changes of quarantine.

    Maintenance of quarantine is recorded in the same way, with no run and no days.
    """

    run: RunRow | None = None
    days: Sequence[Day] = ()
    # Paths of the files that the commit adds to silver.
    silver: Sequence[str] = ()
    quarantine: Sequence[Mapping[str, Any]] = ()
    quarantine_removed: Sequence[str] = ()
    # Counts of the contract's rules (see `measured`); empty where nothing was loaded.
    quality: Mapping[str, Any] = field(default_factory=dict)

    def to_metadata(self) -> dict[str, Any]:
        """As stored in the commit."""
        return {
            "run": self.run.to_json() if self.run else {},
            "days": [list(day) for day in self.days],
            "silver": list(self.silver),
            "quarantine": list(self.quarantine),
            "quarantine_removed": list(self.quarantine_removed),
            "quality": dict(self.quality),
        }
