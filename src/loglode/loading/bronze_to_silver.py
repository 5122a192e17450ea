"""One batch from bronze to silver and quarantine, exactly once.

Silver's commit decides. It carries the rows, the identity of every object they came from, and in its
metadata all that must follow from it: the quarantine files (written, not yet visible) and the rows of
ops.runs and ops.quality. `settle` makes those visible, and the next writer does it if this process dies
first.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from loglode.batches.effects import settle
from loglode.batches.ledger import Ledger
from loglode.batches.plan import Batch, app_id
from loglode.batches.quality_counts import measured
from loglode.batches.record import BatchRecord, RunRow
from loglode.context import Context
from loglode.engines.base import Existing, Job, StagedLines
from loglode.errors import BooksError, CommitConflictError
from loglode.files import StagedFile
from loglode.lake import ActiveFile, Commit, Snapshot
from loglode.lake.committer import adds, commit_when, publish
from loglode.loading.apart import freed_by, without_accepted
from loglode.sources import SourceObject
from loglode.sources.outcomes import Skipped

MAX_ATTEMPTS = 20
_log = logging.getLogger(__name__)
_COUNTS = ("objects", "lines_read", "rows_silver", "lines_quarantined", "duplicates", "blank_lines")


def bronze_to_silver(
    context: Context, batch: Batch, objects_skipped: int = 0
) -> tuple[Ledger, BatchRecord | None]:
    """Load one batch; returns the outcome of each object, and the record where something was committed.

    `objects_skipped` counts objects of the run that were loaded before, for the record.

    Objects that cannot be read are not recorded as loaded. Objects that other writers load meanwhile are
    skipped, and the others are staged again. Raises BooksError if lines are missing (nothing is committed
    then), CommitConflictError, LoglodeError.
    """
    ledger = Ledger()
    for _ in range(MAX_ATTEMPTS):
        found, record = _attempt(context, batch, objects_skipped)
        ledger |= found
        rest = tuple(o for o in batch.objects if o.source not in ledger.outcomes)
        if not rest:
            return ledger, record
        batch = Batch(rest)
    raise CommitConflictError(
        f"batch {batch.batch_id}: other writers kept loading its objects",
        hint="run again; nothing was lost",
    )


def _attempt(context: Context, batch: Batch, objects_skipped: int) -> tuple[Ledger, BatchRecord | None]:
    """Stage and commit. Where others have loaded some objects, only those and failures have an outcome."""
    job = _job(context, batch)
    staged = context.engine.stage(job, batch.objects, context.progress)
    _check_lines(job, staged)
    ledger = Ledger({o.source: staged.read.outcomes[o.source.identity] for o in batch.objects})
    objects = ledger.committable
    if not objects:
        return ledger, None
    taken: set[str] = set()
    record: BatchRecord | None = None

    def decide(snapshot: Snapshot) -> Commit | None:
        nonlocal staged, record, taken
        taken = snapshot.recorded({app_id(o) for o in objects})
        if taken:
            record = None
            return None
        settle(context.lake, snapshot)
        staged = _without_known(context, job, staged, snapshot)
        commit, staged, record = _commit(context, job, staged, objects, objects_skipped, snapshot.version + 1)
        return commit

    commit_when(context.lake.silver, decide)
    shutil.rmtree(job.folder, ignore_errors=True)  # to S3 files were copied, not moved
    if taken:
        skipped = Ledger({o: Skipped() for o in objects if app_id(o) in taken})
        return Ledger(ledger.failures) | skipped, None
    _log_loaded(record)
    return ledger, record


def _job(context: Context, batch: Batch) -> Job:
    return Job(
        contract=context.settings.contract,
        format=batch.format,
        known_keys=batch.known_keys,
        batch_id=batch.batch_id,
        processed_at=datetime.now(UTC),
        pseudonym_key=context.key,
        keying=context.keying,
        folder=context.folder / batch.batch_id,
        silver_root=context.lake.silver.root,
        quarantine_root=context.lake.quarantine.root,
        limits=context.settings.limits,
    )


def _log_loaded(record: BatchRecord | None) -> None:
    if record is None or record.run is None:
        return
    counts = {name: getattr(record.run, name) for name in _COUNTS}
    facts = {"table": "web_logs", "version": record.run.silver_version, "counts": counts}
    _log.info("batch loaded", extra=facts)


def _check_lines(job: Job, staged: StagedLines) -> None:
    found = staged.rows_silver + staged.rows_quarantine + staged.blank
    if found != staged.read.lines:
        raise BooksError(
            f"batch {job.batch_id}: {staged.read.lines} lines read, {found} accounted for;"
            " nothing was committed",
            hint="this is a defect of Loglode; please report it with the object that shows it",
        )


def _without_known(context: Context, job: Job, staged: StagedLines, snapshot: Snapshot) -> StagedLines:
    """Remove what silver and quarantine contain already, and what the batch contains twice."""
    quarantine = context.lake.quarantine
    refused = quarantine.snapshot().files() if staged.quarantine and quarantine.exists else []
    near = overlapping(snapshot, staged.silver)
    existing = Existing(
        silver=[context.lake.silver.root / f.path for f in near],
        quarantine=[quarantine.root / f.path for f in refused],
    )
    days = context.engine.days_of([f.path for f in staged.quarantine]) if staged.quarantine else []
    staged = context.engine.without_duplicates(job, staged, existing)
    alike = {file.path: file for file in (*near, *snapshot.files(days))}
    staged = without_accepted(context, job, staged, list(alike.values()))
    return context.engine.tallied(staged)


def overlapping(snapshot: Snapshot, staged: Sequence[StagedFile]) -> list[ActiveFile]:
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


def _commit(
    context: Context,
    job: Job,
    staged: StagedLines,
    objects: Sequence[SourceObject],
    objects_skipped: int,
    version: int,
) -> tuple[Commit, StagedLines, BatchRecord]:
    """Publish the files: the commit that makes them visible, where they are now, and the record."""
    started = time.perf_counter()
    context.lake.quarantine.snapshot_or_create()
    freed = freed_by(context, job, staged)
    staged = replace(
        staged,
        silver=publish(context.lake.silver, staged.silver),
        quarantine=publish(context.lake.quarantine, staged.quarantine),
    )
    row = _row(context, job, staged, objects, objects_skipped)
    row = replace(
        row,
        lines_quarantined=row.lines_quarantined - freed.lines,
        duplicates=row.duplicates + freed.lines,
        silver_version=version,
        commit_seconds=time.perf_counter() - started,
    )
    days = {date.fromisoformat(day) for day in (*staged.rows_by_day, *(d for d, _ in staged.refused)) if day}
    days |= {date(*day) for day in freed.days}
    record = BatchRecord(
        run=row,
        days=[(day.year, day.month, day.day) for day in sorted(days)],
        silver=[file.relative_path for file in staged.silver],
        quarantine=adds([*staged.quarantine, *publish(context.lake.quarantine, freed.rewritten)]),
        quarantine_removed=freed.removed,
        quality=measured(job.contract, staged),
    )
    transactions = {app_id(o): 1 for o in objects}
    commit = Commit(adds=adds(staged.silver), transactions=transactions, metadata=record.to_metadata())
    return commit, staged, record


def _row(
    context: Context, job: Job, staged: StagedLines, objects: Sequence[SourceObject], objects_skipped: int
) -> RunRow:
    oldest = min(o.modified_ns for o in objects)
    return RunRow(
        batch_id=job.batch_id,
        kind="load",
        started_at=job.processed_at.isoformat(),
        finished_at=datetime.now(UTC).isoformat(),
        objects=len(objects),
        objects_skipped=objects_skipped,
        lines_read=staged.read.lines,
        rows_silver=staged.rows_silver,
        lines_quarantined=staged.rows_quarantine,
        duplicates=staged.duplicates,
        blank_lines=staged.blank,
        bytes_read=staged.read.bytes,
        reasons=staged.reasons,
        warnings=staged.warnings,
        read_seconds=staged.seconds,
        dedupe_seconds=staged.dedupe_seconds,
        contract_version=job.contract.version,
        engine=context.engine.name,
        correlation_id=context.settings.correlation_id or None,
        oldest_object_at=_moment(oldest),
    )


def _moment(nanoseconds: int) -> str | None:
    """A time since 1970 as ISO text; None beyond the years 1 to 9999, which some file systems store."""
    try:
        return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=nanoseconds // 1000)).isoformat()
    except OverflowError:
        return None
