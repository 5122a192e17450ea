"""One batch from bronze to silver and quarantine, exactly once.

Silver's commit decides. It carries the rows, the identity of every object they came from, and in its
metadata all that must follow from it: the quarantine files (written, not yet visible) and the rows of
ops.runs and ops.quality. `settle` makes those visible, and whoever comes next does it if this
process dies first.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from loglode.batches.effects import BatchRecord, settle
from loglode.batches.plan import Batch, PlannedObject
from loglode.batches.quality_counts import measured
from loglode.context import Context
from loglode.engines.base import Held, LoadJob, StagedLines, to_json
from loglode.errors import BooksError, SourceError
from loglode.files import StagedFile
from loglode.lake import ActiveFile, Commit, Snapshot
from loglode.lake.committer import commit_when, publish
from loglode.lake.log import recorded_transactions
from loglode.sources import SourceObject
from loglode.tables import QUARANTINE

_log = logging.getLogger(__name__)
_COUNTS = ("objects", "lines_read", "rows_silver", "lines_quarantined", "duplicates", "blank_lines")
OnFailure = Callable[[SourceObject, SourceError], None]


class OverlapError(Exception):
    """Other writers have loaded some of the batch's objects meanwhile; the rest is planned anew."""


def bronze_to_silver(
    context: Context,
    batch: Batch,
    *,
    objects_skipped: int = 0,
    on_failure: OnFailure | None = None,
    run_id: str = "",
) -> BatchRecord | None:
    """Load one batch. None when other writers had loaded all of it, or nothing of it is left.

    `run_id` names the step in OpenLineage events and is kept in the commit.
    Objects that went since they were listed are reported and left out, and not recorded as loaded.
    Raises OverlapError when others had loaded a part; BooksError if lines went missing (nothing is
    committed then); LoglodeError.
    """
    started_at = datetime.now(UTC)
    folder = context.folder / batch.batch_id
    staged = context.engine.stage(_job(context, batch, started_at, folder))
    _check_books(batch, staged)
    objects = _still_there(batch, staged, on_failure)
    if not objects:
        return None
    record: BatchRecord | None = None

    def decide(snapshot: Snapshot) -> Commit | None:
        nonlocal record
        done = recorded_transactions(context.lake.silver.root, {o.app_id for o in objects})
        if len(done) == len(objects):
            record = None
            return None
        if done:
            raise OverlapError
        settle(context.lake, snapshot)
        _drop_known(context, staged, snapshot, batch.batch_id)
        record = _record(context, batch, staged, started_at, objects_skipped, snapshot.version + 1)
        record.openlineage_run = run_id
        return _commit(context, objects, staged, record)

    commit_when(context.lake.silver, decide)
    shutil.rmtree(folder, ignore_errors=True)  # to S3 files were copied, not moved
    if record is not None:
        counts = {name: record.run[name] for name in _COUNTS}
        version = record.run["silver_version"]
        _log.info("batch loaded", extra={"table": "web_logs", "version": version, "counts": counts})
    return record


def _still_there(batch: Batch, staged: StagedLines, on_failure: OnFailure | None) -> list[PlannedObject]:
    gone = staged.read.gone
    for planned in batch.objects:
        error = gone.get(planned.source.identity)
        if error is not None and on_failure is not None:
            on_failure(planned.source, error)
    return [o for o in batch.objects if o.source.identity not in gone]


def _job(context: Context, batch: Batch, started_at: datetime, folder: Path) -> LoadJob:
    return LoadJob(
        contract=context.settings.contract,
        format=batch.format,
        known_keys=batch.known_keys,
        objects=batch.objects,
        batch_id=batch.batch_id,
        processed_at=started_at,
        pseudonym_key=context.key,
        folder=folder,
        silver_root=context.lake.silver.root,
        quarantine_root=context.lake.quarantine.root,
        quarantine_types={name: sql for name, sql, _ in QUARANTINE.columns},
        progress=context.progress,
    )


def _check_books(batch: Batch, staged: StagedLines) -> None:
    found = staged.rows_silver + staged.rows_quarantine + staged.blank
    if found != staged.read.lines:
        raise BooksError(
            f"batch {batch.batch_id}: {staged.read.lines} lines read, {found} accounted for;"
            " nothing was committed",
            hint="this is a defect of Loglode; please report it with the object that shows it",
        )


def _drop_known(context: Context, staged: StagedLines, snapshot: Snapshot, batch_id: str) -> None:
    """Remove what silver and quarantine hold already, and what the batch holds twice."""
    silver_root, quarantine = context.lake.silver.root, context.lake.quarantine
    held_silver = [silver_root / f.path for f in overlapping(snapshot, staged.silver)]
    held = []
    if staged.quarantine and quarantine.exists:
        held = [quarantine.root / f.path for f in quarantine.snapshot().files()]
    context.engine.remove_duplicates(
        staged,
        Held(
            silver=held_silver,
            quarantine=held,
            silver_root=silver_root,
            quarantine_root=quarantine.root,
            silver_types=context.silver_types,
            quarantine_types={name: sql for name, sql, _ in QUARANTINE.columns},
        ),
        batch_id,
    )
    context.engine.tally(staged)


def overlapping(snapshot: Snapshot, staged: list[StagedFile]) -> list[ActiveFile]:
    """Silver files of the same days whose range of event times meets that of the staged rows."""
    ranges: dict[tuple[str, ...], tuple[str, str]] = {}
    for file in staged:
        key = tuple(file.partition.values())
        low, high = _instant(file.minimum["event_ts"]), _instant(file.maximum["event_ts"])
        before = ranges.get(key, (low, high))
        ranges[key] = (min(low, before[0]), max(high, before[1]))
    days = [(int(y), int(m), int(d)) for y, m, d in ranges]
    found = []
    for active in snapshot.files(days):
        low, high = ranges[tuple(active.partition.values())]
        is_unknown = active.first_event is None or active.last_event is None
        if is_unknown or (
            _instant(str(active.first_event)) <= high and low <= _instant(str(active.last_event))
        ):
            found.append(active)
    return found


def _instant(text: str | float) -> str:
    """One sortable form for the times that Delta and DuckDB write."""
    moment = datetime.fromisoformat(str(text))
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _record(
    context: Context,
    batch: Batch,
    staged: StagedLines,
    started_at: datetime,
    objects_skipped: int,
    version: int,
) -> BatchRecord:
    days = {date.fromisoformat(day) for day in (*staged.rows_by_day, *(d for d, _ in staged.refused)) if day}
    oldest = min(o.source.modified_ns for o in batch.objects)
    return BatchRecord(
        run={
            "batch_id": batch.batch_id,
            "kind": "load",
            "started_at": started_at.isoformat(),
            "finished_at": datetime.now(UTC).isoformat(),
            "objects": len(batch.objects) - len(staged.read.gone),
            "objects_skipped": objects_skipped,
            "lines_read": staged.read.lines,
            "rows_silver": staged.rows_silver,
            "lines_quarantined": staged.rows_quarantine,
            "duplicates": staged.duplicates,
            "blank_lines": staged.blank,
            "bytes_read": staged.read.bytes,
            "reasons": to_json(staged.reasons),
            "warnings": to_json(staged.warnings),
            "read_seconds": staged.seconds,
            "dedupe_seconds": staged.dedupe_seconds,
            "commit_seconds": 0.0,
            "silver_version": version,
            "contract_version": context.settings.contract.version,
            "engine": context.engine.name,
            "correlation_id": context.settings.correlation_id or None,
            "oldest_object_at": datetime.fromtimestamp(oldest / 1e9, UTC).isoformat(),
        },
        days=[(day.year, day.month, day.day) for day in sorted(days)],
        quarantine=[],
        quality=measured(context.settings.contract, staged),
    )


def _commit(
    context: Context, objects: Sequence[PlannedObject], staged: StagedLines, record: BatchRecord
) -> Commit:
    started = time.perf_counter()
    context.lake.quarantine.snapshot_or_create()
    adds = publish(context.lake.silver, staged.silver)
    record.quarantine = publish(context.lake.quarantine, staged.quarantine)
    record.run["commit_seconds"] = time.perf_counter() - started
    return Commit(
        adds=adds,
        transactions={o.app_id: 1 for o in objects},
        metadata=record.to_metadata(),
    )
