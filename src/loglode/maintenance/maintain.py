"""Maintenance: merges small files, deletes leftovers, writes checkpoints, empties old refused lines.

No row changes but the raw text of old refused lines. Maintenance of silver and of quarantine are commits of
silver, like every change of the two, so that loads and replays beside it look again at what is there. Each
other table is maintained by commits of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

from loglode import logs
from loglode.batches.effects import settle
from loglode.batches.record import BatchRecord
from loglode.context import open_context, open_lake
from loglode.engines.base import Progress
from loglode.engines.duckdb.merge import Merger
from loglode.errors import BooksError, UsageError
from loglode.files import StagedFile
from loglode.gold.silver_to_gold import silver_to_gold
from loglode.html import Report
from loglode.lake import ActiveFile, Commit, Lake, Snapshot, Table
from loglode.lake.committer import adds, commit_when, publish
from loglode.lake.maintenance import Merge, checkpoint, keep_bookmarks, small_files, unneeded_files
from loglode.lake.table import as_it_stands
from loglode.settings import Settings, in_range
from loglode.storage import Location

_log = logging.getLogger(__name__)
TARGET_BYTES = 128 << 20
KEEP_HOURS = 7 * 24
# Longer than any load: files that it has written and not committed yet look like those of a killed one.
SAFE_KEEP_HOURS = 24
QUARANTINE_DAYS = 30
# A century: dates and durations beyond cannot be computed with.
MAX_DAYS = 36_500
# What one commit replaces at most: a killed process loses no more work than that.
COMMIT_BYTES = 1 << 30
RAW = "raw"


@dataclass(slots=True)
class TableMaintenance:
    """What was done to a table, or would be; `deleted` are paths relative to it."""

    name: str
    files_before: int = 0
    files_after: int = 0
    files_merged: int = 0
    lines_expired: int = 0
    deleted: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MaintenanceReport(Report):
    """What `maintain` did to each table."""

    lake: str
    is_dry_run: bool
    tables: tuple[TableMaintenance, ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "lake": self.lake,
            "dry_run": self.is_dry_run,
            "tables": [asdict(t) for t in self.tables],
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the caller asks for."""

    target_bytes: int
    keep_hours: int
    expired_before: date
    is_dry_run: bool
    correlation_id: str


def maintain(  # noqa: PLR0913 - options of the command, all with defaults
    settings: Settings,
    *,
    target_bytes: int = TARGET_BYTES,
    keep_hours: int = KEEP_HOURS,
    quarantine_days: int = QUARANTINE_DAYS,
    is_dry_run: bool = False,
    is_forced: bool = False,
    progress: Progress | None = None,
) -> MaintenanceReport:
    """Merge small files, empty old refused lines, delete what no table needs, write checkpoints.

    Safe beside running writers as long as none of them takes more than `keep_hours`, after which files
    that left a table, or never came into it, are deleted. `quarantine_days` is how long the raw text of
    a refused line is kept. A dry run changes nothing. `is_forced` allows less than SAFE_KEEP_HOURS, which is
    right where nothing else works on the lake. Raises UsageError, LakeError, CommitConflictError.
    """
    in_range("keep_hours", keep_hours, 0, MAX_DAYS * 24)
    if keep_hours < SAFE_KEEP_HOURS and not (is_forced or is_dry_run):
        raise UsageError(
            f"keep_hours is {keep_hours}: that could delete files of loads and queries that are running",
            hint=f"at least {SAFE_KEEP_HOURS}, or --force where nothing else works on the lake",
        )
    started = time.perf_counter()
    lake = open_lake(settings)
    lake.require()
    today = datetime.now(UTC).date()
    plan = _Plan(
        target_bytes=in_range("target_bytes", target_bytes, 1),
        keep_hours=keep_hours,
        expired_before=today - timedelta(days=in_range("quarantine_days", quarantine_days, 0, MAX_DAYS)),
        is_dry_run=is_dry_run,
        correlation_id=settings.correlation_id,
    )
    if is_dry_run:
        done = [_preview(name, root, plan) for name, root in lake.existing()]
    else:
        with logs.bound(step="maintain"):
            done = list(_maintained(settings, lake, plan, progress))
    return MaintenanceReport(str(lake.root), is_dry_run, tuple(done), time.perf_counter() - started)


def _preview(name: str, root: Location, plan: _Plan) -> TableMaintenance:
    snapshot = as_it_stands(name, root)
    done = TableMaintenance(name, len(snapshot.files()))
    merges = list(_merges(snapshot, plan))
    _count(done, merges)
    done.files_after = done.files_before - sum(len(m.files) - 1 for m in merges)
    done.deleted = unneeded_files(snapshot.table, plan.keep_hours, is_dry_run=True)
    return done


def _maintained(
    settings: Settings, lake: Lake, plan: _Plan, progress: Progress | None
) -> Iterator[TableMaintenance]:
    with open_context(settings, progress, lake) as context:
        settle(lake, lake.silver.snapshot())
        merger = Merger(
            memory_limit_mb=settings.memory_limit_mb,
            threads=settings.threads,
            folder=context.folder,
            tables=[table.root for table in lake.tables],
        )
        try:
            for name, root in list(lake.existing()):
                if name not in lake.gold_names:
                    yield _maintain_table(name, root, lake, merger, plan)
            # Silver has new versions, if not new rows: gold's bookmarks follow.
            silver_to_gold(context)
            for name in lake.gold_names:
                yield _maintain_table(name, lake.gold_root(name), lake, merger, plan)
        finally:
            merger.close()


def _maintain_table(name: str, root: Location, lake: Lake, merger: Merger, plan: _Plan) -> TableMaintenance:
    before = as_it_stands(name, root)
    done = TableMaintenance(name, len(before.files()))
    keep_bookmarks(before.table)
    for merges in _in_commits(_merges(before, plan)):
        merged = [_merged(before, merge, merger) for merge in merges]
        is_quarantine = name == lake.quarantine.spec.name
        who = {"correlation_id": plan.correlation_id or None}
        is_done = (
            _commit_quarantine(lake, merged, who) if is_quarantine else _commit(before.table, merged, who)
        )
        _count(done, is_done)
    done.deleted = unneeded_files(before.table, plan.keep_hours, is_dry_run=False)
    newest = before.table.snapshot()
    done.files_after = len(newest.files())
    checkpoint(before.table)
    counts = {k: getattr(done, k) for k in ("files_before", "files_after", "files_merged", "lines_expired")}
    facts = {
        "table": name,
        "version": newest.version,
        "counts": {**counts, "files_deleted": len(done.deleted)},
    }
    _log.info("table maintained", extra=facts)
    return done


def _count(done: TableMaintenance, merges: list[Merge]) -> None:
    done.files_merged += sum(len(m.files) for m in merges)
    done.lines_expired += sum(m.rows for m in merges if m.emptied)


def _merges(snapshot: Snapshot, plan: _Plan) -> Iterator[Merge]:
    """What to write again: first old refused lines, a partition at a time, then small files."""
    files = snapshot.files()
    if any(name == RAW for name, _, _ in snapshot.table.spec.columns):
        empty = snapshot.nulls(RAW)
        old = [f for f in files if _day(f) < plan.expired_before and empty.get(f.path) != f.rows]
        files = [f for f in files if f not in old]
        for _, of_day in groupby(sorted(old, key=_day), key=_day):
            yield Merge(tuple(of_day), emptied=(RAW,))
    yield from small_files(files, plan.target_bytes)


def _day(file: ActiveFile) -> date:
    return date(*(int(file.partition[key]) for key in ("year", "month", "day")))


def _in_commits(merges: Iterable[Merge]) -> Iterator[list[Merge]]:
    chosen: list[Merge] = []
    for merge in merges:
        chosen.append(merge)
        if sum(m.bytes for m in chosen) >= COMMIT_BYTES:
            yield chosen
            chosen = []
    if chosen:
        yield chosen


def _merged(snapshot: Snapshot, merge: Merge, merger: Merger) -> tuple[Merge, list[StagedFile]]:
    table = snapshot.table
    paths = [table.root / f.path for f in merge.files]
    file = merger.merge(table.spec, paths, merge.partition, emptied=merge.emptied)
    if file.rows != merge.rows:
        raise BooksError(
            f"table {table.spec.name}: {merge.rows} rows became {file.rows} in a merge;"
            " nothing was committed",
            hint="this is a defect of Loglode; please report it",
        )
    return merge, [file]


class _Replacing:
    """Merges on their way into a table: those of which another writer has taken a file are dropped."""

    def __init__(self, table: Table, merged: list[tuple[Merge, list[StagedFile]]]) -> None:
        self._table = table
        self._merged = merged
        self.done: list[Merge] = []

    def files(self, newest: Snapshot) -> tuple[list[dict[str, Any]], list[ActiveFile]]:
        """(adds, removes) of the merges that are still possible; both empty where none is."""
        active = {f.path for f in newest.files()}
        self._merged = [
            (m, publish(self._table, staged)) for m, staged in self._merged if m.is_possible(active)
        ]
        self.done = [m for m, _ in self._merged]
        added = adds([file for _, staged in self._merged for file in staged])
        return added, [f for m in self.done for f in m.files]


def _commit(
    table: Table, merged: list[tuple[Merge, list[StagedFile]]], who: dict[str, str | None]
) -> list[Merge]:
    """Replace files in a commit of the table's own; returns what was done."""
    replacing = _Replacing(table, merged)

    def decide(snapshot: Snapshot) -> Commit | None:
        added, removes = replacing.files(snapshot)
        return Commit(added, removes, metadata=who, is_change=False) if removes else None

    commit_when(table, decide)
    return replacing.done


def _commit_quarantine(
    lake: Lake, merged: list[tuple[Merge, list[StagedFile]]], who: dict[str, str | None]
) -> list[Merge]:
    """Replace quarantine's files as a commit of silver says, and apply it."""
    replacing = _Replacing(lake.quarantine, merged)

    def decide(silver: Snapshot) -> Commit | None:
        settle(lake, silver)
        added, removes = replacing.files(lake.quarantine.snapshot())
        record = BatchRecord(quarantine=added, quarantine_removed=[f.path for f in removes])
        return Commit(metadata={**record.to_metadata(), **who}) if removes else None

    silver = as_it_stands(lake.silver.spec.name, lake.silver.root).table
    commit_when(silver, decide)
    settle(lake, silver.snapshot())
    return replacing.done
