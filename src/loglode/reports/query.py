"""SQL over the lake's tables."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator
from datetime import datetime

from loglode.context import open_lake
from loglode.engines.duckdb.query import Parameters, Relation, Statement, run_query
from loglode.engines.duckdb.result import QueryResult
from loglode.errors import LakeError, UsageError
from loglode.lake import Lake, Snapshot
from loglode.lake.history import version_at
from loglode.lake.schema import sql_type
from loglode.lake.table import as_it_stands
from loglode.settings import Settings
from loglode.storage import missing

_log = logging.getLogger(__name__)
_CATALOG = frozenset({"information_schema", "show", "describe", "summarize"})


def query(
    settings: Settings,
    sql: str,
    parameters: Parameters = (),
    *,
    as_of: datetime | None = None,
    only: Collection[str] | None = None,
) -> QueryResult:
    """Run one SELECT over the lake's tables by name (web_logs, quarantine, runs, daily_metrics, ...).

    `parameters` are bound to `$name` or `?`. `as_of` (with a zone) reads each table as it was at that
    moment. Opening a table costs requests on S3, and a damaged table must not block the others: only those
    that the SQL names are opened, or those of `only`.

    The statement can read these tables and nothing else, and write nothing. Raises LakeError, QueryError.
    """
    if as_of is not None and as_of.tzinfo is None:
        raise UsageError("as_of has no time zone", hint="for example datetime.now(UTC)")
    lake = open_lake(settings)
    lake.require()
    opened = _named(sql, lake.names) if only is None else only
    found = list(relations(lake, as_of, opened))
    if as_of is not None and opened and not found:
        raise LakeError(
            f"lake {lake.root} has no version from {as_of.isoformat()} or earlier",
            hint="`loglode history web_logs` lists the versions",
        )
    return run_query(
        Statement(sql, lake.names, parameters),
        found,
        memory_limit_mb=settings.memory_limit_mb,
        threads=settings.threads,
    )


def _named(sql: str, names: Collection[str]) -> Collection[str]:
    """Tables whose names occur anywhere in the SQL; all of them if it lists tables."""
    words = set(re.findall(r"\w+", sql.lower()))
    lists_tables = any(word in _CATALOG or word.startswith("duckdb_") for word in words)
    return names if lists_tables else words.intersection(names)


def relations(
    lake: Lake, as_of: datetime | None = None, only: Collection[str] | None = None
) -> Iterator[Relation]:
    """Each table that exists, or those of `only`, at its newest version or as of a moment."""
    for name, root in lake.existing(only):
        snapshot = as_it_stands(name, root)
        if as_of is not None:
            version = version_at(root, as_of)
            if version is None:
                continue
            snapshot = as_it_stands(name, root, version)
            if missing(root, [f.path for f in snapshot.files()]):
                details = {"table": name, "version": version}
                _log.warning(
                    f"{name} is left out: maintenance has deleted files of this version", extra=details
                )
                continue
        yield relation(name, snapshot)


def relation(name: str, snapshot: Snapshot) -> Relation:
    """A table at a version, with the columns that its log declares."""
    columns = [(column.name, sql_type(column.type)) for column in snapshot.state.fields]
    return Relation(name, columns, [str(snapshot.table.root / f.path) for f in snapshot.files()])


def columns(settings: Settings) -> dict[str, list[str]]:
    """Column names of each table that exists."""
    return {r.name: [column for column, _ in r.columns] for r in relations(open_lake(settings))}
