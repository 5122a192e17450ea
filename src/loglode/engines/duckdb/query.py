"""A user's SQL over the lake's tables, in a connection that can read the lake and nothing else."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from loglode.engines.duckdb.models import view
from loglode.engines.duckdb.session import connect, s3_errors
from loglode.errors import QueryError
from loglode.storage import Location, location

_FETCH = 1000


@dataclass(slots=True)
class QueryResult:
    """Columns, their SQL types, and rows as they come."""

    columns: list[str]
    types: list[str]
    rows: Iterator[tuple[Any, ...]]


def run_query(
    sql: str,
    tables: Sequence[tuple[str, list[tuple[str, str]], list[str]]],
    *,
    names: Sequence[str],
    lake: Location,
    memory_limit_mb: int,
    threads: int | None,
) -> QueryResult:
    """Run one statement. `tables` are (name, columns, files), `names` all that there might be.

    Raises QueryError in one line.
    """
    with contextlib.ExitStack() as undo:
        folder = tempfile.TemporaryDirectory(prefix="loglode-query-")
        undo.enter_context(folder)
        connection = connect(memory_limit_mb=memory_limit_mb, threads=threads, temp_dir=Path(folder.name))
        cursor = _execute(connection, sql, tables, names, [f"{lake}/", folder.name])
        undo.pop_all()  # the rows keep the folder from here on
    description = cursor.description or []
    return QueryResult([d[0] for d in description], [str(d[1]) for d in description], _rows(cursor, folder))


def _execute(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    tables: Sequence[tuple[str, list[tuple[str, str]], list[str]]],
    names: Sequence[str],
    readable: list[str],
) -> duckdb.DuckDBPyConnection:
    try:
        with s3_errors():
            for name, columns, files in tables:
                view(connection, name, [location(f) for f in files], columns)
        connection.execute("set preserve_insertion_order = true")
        connection.execute("set allowed_directories = ?", [readable])
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        statements = connection.extract_statements(sql)
        if len(statements) != 1:
            raise QueryError(f"{len(statements)} statements given", hint="one SELECT is wanted")
        if statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
            raise QueryError(
                "only SELECT is allowed here",
                hint="tables change through `run` and `quarantine replay`",
            )
        with s3_errors():
            return connection.execute(statements[0])
    except duckdb.IOException as error:
        raise QueryError(
            f"a file cannot be read: {' '.join(str(error).split())[:300]}",
            hint="`loglode verify` names files that are gone",
        ) from error
    except duckdb.Error as error:
        raise QueryError(" ".join(str(error).split())[:500], hint=f"tables: {', '.join(names)}") from error


def _rows(
    cursor: duckdb.DuckDBPyConnection, folder: tempfile.TemporaryDirectory[str]
) -> Iterator[tuple[Any, ...]]:
    with folder:
        try:
            while rows := _fetched(cursor):
                yield from rows
        except duckdb.Error as error:
            raise QueryError(" ".join(str(error).split())[:500]) from error


def _fetched(cursor: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    with s3_errors():
        return cursor.fetchmany(_FETCH)
