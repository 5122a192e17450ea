"""Looking at a lake: SQL over its tables, and how it stands."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from loglode.context import open_lake
from loglode.engines.duckdb.query import QueryResult, run_query
from loglode.errors import LakeError, UsageError
from loglode.gold.silver_to_gold import gold_is_current
from loglode.lake import Lake
from loglode.lake.history import history as read_history
from loglode.lake.history import version_at
from loglode.lake.table import as_it_stands
from loglode.settings import Settings
from loglode.storage import missing

_log = logging.getLogger(__name__)
RECENT_RUNS = 10
_CATALOG = frozenset({"information_schema", "show", "describe", "summarize"})
_COUNTS = ("lines_read", "rows_silver", "lines_quarantined", "duplicates", "blank_lines")


def query(
    settings: Settings, sql: str, *, as_of: datetime | None = None, only: Collection[str] | None = None
) -> QueryResult:
    """Run SQL over the lake's tables by name (web_logs, quarantine, runs, daily_metrics, ...).

    With `as_of` (aware of its zone) the tables are as they stood then, those that were there. No tables
    are opened but those that the SQL names, or those of `only`: each costs requests on S3, and a damaged
    one shall not be in the way of the others.

    Only the lake's own files can be read and nothing can be written. Raises LakeError, QueryError.
    """
    lake = open_lake(settings)
    lake.require()
    wanted = _named(sql, lake.names) if only is None else only
    found = list(tables(lake, as_of, wanted))
    if as_of is not None and wanted and not found:
        raise LakeError(
            f"nothing of lake {lake.root} is left of {as_of.isoformat()}",
            hint="`loglode history web_logs` shows how far back it goes",
        )
    return run_query(
        sql,
        found,
        names=lake.names,
        lake=lake.root,
        memory_limit_mb=settings.memory_limit_mb,
        threads=settings.threads,
    )


def _named(sql: str, names: Collection[str]) -> Collection[str]:
    """Tables whose names stand anywhere in the SQL; all of them where it asks which there are."""
    words = set(re.findall(r"\w+", sql.lower()))
    asks = any(word in _CATALOG or word.startswith("duckdb_") for word in words)
    return names if asks else words.intersection(names)


def tables(
    lake: Lake, as_of: datetime | None = None, only: Collection[str] | None = None
) -> Iterator[tuple[str, list[tuple[str, str]], list[str]]]:
    """(name, columns, files) of each table that is there, or of some."""
    for name, root in lake.existing(only):
        snapshot = as_it_stands(name, root)
        if as_of is not None:
            version = version_at(root, as_of)
            if version is None:
                continue
            snapshot.delta.load_as_version(version)
            if missing(root, [f.path for f in snapshot.files()]):
                told = {"table": name, "version": version}
                _log.warning(f"{name} is left out: upkeep has deleted files of this version", extra=told)
                continue
        columns = [(column, sql) for column, sql, _ in snapshot.table.spec.columns]
        yield name, columns, [str(root / f.path) for f in snapshot.files()]


def columns(settings: Settings) -> dict[str, list[str]]:
    """Names of the columns of each table that is there."""
    return {name: [column for column, _ in found] for name, found, _ in tables(open_lake(settings))}


def history(settings: Settings, table: str) -> list[dict[str, Any]]:
    """Commits of a table, newest first, as far back as its log reaches. Raises LakeError, UsageError."""
    lake = open_lake(settings)
    lake.require()
    roots = dict(lake.existing())
    if table not in roots:
        raise UsageError(f"no table {table} in {lake.root}", hint=f"tables: {', '.join(roots)}")
    return [asdict(entry) for entry in read_history(roots[table])]


@dataclass(slots=True)
class StatusReport:
    """How a lake stands. `tables` and `runs` are rows as dictionaries."""

    lake: str
    tables: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    is_gold_current: bool
    totals: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "lake": self.lake,
            "gold_is_current": self.is_gold_current,
            "totals": self.totals,
            "tables": self.tables,
            "runs": self.runs,
        }


def status(settings: Settings) -> StatusReport:
    """Tables with rows, files and bytes, the last runs, and totals. Raises LakeError."""
    lake = open_lake(settings)
    lake.require()
    found = []
    for name, root in lake.existing():
        snapshot = as_it_stands(name, root)
        files = snapshot.files()
        found.append(
            {
                "name": name,
                "version": snapshot.version,
                "rows": sum(f.rows for f in files),
                "files": len(files),
                "bytes": sum(f.bytes for f in files),
            }
        )
    report = StatusReport(str(lake.root), found, [], gold_is_current(lake))
    if lake.runs.exists:
        sums = ", ".join(f"coalesce(sum({c}), 0)::bigint as {c}" for c in _COUNTS)
        report.totals = dicts(
            query(settings, f"select count(*) as batches, {sums} from runs", only=["runs"])
        )[0]
        report.runs = dicts(
            query(
                settings,
                f"select batch_id, kind, started_at::varchar as started_at, objects, {', '.join(_COUNTS)},"
                f" read_seconds from runs order by runs.started_at desc limit {RECENT_RUNS}",
                only=["runs"],
            )
        )
    return report


def dicts(result: QueryResult) -> list[dict[str, Any]]:
    """Rows by the names of their columns."""
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]
