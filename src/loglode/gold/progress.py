"""Progress of a rebuild: the days that are computed, and their files, which no table contains yet.

A rebuild of many days is computed in chunks. The files of each chunk go to the tables' folders at once, where
nobody reads them, and are listed in one small JSON file beside the tables. A run that continues a killed one
takes over the days that silver has not changed since. One commit per table then shows all days together.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from loglode.context import Context
from loglode.files import StagedFile
from loglode.gold.plan import GoldPlan, TablePlan, changed_since
from loglode.lake import Lake, Table
from loglode.lake.committer import adds, publish
from loglode.storage import Location, S3Path, missing
from loglode.tables import TableSpec

_NAME = "_rebuild.json"
Adds = dict[str, list[dict[str, Any]]]


@dataclass(slots=True)
class Progress:
    """Add actions of the days that are done, by table; computed from silver at `version`."""

    version: int
    fingerprints: Mapping[str, int]
    days: list[str] = field(default_factory=list)
    adds: Adds = field(default_factory=dict)

    def add(self, lake: Lake, days: Iterable[date], staged: Mapping[str, list[StagedFile]]) -> None:
        """Put the files of a chunk into the tables' folders, and record them."""
        for name in self.fingerprints:
            table = Table(TableSpec(name, (), (), ""), lake.gold_root(name))
            files = publish(table, staged.get(name, ()))
            self.adds.setdefault(name, []).extend(adds(files))
            for file in files:
                if file.is_uploaded:
                    file.local.unlink()
        self.days += [day.isoformat() for day in days]
        _write(_path(lake), json.dumps({name: getattr(self, name) for name in self.__slots__}).encode())


def begin(context: Context, plan: GoldPlan) -> tuple[GoldPlan, Progress]:
    """Progress of the plan's rebuilds, and the plan without the days that an earlier run has computed."""
    rebuilds = [table for table in plan.by_day if table.is_rebuild]
    fresh = Progress(plan.silver.version, {table.model.name: table.after.fingerprint for table in rebuilds})
    if not any(table.days for table in rebuilds):
        return plan, fresh
    left = _read(context.lake)
    if left is None or not _is_usable(context.lake, left, rebuilds):
        return plan, fresh
    changed = changed_since(context, plan.silver, left.version)
    if changed is None:
        return plan, fresh
    kept = {day for day in left.days if date.fromisoformat(day) not in changed}
    fresh.days = sorted(kept)
    fresh.adds = {name: [add for add in left.adds[name] if _day(add) in kept] for name in fresh.fingerprints}
    return replace(plan, tables=tuple(_without(table, kept) for table in plan.tables)), fresh


def forget(lake: Lake) -> None:
    """Drop what a rebuild has left, so that the next one starts from nothing."""
    path = _path(lake)
    if isinstance(path, S3Path):
        path.unlink()
    else:
        path.unlink(missing_ok=True)


def _is_usable(lake: Lake, left: Progress, rebuilds: Iterable[TablePlan]) -> bool:
    """Whether the files belong to these rebuilds, still exist, and are in no table yet."""
    for table in rebuilds:
        name = table.model.name
        if left.fingerprints.get(name) != table.after.fingerprint:
            return False
        paths = [add["path"] for add in left.adds.get(name, [])]
        active = {file.path for file in table.found.files()} if table.found else set()
        if active.intersection(paths) or missing(lake.gold_root(name), paths):
            return False
    return True


def _without(table: TablePlan, days: Iterable[str]) -> TablePlan:
    done = frozenset(map(date.fromisoformat, days))
    return replace(table, days=table.days - done) if table.is_rebuild else table


def _day(add: Mapping[str, Any]) -> str:
    year, month, day = (int(add["partition"][key]) for key in ("year", "month", "day"))
    return date(year, month, day).isoformat()


def _path(lake: Lake) -> Location:
    return lake.root / "gold" / _NAME


def _read(lake: Lake) -> Progress | None:
    path = _path(lake)
    return Progress(**json.loads(path.read_bytes())) if path.exists() else None


def _write(path: Location, data: bytes) -> None:
    if isinstance(path, S3Path):
        path.write_bytes(data)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Replaced in one step: a killed process leaves the old list or the new one.
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_bytes(data)
    new.replace(path)
