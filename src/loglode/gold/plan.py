"""What a gold run has to do: for each table behind silver, days to compute and the bookmark to replace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from loglode.batches.effects import records_after
from loglode.context import Context
from loglode.gold.bookmark import NONE, Bookmark
from loglode.gold.fingerprint import fingerprints
from loglode.lake import ActiveFile, Lake, Snapshot, Table
from loglode.models.model import Model

# A session spans at most one midnight, and the day before decides whether it goes on: a change of one day
# can reach the day before and two days after, and needs three days before and one after.
REACH_BEFORE, REACH_AFTER = 1, 2
MARGIN_BEFORE, MARGIN_AFTER = 2, 1
REQUESTED = "a rebuild was requested, or the log lost its bookmark"
NO_FINGERPRINT = "an earlier release computed it and recorded no fingerprint"
CHANGED = "models, goals, settings or column types changed"


@dataclass(frozen=True, slots=True)
class TablePlan:
    """Work on one table: a commit that replaces bookmark `before` with `after`, and the rows of `days`.

    A table that is not there yet, or whose fingerprint differs, is rebuilt: the commit replaces all rows.
    `found` is the version of the table that the plan was made from.
    """

    model: Model
    before: Bookmark
    after: Bookmark
    found: Snapshot | None
    days: frozenset[date]
    # Paths of files whose rows are written again together with new ones.
    folded: frozenset[str] = frozenset()

    @property
    def is_rebuild(self) -> bool:
        """Whether all rows are replaced, also those of days that silver no longer contains."""
        return self.before.fingerprint != self.after.fingerprint

    @property
    def reason(self) -> str:
        """Why rows that the table contains are computed again; empty where there are none."""
        if not self.is_rebuild or self.found is None:
            return ""
        if self.before.fingerprint:
            return CHANGED
        if self.before.version:
            return NO_FINGERPRINT
        return REQUESTED if self.found.files() else ""


@dataclass(frozen=True, slots=True)
class GoldPlan:
    """All tables behind a version of silver."""

    silver: Snapshot
    tables: tuple[TablePlan, ...]

    @property
    def days(self) -> list[date]:
        """Days to compute, for any table."""
        return sorted(frozenset[date]().union(*(table.days for table in self.tables)))

    @property
    def by_day(self) -> tuple[TablePlan, ...]:
        """Tables whose rows belong to days of events."""
        return tuple(table for table in self.tables if not table.model.is_by_batch)


def plan_gold(context: Context, silver: Snapshot) -> GoldPlan:
    """Plan what brings every gold table to a version of silver; no tables where all have reached it."""
    wanted = _wanted(context.lake, silver.version)
    found = {
        name: _found(context.lake.gold(name), wanted.get(name, NONE)) for name in context.lake.gold_names
    }
    bookmarks = {name: Bookmark.of(snapshot) for name, snapshot in found.items()}
    behind = [
        m for m in context.models if m.name in wanted and not bookmarks[m.name].has_reached(wanted[m.name])
    ]
    days = _Days(context, silver)
    tables = []
    for model in behind:
        name = model.name
        before, after, table = bookmarks[name], wanted[name], found[name]
        if model.is_by_batch:
            touched = frozenset[date]()
        elif before.fingerprint != after.fingerprint:
            touched = days.all
        else:
            touched = days.touched(before.version)
        tables.append(TablePlan(model, before, after, table, touched))
    return GoldPlan(silver, tuple(tables))


def _found(table: Table, wanted: Bookmark) -> Snapshot | None:
    """A known version of a table that is behind, to plan a commit on; else the newest."""
    known = table.known()
    return table.newest() if known is None or Bookmark.of(known).has_reached(wanted) else known


def _wanted(lake: Lake, version: int) -> dict[str, Bookmark]:
    """The bookmark that each table should have; nothing while silver is empty."""
    if not version:
        return {}
    known = fingerprints(lake.contract)
    return {name: Bookmark(version, known[name]) for name in lake.gold_names}


def gold_is_current(lake: Lake) -> bool:
    """Whether every gold table has reached silver's newest version, as the contract and the models demand.

    Also where there is no lake yet.
    """
    silver = lake.silver.newest()
    # One table behind decides: the others are not read.
    return silver is None or all(
        Bookmark.of(lake.gold(name).newest()).has_reached(wanted)
        for name, wanted in _wanted(lake, silver.version).items()
    )


def gold_version(lake: Lake) -> int:
    """The version of silver that every gold table contains; 0 where one is empty."""
    return min(Bookmark.of(lake.gold(name).newest()).version for name in lake.gold_names)


class _Days:
    """Days of a silver version: all, and those that changed since older versions."""

    def __init__(self, context: Context, silver: Snapshot) -> None:
        self._context = context
        self._silver = silver
        self._touched: dict[int, frozenset[date]] = {}
        self._all: frozenset[date] | None = None

    @property
    def all(self) -> frozenset[date]:
        """Days of rows and of refused lines."""
        if self._all is None:
            self._all = frozenset(map(day_of, self._silver.files())) | self._of_quarantine()
        return self._all

    def touched(self, after: int) -> frozenset[date]:
        """Days that changed since a version, and those that a change of them can reach.

        All days when silver's log no longer reaches back: times of files do not decide, since clocks are set.
        """
        if after not in self._touched:
            changed = changed_since(self._context, self._silver, after)
            self._touched[after] = self.all if changed is None else changed
        return self._touched[after]

    def _of_quarantine(self) -> set[date]:
        """Days of refused lines, read from the rows."""
        quarantine = self._context.lake.quarantine
        files = [quarantine.root / file.path for file in quarantine.snapshot().files()]
        return {date(*day) for day in self._context.engine.days_of(files)}


def changed_since(context: Context, silver: Snapshot, after: int) -> frozenset[date] | None:
    """Days that changed after a version of silver, and those that a change of them can reach.

    None when silver's log no longer reaches back.
    """
    records = records_after(context.lake, after, silver.version)
    if records is None:
        return None
    return _with_reach({date(*day) for record in records.values() for day in record["days"]}, silver)


def _with_reach(changed: set[date], silver: Snapshot) -> frozenset[date]:
    present = {day_of(file) for file in silver.files()}
    reach = range(-REACH_BEFORE, REACH_AFTER + 1)
    near = {day + timedelta(days=n) for day in changed for n in reach} & present
    return frozenset(changed | near)


def day_of(file: ActiveFile) -> date:
    """Day of a file's partition."""
    return date(int(file.partition["year"]), int(file.partition["month"]), int(file.partition["day"]))


def with_margins(days: Iterable[date]) -> set[date]:
    """The days and those around them that sessions need."""
    margins = range(-MARGIN_BEFORE, MARGIN_AFTER + 1)
    return {day + timedelta(days=n) for day in days for n in margins}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Days that are computed at once, and the tables that they are computed for."""

    days: list[date]
    tables: tuple[str, ...]


def chunks(context: Context, plan: GoldPlan) -> Iterator[Chunk]:
    """Days in order, cut so that the engine can take a chunk with its margins, or that it is one day.

    Every table that the plan names is in a chunk, if need be one without days: the models then run on
    nothing, so that the table is created with all its columns.
    """
    rows: dict[date, int] = {}
    for file in plan.silver.files():
        rows[day_of(file)] = rows.get(day_of(file), 0) + file.rows
    tables = {day: tuple(t.model.name for t in plan.by_day if day in t.days) for day in plan.days}
    for names, days in groupby(plan.days, tables.__getitem__):
        for chosen in _cut(context, days, rows):
            yield Chunk(chosen, names)
    if idle := tuple(t.model.name for t in plan.by_day if not t.days):
        yield Chunk([], idle)


def _cut(context: Context, days: Iterable[date], rows: Mapping[date, int]) -> Iterator[list[date]]:
    engine = context.engine
    chunk: list[date] = []
    for day in days:
        is_full = len(chunk) >= engine.chunk_days
        if is_full or (
            chunk and sum(rows.get(d, 0) for d in with_margins([*chunk, day])) > engine.chunk_rows
        ):
            yield chunk
            chunk = []
        chunk.append(day)
    if chunk:
        yield chunk
