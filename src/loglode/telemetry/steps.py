"""Steps reported as OpenLineage events: START where they begin, COMPLETE or FAIL where they end.

Without a destination in the settings nothing here does anything, and nothing is imported for it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loglode.batches.plan import Batch
from loglode.batches.record import BatchRecord
from loglode.engines.base import Columns
from loglode.lake import Lake, Snapshot
from loglode.settings import Settings
from loglode.storage import Location

if TYPE_CHECKING:
    from loglode.telemetry.reporter import Reporter

LOAD, REPLAY, GOLD, RESTORE = "bronze_to_silver", "quarantine_replay", "silver_to_gold", "restore"


@dataclass(frozen=True, slots=True)
class Written:
    """What a commit added to a table; the version is None where another table's commit decides."""

    name: str
    root: Location
    columns: Columns
    rows: int
    version: int | None = None


@dataclass(slots=True)
class Step:
    """A step in progress; the caller records here what it has done."""

    record: BatchRecord | None = None
    written: list[Written] = field(default_factory=list)


def open_reporter(settings: Settings, lake: Lake) -> Reporter | None:
    """The sender of events; None where the settings name no destination."""
    if settings.openlineage is None:
        return None
    from loglode.telemetry.reporter import Reporter  # noqa: PLC0415 - the client takes half a second to import

    return Reporter(settings, settings.openlineage, lake)


def load_step(reporter: Reporter | None, batch: Batch) -> AbstractContextManager[Step]:
    """Bronze to silver, of one batch."""
    return reporter.load(batch) if reporter else nullcontext(Step())


def replay_step(reporter: Reporter | None, batch_id: str) -> AbstractContextManager[Step]:
    """Quarantine to silver."""
    return reporter.replay(batch_id) if reporter else nullcontext(Step())


def gold_step(reporter: Reporter | None, silver_version: int) -> AbstractContextManager[Step]:
    """Silver in a version to every gold table."""
    return reporter.gold(silver_version) if reporter else nullcontext(Step())


def restore_step(reporter: Reporter | None, old: Snapshot) -> AbstractContextManager[Step]:
    """A gold table in an older version to the same table."""
    return reporter.restore(old) if reporter else nullcontext(Step())
