"""Proving from the tables alone that nothing was lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from loglode.batches.effects import SILVER_VERSION, owed
from loglode.batches.quality_counts import READABLE, UNIQUE
from loglode.context import open_lake
from loglode.gold.silver_to_gold import gold_is_current
from loglode.lake import Lake, Table
from loglode.reports.inspect import query
from loglode.settings import Settings
from loglode.storage import missing

_BOOKS = "rows_silver + lines_quarantined + duplicates + blank_lines"
_FIGURES = {
    "batches": "select count(*) from runs",
    "wrong": f"select count(*) from runs where lines_read <> {_BOOKS}",
    "lines_read": "select coalesce(sum(lines_read), 0) from runs",
    "accounted": f"select coalesce(sum({_BOOKS}), 0) from runs",
    "rows_silver": "select coalesce(sum(rows_silver), 0) from runs",
    "lines_quarantined": "select coalesce(sum(lines_quarantined), 0) from runs",
    "web_logs": "select count(*) from web_logs",
    "quarantine": "select count(*) from quarantine",
    "unlike": "select count(*) from (select batch_id, sum(rows_silver) as told from runs group by batch_id)"
    " full join (select batch_id, count(*) as held from web_logs group by batch_id) using (batch_id)"
    " where coalesce(told, 0) <> coalesce(held, 0)",
    "doubles": "select count(*) - count(distinct event_id) from web_logs",
    "astray": "select count(*)"
    " from (select make_timestamp(epoch_us(event_ts)) as utc, year, month, day from web_logs)"
    " where year <> year(utc) or month <> month(utc) or day <> day(utc)",
}
_GOLD_FIGURES = {"gold": "select coalesce(sum(requests), 0) from daily_metrics"}
_TABLES = frozenset({"runs", "web_logs", "quarantine", "quality", "daily_metrics"})
# Batches from before there was ops.quality have no rows there.
_QUALITY_FIGURES = {
    "unlike_quality": "select count(*) from (select batch_id, silver_version,"
    f" sum(checked) filter (rule = '{READABLE}') as kept, sum(refused) filter (rule = '{UNIQUE}') as doubles"
    " from quality where kind = 'rule' group by all) join runs using (batch_id, silver_version)"
    " where coalesce(kept, 0) <> rows_silver + lines_quarantined or doubles <> duplicates"
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold, with the figures that were compared."""

    name: str
    is_ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """All checks of a lake."""

    lake: str
    checks: tuple[Check, ...]

    @property
    def is_ok(self) -> bool:
        """Whether every check holds."""
        return all(c.is_ok for c in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        checks = [{"name": c.name, "ok": c.is_ok, "detail": c.detail} for c in self.checks]
        return {"lake": self.lake, "ok": self.is_ok, "checks": checks}


def verify(settings: Settings) -> VerifyReport:
    """Check the lake. Changes nothing. Raises LakeError where there is no lake."""
    lake = open_lake(settings)
    lake.require()
    return VerifyReport(str(lake.root), tuple(_checks(settings, lake)))


def _checks(settings: Settings, lake: Lake) -> Iterator[Check]:
    yield _settled(lake)
    missing = list(_missing_files(lake))
    yield Check("every committed file is there", not missing, ", ".join(missing[:3]) or "all of them")
    if missing or not lake.runs.exists:
        return
    current = gold_is_current(lake)
    has_gold = current and lake.gold("daily_metrics").exists
    parts = [_FIGURES, _GOLD_FIGURES if has_gold else {}, _QUALITY_FIGURES if lake.quality.exists else {}]
    figures = _figures(settings, {name: sql for part in parts for name, sql in part.items()})
    yield from _books(figures)
    if lake.quality.exists:
        wrong = figures["unlike_quality"]
        yield Check("quality counts what the batches say", wrong == 0, f"{wrong} batches differ")
    doubles, astray = figures["doubles"], figures["astray"]
    yield Check("silver holds each event once", doubles == 0, f"{doubles} doubled")
    yield Check("rows lie in the partition of their day", astray == 0, f"{astray} astray")
    yield Check(
        "gold has seen all of silver",
        current,
        "yes" if current else "`loglode run` brings it up to date",
    )
    if has_gold:
        silver, gold = figures["web_logs"], figures["gold"]
        yield Check("gold counts every silver row", silver == gold, f"silver {silver}, daily_metrics {gold}")


def _settled(lake: Lake) -> Check:
    version = lake.silver.snapshot().version
    behind = []
    for table in (lake.quarantine, lake.runs, lake.quality):
        done = (table.snapshot().transaction(SILVER_VERSION) or 0) if table.exists else 0
        if done < version and _owes(lake, table, done, version):
            behind.append(table.spec.name)
    return Check(
        "quarantine, runs and quality have followed silver",
        not behind,
        f"{', '.join(behind)} behind; `loglode run` goes on from there"
        if behind
        else f"silver version {version}",
    )


def _owes(lake: Lake, table: Table, done: int, version: int) -> bool:
    records = owed(lake, done, version)
    if records is None:
        return True
    if table is lake.runs:
        return any(r["run"] for r in records.values())
    if table is lake.quality:
        return any(r.get("quality") for r in records.values())
    return any(r["quarantine"] or r["quarantine_removed"] for r in records.values())


def _missing_files(lake: Lake) -> Iterator[str]:
    for table in lake.tables:
        if table.exists:
            for path in missing(table.root, [f.path for f in table.snapshot().files()]):
                yield f"{table.spec.name}/{path}"


def _books(figures: dict[str, int]) -> Iterator[Check]:
    wrong, unlike = figures["wrong"], figures["unlike"]
    yield Check(
        "the books of every batch balance",
        wrong == 0,
        f"{figures['batches']} batches, {wrong} out of balance",
    )
    for table, column in (("web_logs", "rows_silver"), ("quarantine", "lines_quarantined")):
        told, held = figures[column], figures[table]
        yield Check(f"{table} holds what the batches say", told == held, f"batches {told}, table {held}")
    yield Check("silver holds every batch whole", unlike == 0, f"{unlike} batches differ")
    read, found = figures["lines_read"], figures["accounted"]
    yield Check("lines read = silver + quarantined + duplicates + blank", read == found, f"{read} = {found}")


def _figures(settings: Settings, selects: dict[str, str]) -> dict[str, int]:
    """All figures in one query, because opening the lake's tables is what costs most."""
    columns = ", ".join(f"({select}) as {name}" for name, select in selects.items())
    row = next(query(settings, f"select {columns}", only=_TABLES).rows)
    return {name: int(value) for name, value in zip(selects, row, strict=True)}
