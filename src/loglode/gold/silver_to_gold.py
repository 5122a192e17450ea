"""Silver to gold, incremental: new rows are merged into what the tables hold, or touched days computed again.

A gold commit replaces rows of days in one step, and its bookmark with them. It is planned from the very
bookmark that it replaces: when another writer changes the bookmark meanwhile (a restore, another run, a
request to rebuild), nothing is committed and the run plans again. A killed run leaves each table either as
it was or done, and the next run goes on from there.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from loglode import logs
from loglode.batches.effects import SILVER_VERSION, settle
from loglode.context import Context
from loglode.engines.base import BatchInputs, GoldInputs, ModelRunner
from loglode.errors import CommitConflictError
from loglode.files import StagedFile
from loglode.gold.bookmark import Bookmark
from loglode.gold.merge import Merge, plan_merge
from loglode.gold.plan import (
    GoldPlan,
    TablePlan,
    chunks,
    day_of,
    plan_gold,
    with_margins,
)
from loglode.gold.progress import Progress, begin, forget
from loglode.lake import ActiveFile, Commit, Snapshot
from loglode.lake.committer import adds, commit_when, publish
from loglode.metrics import Step
from loglode.storage import Location
from loglode.tables import DAY, TableSpec
from loglode.telemetry.steps import Written, gold_step

MAX_REPLANS = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GoldReport:
    """Days that were computed, and tables that were rebuilt because what decides their content changed."""

    days: list[date] = field(default_factory=list)
    rebuilt: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Run:
    """One attempt: what it does, and with what."""

    context: Context
    plan: GoldPlan
    progress: Progress
    started_at: datetime
    runner: ModelRunner


def silver_to_gold(context: Context) -> GoldReport:
    """Bring every gold table to silver's newest version.

    Raises CommitConflictError when other writers changed the bookmarks MAX_REPLANS times.
    """
    with logs.bound(step=Step.GOLD):
        days: set[date] = set()
        rebuilt: dict[str, str] = {}
        for _ in range(MAX_REPLANS):
            silver = context.lake.silver.snapshot()
            settle(context.lake, silver)
            plan = plan_gold(context, silver)
            if not plan.tables:
                return GoldReport(sorted(days), tuple(rebuilt))
            _announce(plan, rebuilt)
            days.update(plan.days)
            if _attempt(context, plan):
                facts = {"table": "web_logs", "version": silver.version, "counts": {"gold_days": len(days)}}
                _log.info("gold is up to silver", extra=facts)
                return GoldReport(sorted(days), tuple(rebuilt))
            _log.debug("another writer changed a bookmark; planning again")
    raise CommitConflictError(
        f"gold: other writers changed the tables during {MAX_REPLANS} attempts",
        hint="run again; nothing was lost",
    )


def _announce(plan: GoldPlan, rebuilt: dict[str, str]) -> None:
    """Log each table whose rows are computed again, once, and why."""
    reasons: dict[str, list[str]] = {}
    for table in plan.tables:
        if table.reason and table.model.name not in rebuilt:
            reasons.setdefault(table.reason, []).append(table.model.name)
            rebuilt[table.model.name] = table.reason
    for reason, names in reasons.items():
        _log.warning(f"rebuilding gold from silver: {', '.join(names)}: {reason}")


def _attempt(context: Context, planned: GoldPlan) -> bool:
    """Compute and commit; False when a table's bookmark was no longer the planned one."""
    folder, lake = context.folder / "gold", context.lake
    runner = context.engine.models(context.models, context.settings.contract, folder, lake.gold_root)
    with gold_step(context.reporter, planned.silver.version) as step:
        plan, progress = begin(context, planned)
        run = _Run(context, plan, progress, datetime.now(UTC), runner)
        merge = plan_merge(context, plan)
        run, staged = (run, _computed(run)) if merge is None else _merged(run, merge)
        outcomes = [_commit(run, table, staged.get(table.model.name)) for table in run.plan.tables]
        step.written += [outcome for outcome in outcomes if isinstance(outcome, Written)]
    is_done = not any(outcome is _OUTDATED for outcome in outcomes)
    if is_done and progress.days:
        forget(lake)
    return is_done


def _computed(run: _Run) -> dict[str, list[StagedFile]]:
    """Files for each table that are not published yet."""
    staged: dict[str, list[StagedFile]] = {table.model.name: [] for table in run.plan.by_day}
    total = len(run.plan.days)
    done = 0
    for chunk in chunks(run.context, run.plan):
        for name, files in run.runner.run(_inputs(run, chunk.days), chunk.tables).files.items():
            staged[name] += files
        done += len(chunk.days)
        if run.progress.fingerprints and (done < total or run.progress.days):
            run.progress.add(run.context.lake, chunk.days, staged)
            staged |= {name: [] for name in run.progress.fingerprints}
        run.context.progress("silver to gold", done, total)
    return staged


def _merged(run: _Run, merge: Merge) -> tuple[_Run, dict[str, list[StagedFile]]]:
    """The run as a merge, which replaces the days that changed, and its files."""
    quarantine = run.context.lake.quarantine.snapshot()
    inputs = GoldInputs(
        days=merge.days,
        web_logs=_paths(run.plan.silver, merge.silver),
        rows=sum(file.rows for file in merge.silver),
        quarantine=_paths(quarantine, merge.quarantine),
        held=merge.held,
        folded={
            table.model.name: _paths(table.found, merge.folded[table.model.name])
            for table in run.plan.by_day
            if table.found and table.model.name in merge.folded
        },
    )
    computed = run.runner.run(inputs, [table.model.name for table in run.plan.by_day])
    run.context.progress("silver to gold", len(merge.days), len(merge.days))
    tables = tuple(
        replace(
            table,
            # Rows of batches lie in the days of the loads, which the days of the events must not replace.
            days=frozenset() if table.model.grows or table.model.is_by_batch else computed.days,
            folded=frozenset(file.path for file in merge.folded.get(table.model.name, ())),
        )
        for table in run.plan.tables
    )
    return replace(run, plan=replace(run.plan, tables=tables)), computed.files


def _inputs(run: _Run, days: list[date]) -> GoldInputs:
    window, silver = with_margins(days), run.plan.silver
    quarantine = run.context.lake.quarantine.snapshot()
    events = [file for file in silver.files() if day_of(file) in window]
    return GoldInputs(
        days=days,
        web_logs=_paths(silver, events),
        rows=sum(file.rows for file in events),
        quarantine=_paths(quarantine, (file for file in quarantine.files() if _meets(file, days))),
    )


def _meets(file: ActiveFile, days: list[date]) -> bool:
    """Whether a quarantine file may contain lines of the days; most lines' time cannot be read."""
    if not days or file.first_event is None or file.last_event is None:
        return False
    return file.first_event[:10] <= days[-1].isoformat() and file.last_event[:10] >= days[0].isoformat()


def _paths(snapshot: Snapshot, files: Iterable[ActiveFile]) -> list[Location]:
    return [snapshot.table.root / file.path for file in files]


class _Outdated:
    """The outcome of a commit that was not made, because the table's bookmark is not the planned one."""


_OUTDATED = _Outdated()


def _commit(run: _Run, table: TablePlan, staged: list[StagedFile] | None) -> Written | _Outdated | None:
    """Commit a table's rows; None where another run has committed as much already."""
    files = _batches(run, table) if staged is None else staged
    columns = run.runner.columns[table.model.name]
    spec = TableSpec(table.model.name, columns, DAY, table.model.description)
    target = run.context.lake.gold(spec.name).declared(spec)
    outcome: Written | _Outdated | None = None

    def decide(snapshot: Snapshot) -> Commit | None:
        nonlocal files, outcome
        outcome = None
        bookmark = Bookmark.of(snapshot)
        if bookmark.has_reached(table.after):
            return None
        if bookmark != table.before:
            outcome = _OUTDATED
            return None
        current = snapshot.files()
        if not table.folded <= {file.path for file in current}:
            outcome = _OUTDATED  # maintenance has written them again
            return None
        files = publish(target, files)
        actions = [*run.progress.adds.get(spec.name, ()), *adds(files)]
        rows = sum(json.loads(action["stats"])["numRecords"] for action in actions)
        outcome = Written(spec.name, target.root, columns, rows, snapshot.version + 1)
        return Commit(
            adds=actions,
            removes=[
                file
                for file in current
                if table.is_rebuild or day_of(file) in table.days or file.path in table.folded
            ],
            replaces_columns=table.is_rebuild,
            transactions={SILVER_VERSION: table.after.number},
            metadata=_origin(run, table),
        )

    commit_when(target, decide, keeps_columns=not table.is_rebuild)
    return outcome


def _batches(run: _Run, table: TablePlan) -> list[StagedFile]:
    """Rows of the batches that the table lacks; of a rebuilt table, of all."""
    runs = run.context.lake.runs.snapshot()
    after = 0 if table.is_rebuild else table.before.version
    inputs = BatchInputs(
        runs=_paths(runs, runs.files_above("silver_version", after)),
        after=after,
        until=table.after.version,
        started_at=run.started_at,
        counted=_paths(table.found, table.found.files()) if table.is_rebuild and table.found else (),
    )
    return run.runner.run_batches(table.model, inputs)


def _origin(run: _Run, table: TablePlan) -> dict[str, str | int | None]:
    """What a gold commit records about its run; the correlation id is null on a laptop, as in ops.runs."""
    correlation_id = run.context.settings.correlation_id or None
    kind = {"kind": "rebuild"} if table.reason else {}
    return {"silver_version": table.after.version, "correlation_id": correlation_id, **kind}
