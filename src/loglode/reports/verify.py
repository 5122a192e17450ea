"""Proving from the tables alone that nothing was lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loglode.context import open_lake
from loglode.engines.duckdb.query import Statement, run_query
from loglode.errors import QueryError
from loglode.html import Report
from loglode.lake import Lake
from loglode.lake.footers import differing_files
from loglode.lake.staging import is_in_use
from loglode.reports.query import relation
from loglode.reports.reconcile import DAILY, GOLD_FIGURES, Figure, figures_of, one_query
from loglode.reports.versions import Versions, settled_versions
from loglode.settings import Settings
from loglode.storage import sizes


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold, with the figures that were compared."""

    name: str
    is_ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class VerifyReport(Report):
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
    versions = settled_versions(lake)
    yield _followed(versions)
    broken = list(_broken_files(versions))
    yield Check("every committed file is there and whole", not broken, ", ".join(broken[:3]) or "all of them")
    if broken or lake.runs.spec.name not in versions.tables:
        return
    yield _types(versions)
    has_seen = versions.gold >= versions.silver.version
    existing = list(versions.tables)
    # Gold of another version counts otherwise, and may lack columns: `run` will rebuild it.
    is_comparable = has_seen and versions.has_wanted_gold
    try:
        found = _figures(settings, versions, figures_of(existing, with_gold=is_comparable))
    except QueryError as error:
        yield Check("every file can be read", is_ok=False, detail=str(error))
        return
    yield Check("every file can be read", is_ok=True, detail=f"{len(existing)} tables")
    yield from _books(found)
    yield from _silver_and_quarantine(found)
    is_running = not has_seen and is_in_use(lake.root)
    way = "a run is at work on it" if is_running else "`loglode run` brings it up to date"
    yield Check("gold has seen all of silver", has_seen or is_running, "yes" if has_seen else way)
    if has_seen:
        alike = versions.has_wanted_gold
        hint = "`loglode run` rebuilds it; or pass the --contract that this lake is loaded with"
        yield Check("gold follows the models and the contract", alike, "yes" if alike else hint)
    yield from _gold(found)


def _followed(versions: Versions) -> Check:
    behind = versions.behind
    return Check(
        "quarantine, runs and quality have followed silver",
        not behind,
        f"{', '.join(behind)} behind; `loglode run` goes on from there"
        if behind
        else f"silver version {versions.silver.version}",
    )


def _broken_files(versions: Versions) -> Iterator[str]:
    """Files of any table that are gone, or whose size is not the one that was committed."""
    for name, snapshot in versions.tables.items():
        committed = {file.path: file.bytes for file in snapshot.files()}
        present = sizes(snapshot.table.root, list(committed))
        for path, size in committed.items():
            if path not in present:
                yield f"{name}/{path} is gone"
            elif present[path] != size:
                yield f"{name}/{path} has {present[path]} bytes instead of {size}"


def _types(versions: Versions) -> Check:
    """Whether other Delta readers can read every file. Reads the footers, one request per file on S3."""
    differing = [f"{name}/{found}" for name, s in versions.tables.items() for found in differing_files(s)]
    files = sum(len(s.files()) for s in versions.tables.values())
    detail = "; ".join(differing[:3]) if differing else f"{files} files"
    return Check("every file has the columns that its table declares", not differing, detail)


def _books(found: Mapping[str, int]) -> Iterator[Check]:
    wrong = found["out_of_balance"]
    yield Check(
        "row counts of every batch reconcile",
        wrong == 0,
        f"{found['batches']} batches, {wrong} out of balance",
    )
    for table, column in (("web_logs", "rows_silver"), ("quarantine", "lines_quarantined")):
        reported, present = found[column], found.get(table, 0)
        yield Check(
            f"{table} holds what the batches say",
            reported == present,
            f"batches {reported}, table {present}",
        )
    incomplete = found["incomplete_batches"]
    yield Check("silver holds every batch whole", incomplete == 0, f"{incomplete} batches differ")
    read, accounted = found["lines_read"], found["accounted_for"]
    yield Check(
        "lines read = silver + quarantined + duplicates + blank", read == accounted, f"{read} = {accounted}"
    )
    if (unlike := found.get("unlike_quality")) is not None:
        yield Check("quality counts what the batches say", unlike == 0, f"{unlike} batches differ")


def _silver_and_quarantine(found: Mapping[str, int]) -> Iterator[Check]:
    doubles, lines = found["silver_doubles"], found.get("quarantine_doubles", 0)
    yield Check("silver holds each event once", doubles == 0, f"{doubles} doubled")
    yield Check("quarantine holds each line once", lines == 0, f"{lines} doubled")
    both = found.get("in_both", 0)
    yield Check("no line is in silver and in quarantine", both == 0, f"{both} in both")
    astray = found["silver_astray"] + found.get("quarantine_astray", 0)
    yield Check("rows lie in the partition of their day", astray == 0, f"{astray} astray")


def _gold(found: Mapping[str, int]) -> Iterator[Check]:
    """Counts and sums, day by day; other values of gold are not computed again."""
    compared = [name for name in GOLD_FIGURES if name in found]
    if not compared:
        return
    wrong = {name: found[name] for name in compared if found[name]}
    daily = wrong.pop(DAILY, 0)
    yield Check("gold counts every silver row", daily == 0, f"daily_metrics differs on {daily} days")
    yield Check(
        "gold tables agree with what they are made from",
        not wrong,
        "; ".join(f"{name} differ in {count}" for name, count in wrong.items())
        or f"{len(compared)} comparisons",
    )


def _figures(settings: Settings, versions: Versions, wanted: Mapping[str, Figure]) -> dict[str, int]:
    tables = dict.fromkeys(table for figure in wanted.values() for table in figure.tables)
    (row,) = run_query(
        Statement(one_query(wanted.values()), list(versions.tables)),
        [relation(name, versions.tables[name]) for name in tables],
        memory_limit_mb=settings.memory_limit_mb,
        threads=settings.threads,
    )
    return {name: int(value) for name, value in zip(wanted, row, strict=True)}
