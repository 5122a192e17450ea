"""Silver to gold, incremental: only days touched since each table's bookmark, and their neighbours.

A gold commit replaces whole days in one step and carries the bookmark: the version of silver it has
seen. A killed run leaves each table either as it was or done, and the next run goes on from there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from loglode import logs
from loglode.batches.effects import SILVER_VERSION, records_after, settle
from loglode.context import Context
from loglode.engines.base import Columns, GoldInputs, ModelRunner
from loglode.files import StagedFile
from loglode.lake import ActiveFile, Commit, Lake, Snapshot, Table
from loglode.lake.committer import adds, commit_when, publish
from loglode.metrics import Step
from loglode.models.model import Model
from loglode.storage import Location
from loglode.tables import DAY, TableSpec
from loglode.telemetry.steps import Written, gold_step

_log = logging.getLogger(__name__)
# A session spans at most one midnight, and whether it goes on is told by the day before: a change of
# one day can reach the day before and two days after, and needs three days before and one after.
REACH_BEFORE, REACH_AFTER = 1, 2
MARGIN_BEFORE, MARGIN_AFTER = 2, 1
# High-water mark of processed_at, in microseconds, for when silver's log no longer reaches back.
PROCESSED_AT = "silver_processed_at"
BATCH_TABLE = "pipeline_metrics"


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done: silver's version to reach, days to recompute, each gold table's bookmark."""

    version: int
    days: list[date]
    bookmarks: dict[str, int]
    # Each gold table that is there, as it was seen.
    seen: dict[str, Snapshot]


def silver_to_gold(context: Context) -> list[date]:
    """Bring every gold table to silver's newest version. Returns the days that were recomputed."""
    with logs.bound(step=Step.GOLD):
        return _silver_to_gold(context)


def _silver_to_gold(context: Context) -> list[date]:
    silver = context.lake.silver.snapshot()
    settle(context.lake, silver)
    work = _plan(context, silver)
    if work is None:
        return []
    with gold_step(context.reporter, work.version) as step:
        step.written += _computed(context, silver, work)
    told = {"table": "web_logs", "version": work.version, "counts": {"gold_days": len(work.days)}}
    _log.info("gold is up to silver", extra=told)
    return work.days


def _computed(context: Context, silver: Snapshot, work: Work) -> list[Written]:
    started_at = datetime.now(UTC)
    folder = context.folder / "gold"
    runner = context.engine.models(context.models, context.settings.contract, folder, context.lake.gold_root)
    staged: dict[str, list[StagedFile]] = {name: [] for name in context.lake.gold_names}
    done = 0
    # Without a day to work on the models still run, on nothing: a table is made with all its columns.
    for days in list(_chunks(context, silver, work.days)) or [[]]:
        inputs = _inputs(context, silver, days, started_at)
        for name, files in runner.run(inputs, exclude={BATCH_TABLE}).items():
            staged[name] += files
        done += len(days)
        context.progress("silver to gold", done, len(work.days))
    written: list[Written | None] = []
    for model in context.models:
        if model.name == BATCH_TABLE:
            written.append(_commit_batches(context, model, runner, work, started_at))
        elif model.layer == "gold" and work.bookmarks[model.name] < work.version:
            columns = runner.columns[model.name]
            written.append(_commit(context, model, columns, staged[model.name], work, silver))
    return [table for table in written if table is not None]


def _plan(context: Context, silver: Snapshot) -> Work | None:
    found = {name: _seen(context.lake.gold(name), silver.version) for name in context.lake.gold_names}
    seen = {name: snapshot for name, snapshot in found.items() if snapshot is not None}
    bookmarks = {name: _bookmark(snapshot) for name, snapshot in found.items()}
    after = min(bookmarks.values())
    if after >= silver.version:
        return None
    touched = _touched_days(context, silver, after, seen)
    present = {_day(f) for f in silver.files()}
    reach = range(-REACH_BEFORE, REACH_AFTER + 1)
    near = {d + timedelta(days=n) for d in touched for n in reach} & present
    return Work(silver.version, sorted(touched | near), bookmarks, seen)


def _seen(table: Table, version: int) -> Snapshot | None:
    """A known version of a table that is behind silver, to plan a commit on, else the newest."""
    known = table.known()
    return known if known is None or _bookmark(known) < version else table.newest()


def gold_is_current(lake: Lake) -> bool:
    """Whether every gold table has seen silver's newest version (also when there is no lake yet)."""
    silver = lake.silver.newest()
    # One table behind is enough to know: the others are not looked at.
    return silver is None or all(
        _bookmark(lake.gold(name).newest()) >= silver.version for name in lake.gold_names
    )


def gold_version(lake: Lake) -> int:
    """The version of silver that every gold table has seen; 0 where one has seen none."""
    return min(_bookmark(lake.gold(name).newest()) for name in lake.gold_names)


def _bookmark(table: Snapshot | None, name: str = SILVER_VERSION) -> int:
    """What a gold table has seen of silver: its version, or its high-water mark of processed_at."""
    return 0 if table is None else table.transaction(name) or 0


def _touched_days(context: Context, silver: Snapshot, after: int, seen: Mapping[str, Snapshot]) -> set[date]:
    """Days that changed since a version; without its log, those of files processed since."""
    if not after:
        return {_day(f) for f in silver.files()} | _quarantine_days(context)
    records = records_after(context.lake, after, silver.version)
    if records is not None:
        return {date(*day) for record in records.values() for day in record["days"]}
    floor_ms = min(_bookmark(t, PROCESSED_AT) for name, t in seen.items() if name != BATCH_TABLE) // 1000
    return {_day(f) for f in silver.files() if f.modified_ms >= floor_ms} | _quarantine_days(context)


def _quarantine_days(context: Context) -> set[date]:
    """Days of refused lines, from the rows; only asked when there is no log to tell them."""
    quarantine = context.lake.quarantine
    files = [quarantine.root / f.path for f in quarantine.snapshot().files()]
    return {date(*day) for day in context.engine.days_of(files)}


def _day(file: ActiveFile) -> date:
    return date(int(file.partition["year"]), int(file.partition["month"]), int(file.partition["day"]))


def _chunks(context: Context, silver: Snapshot, days: list[date]) -> Iterator[list[date]]:
    """Days in order, cut so that a chunk and its margins are what the engine can take, or one day."""
    engine = context.engine
    rows: dict[date, int] = {}
    for file in silver.files():
        rows[_day(file)] = rows.get(_day(file), 0) + file.rows
    chunk: list[date] = []
    for day in days:
        is_full = len(chunk) >= engine.chunk_days
        if is_full or (chunk and sum(rows.get(d, 0) for d in _window([*chunk, day])) > engine.chunk_rows):
            yield chunk
            chunk = []
        chunk.append(day)
    if chunk:
        yield chunk


def _window(days: list[date]) -> set[date]:
    margins = range(-MARGIN_BEFORE, MARGIN_AFTER + 1)
    return {d + timedelta(days=n) for d in days for n in margins}


def _inputs(context: Context, silver: Snapshot, days: list[date], started_at: datetime) -> GoldInputs:
    window = _window(days)
    refused = context.lake.quarantine.snapshot()
    events = [f for f in silver.files() if _day(f) in window]
    return GoldInputs(
        days=days,
        web_logs=[_absolute(silver, f) for f in events],
        rows=sum(f.rows for f in events),
        quarantine=[_absolute(refused, f) for f in refused.files() if _meets(f, days)],
        started_at=started_at,
    )


def _meets(file: ActiveFile, days: list[date]) -> bool:
    """Whether a quarantine file may hold lines of the days; most lines' time cannot be read."""
    if not days or file.first_event is None or file.last_event is None:
        return False
    return file.first_event[:10] <= days[-1].isoformat() and file.last_event[:10] >= days[0].isoformat()


def _absolute(snapshot: Snapshot, file: ActiveFile) -> Location:
    return snapshot.table.root / file.path


def _commit(
    context: Context,
    model: Model,
    columns: Columns,
    staged: list[StagedFile],
    work: Work,
    silver: Snapshot,
) -> Written | None:
    table = context.lake.gold(model.name).declared(TableSpec(model.name, columns, DAY, model.description))
    replaced = set(work.days)
    high_water = max((f.modified_ms for f in silver.files()), default=0) * 1000

    def decide(snapshot: Snapshot) -> Commit | None:
        # Asked again after a conflict: a run that saw more of silver has nothing left for us to do.
        nonlocal staged
        if _bookmark(snapshot) >= work.version:
            return None
        staged = publish(table, staged)
        return Commit(
            adds=adds(staged),
            removes=[f for f in snapshot.files() if _day(f) in replaced],
            transactions={SILVER_VERSION: work.version, PROCESSED_AT: high_water},
            metadata=_origin(context, work),
        )

    return _written(commit_when(table, decide), work, staged)


def _commit_batches(
    context: Context, model: Model, runner: ModelRunner, work: Work, started_at: datetime
) -> Written | None:
    """Rows are added, never replaced: one for each batch after the table's own bookmark."""
    runs = context.lake.runs.snapshot()

    def computed(after: int) -> tuple[list[StagedFile], Columns]:
        files = [_absolute(runs, f) for f in runs.files_above("silver_version", after)]
        return runner.run_batches(model, files, (after, work.version), started_at)

    staged, columns = computed(work.bookmarks[model.name])
    table = context.lake.gold(model.name).declared(TableSpec(model.name, columns, DAY, model.description))

    def decide(snapshot: Snapshot) -> Commit | None:
        nonlocal staged
        after = _bookmark(snapshot)
        if after >= work.version:
            return None
        if after != work.bookmarks[model.name]:
            staged, _ = computed(after)
        staged = publish(table, staged)
        return Commit(
            adds=adds(staged),
            transactions={SILVER_VERSION: work.version},
            metadata=_origin(context, work),
        )

    return _written(commit_when(table, decide), work, staged)


def _written(before: Snapshot, work: Work, staged: list[StagedFile]) -> Written | None:
    """What was committed on a snapshot; None where that had seen as much of silver already."""
    if _bookmark(before) >= work.version:
        return None
    spec, rows = before.table.spec, sum(file.rows for file in staged)
    return Written(spec.name, before.table.root, spec.columns, rows, before.version + 1)


def _origin(context: Context, work: Work) -> dict[str, str | int | None]:
    """What a gold commit records about its run; the correlation id is null on a laptop, as in ops.runs."""
    return {"silver_version": work.version, "correlation_id": context.settings.correlation_id or None}
