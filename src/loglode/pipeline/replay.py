"""Replay of quarantined lines after rules have changed."""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from loglode import logs
from loglode.batches.effects import settle
from loglode.batches.record import BatchRecord, Day, RunRow
from loglode.context import Context, embedded_engine, open_context, open_lake
from loglode.engines.base import Existing, Job, Progress, StagedLines
from loglode.engines.duckdb import DuckDBEngine
from loglode.engines.duckdb.refused import Refused
from loglode.files import StagedFile
from loglode.formats import is_known, known_format
from loglode.gold.silver_to_gold import silver_to_gold
from loglode.lake import Commit, Snapshot
from loglode.lake.committer import adds, commit_when, publish
from loglode.loading.bronze_to_silver import overlapping
from loglode.loading.report import RunReport
from loglode.settings import Settings
from loglode.telemetry.steps import replay_step

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Request:
    """Which lines are read again, and under which names the result is recorded."""

    batch_id: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Pass:
    """One attempt against one version of the lake."""

    context: Context
    engine: DuckDBEngine
    request: _Request
    snapshot: Snapshot
    refused: Refused
    started_at: datetime
    folder: Path


@dataclass(frozen=True, slots=True)
class _Replay:
    """Lines of one format that pass now; `freed` counts those that leave quarantine."""

    staged: StagedLines
    freed: int


def replay_quarantine(
    settings: Settings, *, reason: str | None = None, progress: Progress | None = None
) -> RunReport:
    """Read quarantined lines again with the contract of the settings.

    Lines that pass now move to silver in one commit, which also records what leaves quarantine. Lines
    whose event silver already contains leave as duplicates. The others stay as they are.
    Raises LakeError, CommitConflictError.
    """
    started = time.perf_counter()
    batch_id = secrets.token_hex(10)
    open_lake(settings).require()
    with open_context(settings, progress) as context:
        with logs.bound(step="replay", batch_id=batch_id):
            with replay_step(context.reporter, batch_id) as step:
                step.record = record = _move(context, _Request(batch_id, reason))
            settle(context.lake, context.lake.silver.snapshot())
        gold = silver_to_gold(context)
    records = (record,) if record else ()
    seconds = time.perf_counter() - started
    return RunReport(records=records, gold_days=len(gold.days), gold_rebuilt=gold.rebuilt, seconds=seconds)


def _move(context: Context, request: _Request) -> BatchRecord | None:
    """Refused lines are few: with either engine, the embedded one replays them."""
    record: BatchRecord | None = None
    with contextlib.closing(embedded_engine(context.settings, context.lake, context.folder)) as engine:

        def decide(snapshot: Snapshot) -> Commit | None:
            nonlocal record
            settle(context.lake, snapshot)
            commit, record = _attempt(context, engine, request, snapshot)
            return commit

        commit_when(context.lake.silver, decide)
    return record


def _attempt(
    context: Context, engine: DuckDBEngine, request: _Request, snapshot: Snapshot
) -> tuple[Commit | None, BatchRecord | None]:
    quarantine = context.lake.quarantine.snapshot()
    refused = Refused(engine, {f.path: quarantine.table.root / f.path for f in quarantine.files()})
    folder = context.folder / f"{request.batch_id}-{secrets.token_hex(4)}"
    folder.mkdir()
    attempt = _Pass(context, engine, request, snapshot, refused, datetime.now(UTC), folder)
    replays = [_replay(attempt, fmt) for fmt in refused.formats() if is_known(fmt)]
    if not any(r.freed for r in replays):
        return None, None
    touched, rewritten = refused.without_freed(folder / "quarantine", request.batch_id)
    silver = publish(context.lake.silver, [file for r in replays for file in r.staged.silver])
    record = BatchRecord(
        run=_row(attempt, replays),
        days=sorted({_day(f) for f in silver} | {(y, m, d) for y, m, d in refused.freed_days()}),
        silver=[file.relative_path for file in silver],
        quarantine=adds(publish(context.lake.quarantine, rewritten)),
        quarantine_removed=touched,
    )
    return Commit(adds=adds(silver), metadata=record.to_metadata()), record


def _replay(attempt: _Pass, fmt: str) -> _Replay:
    lake, refused, reason = attempt.context.lake, attempt.refused, attempt.request.reason
    folder = attempt.folder / fmt
    folder.mkdir()
    job = Job(
        contract=attempt.context.settings.contract,
        format=known_format(fmt),
        known_keys=frozenset(),
        batch_id=attempt.request.batch_id,
        processed_at=attempt.started_at,
        pseudonym_key=attempt.context.key,
        keying=attempt.context.keying,
        folder=folder,
        silver_root=lake.silver.root,
        quarantine_root=lake.quarantine.root,
        has_objects=False,
    )
    staged = attempt.engine.stage_lines(job, refused.lines(fmt, reason))
    freed = refused.mark_freed(fmt, reason, [f.local for f in staged.quarantine])
    existing = Existing([lake.silver.root / f.path for f in overlapping(attempt.snapshot, staged.silver)])
    passing = replace(staged, quarantine=[])
    return _Replay(attempt.engine.without_duplicates(job, passing, existing), freed)


def _row(attempt: _Pass, replays: Sequence[_Replay]) -> RunRow:
    freed = sum(r.freed for r in replays)
    rows = sum(r.staged.rows_silver for r in replays)
    settings = attempt.context.settings
    return RunRow(
        batch_id=attempt.request.batch_id,
        kind="replay",
        started_at=attempt.started_at.isoformat(),
        finished_at=datetime.now(UTC).isoformat(),
        rows_silver=rows,
        lines_quarantined=-freed,
        duplicates=freed - rows,
        read_seconds=sum(r.staged.seconds for r in replays),
        dedupe_seconds=sum(r.staged.dedupe_seconds for r in replays),
        contract_version=settings.contract.version,
        engine=DuckDBEngine.name,
        correlation_id=settings.correlation_id or None,
        silver_version=attempt.snapshot.version + 1,
    )


def _day(file: StagedFile) -> Day:
    year, month, day = (int(v) for v in file.partition.values())
    return year, month, day
