"""Replay of quarantined lines after rules have changed."""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from loglode import logs
from loglode.batches.effects import BatchRecord, settle
from loglode.context import Context, embedded_engine, open_context, open_lake
from loglode.engines.base import Held, Progress, StagedLines, to_json
from loglode.engines.duckdb import DuckDBEngine
from loglode.engines.duckdb.engine import LinesJob
from loglode.engines.duckdb.refused import Refused
from loglode.files import StagedFile
from loglode.formats import FORMATS
from loglode.gold.silver_to_gold import silver_to_gold
from loglode.lake import Commit, Snapshot
from loglode.lake.committer import commit_when, publish
from loglode.loading.bronze_to_silver import overlapping
from loglode.loading.report import RunReport
from loglode.settings import Settings
from loglode.tables import QUARANTINE
from loglode.telemetry.steps import replay_step

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Replay:
    """Lines of one format that pass now; `freed` counts those that leave quarantine."""

    staged: StagedLines
    freed: int


def replay_quarantine(
    settings: Settings, *, reason: str | None = None, progress: Progress | None = None
) -> RunReport:
    """Read quarantined lines again with the contract of the settings.

    Lines that pass now move to silver in one commit, which also says what leaves quarantine; lines
    whose event silver holds already leave as duplicates; the others stay as they are.
    Raises LakeError, CommitConflictError.
    """
    started = time.perf_counter()
    report = RunReport(batch_id=secrets.token_hex(10))
    open_lake(settings).require()
    with open_context(settings, progress) as context:
        with logs.bound(step="replay", batch_id=report.batch_id):
            with replay_step(context.emitter, context.lake, report.batch_id) as step:
                step.record = record = _move(context, report.batch_id, reason, step.run_id)
            settle(context.lake, context.lake.silver.snapshot())
        if record is not None:
            report.rows_silver = record.run["rows_silver"]
            report.lines_quarantined = record.run["lines_quarantined"]
            report.duplicates = record.run["duplicates"]
            report.days = set(record.days)
            report.batches = [report.batch_id]
        report.gold_days = len(silver_to_gold(context))
    report.seconds = time.perf_counter() - started
    return report


def _move(context: Context, batch_id: str, reason: str | None, run_id: str) -> BatchRecord | None:
    """Refused lines are few: whatever engine loads, the embedded one replays."""
    record: BatchRecord | None = None
    with contextlib.closing(embedded_engine(context.settings, context.folder / "replay-spill")) as engine:

        def decide(snapshot: Snapshot) -> Commit | None:
            nonlocal record
            settle(context.lake, snapshot)
            record, adds = _attempt(context, engine, batch_id, reason, snapshot)
            if record is None:
                return None
            record.openlineage_run = run_id
            return Commit(adds=adds, metadata=record.to_metadata())

        commit_when(context.lake.silver, decide)
    return record


def _attempt(
    context: Context, engine: DuckDBEngine, batch_id: str, reason: str | None, snapshot: Snapshot
) -> tuple[BatchRecord | None, list[dict[str, object]]]:
    started_at = datetime.now(UTC)
    quarantine = context.lake.quarantine.snapshot()
    refused = Refused(engine, {f.path: quarantine.table.root / f.path for f in quarantine.files()})
    folder = context.folder / f"{batch_id}-{secrets.token_hex(4)}"
    folder.mkdir()
    replays = [
        _replay(context, engine, refused, fmt, reason, batch_id, started_at, folder / fmt, snapshot)
        for fmt in refused.formats()
        if fmt in FORMATS
    ]
    freed = sum(r.freed for r in replays)
    if not freed:
        return None, []
    touched, rewritten = refused.without_freed(folder / "quarantine", batch_id)
    silver = [file for r in replays for file in r.staged.silver]
    adds = publish(context.lake.silver, silver)
    rows = sum(file.rows for file in silver)
    record = BatchRecord(
        run=_run(context, batch_id, started_at, rows, freed, snapshot.version + 1, replays),
        days=sorted({_day(f) for f in silver} | {(y, m, d) for y, m, d in refused.freed_days()}),
        quarantine=publish(context.lake.quarantine, rewritten),
        quarantine_removed=touched,
    )
    return record, adds


def _replay(
    context: Context,
    engine: DuckDBEngine,
    refused: Refused,
    fmt: str,
    reason: str | None,
    batch_id: str,
    started_at: datetime,
    folder: Path,
    snapshot: Snapshot,
) -> _Replay:
    folder.mkdir()
    job = LinesJob(
        contract=context.settings.contract,
        format=FORMATS[fmt],
        known_keys=frozenset(),
        sample=[],
        lines=refused.lines(fmt, reason),
        batch_id=batch_id,
        processed_at=started_at,
        pseudonym_key=context.key,
        folder=folder,
        quarantine_types={name: sql for name, sql, _ in QUARANTINE.columns},
    )
    staged = engine.stage_lines(job)
    freed = refused.mark_freed(fmt, reason, [f.local for f in staged.quarantine])
    staged.quarantine = []
    held = Held(
        silver=[context.lake.silver.root / f.path for f in overlapping(snapshot, staged.silver)],
        quarantine=[],
        silver_root=context.lake.silver.root,
        quarantine_root=context.lake.quarantine.root,
        silver_types=context.silver_types,
        quarantine_types={},
    )
    engine.remove_duplicates(staged, held, batch_id)
    return _Replay(staged, freed)


def _run(
    context: Context,
    batch_id: str,
    started_at: datetime,
    rows: int,
    freed: int,
    version: int,
    replays: list[_Replay],
) -> dict[str, object]:
    return {
        "batch_id": batch_id,
        "kind": "replay",
        "started_at": started_at.isoformat(),
        "finished_at": datetime.now(UTC).isoformat(),
        "objects": 0,
        "objects_skipped": 0,
        "lines_read": 0,
        "rows_silver": rows,
        "lines_quarantined": -freed,
        "duplicates": freed - rows,
        "blank_lines": 0,
        "bytes_read": 0,
        "reasons": to_json({}),
        "warnings": to_json({}),
        "read_seconds": sum(r.staged.seconds for r in replays),
        "dedupe_seconds": sum(r.staged.dedupe_seconds for r in replays),
        "commit_seconds": 0.0,
        "silver_version": version,
        "contract_version": context.settings.contract.version,
        "engine": DuckDBEngine.name,
        "correlation_id": context.settings.correlation_id or None,
        "oldest_object_at": None,
    }


def _day(file: StagedFile) -> tuple[int, int, int]:
    year, month, day = (int(v) for v in file.partition.values())
    return year, month, day
