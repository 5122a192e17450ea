"""A user's SQL over the lake's tables, in a connection that can read their files and nothing else."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from loglode.engines.duckdb.models import view
from loglode.engines.duckdb.result import QueryResult, engine_errors
from loglode.engines.duckdb.session import connect, restrict, s3_errors
from loglode.engines.duckdb.statement import checked, require_text
from loglode.storage import location

Parameters = Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Relation:
    """A table at one version: columns are (name, SQL type), files are the committed ones."""

    name: str
    columns: list[tuple[str, str]]
    files: list[str]


@dataclass(frozen=True, slots=True)
class Statement:
    """A user's SQL with the values of its parameters; `names` are all tables that the lake might have."""

    sql: str
    names: Sequence[str]
    parameters: Parameters = field(default=())


def run_query(
    statement: Statement, relations: Collection[Relation], *, memory_limit_mb: int, threads: int | None
) -> QueryResult:
    """Run one SELECT over the relations. Raises QueryError in one line.

    The statement is checked first (`statement.checked`), and the connection is given access to the
    relations' files alone.
    """
    values = statement.parameters
    for value in values.values() if isinstance(values, Mapping) else list(values or ()):
        require_text(value, "a parameter")
    folder = Path(tempfile.mkdtemp(prefix="loglode-query-"))
    try:
        connection = connect(memory_limit_mb=memory_limit_mb, threads=threads, temp_dir=folder)
        with engine_errors(statement.names):
            parsed = _prepared(connection, statement, relations)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise

    def run() -> duckdb.DuckDBPyConnection:
        with engine_errors(statement.names), s3_errors():
            # Without an argument where there are none: for parameters duckdb imports pandas, which takes 0.3 s.
            arguments = (statement.parameters,) if statement.parameters else ()
            return connection.cursor().execute(parsed, *arguments)

    return QueryResult(run, connection, folder)


def _prepared(
    connection: duckdb.DuckDBPyConnection, statement: Statement, relations: Collection[Relation]
) -> duckdb.Statement:
    """The checked statement; the connection has the relations as views and is locked."""
    with s3_errors():
        for relation in relations:
            view(
                connection,
                relation.name,
                list(map(location, relation.files)),
                relation.columns,
                is_shared=True,
            )
    connection.execute("set preserve_insertion_order = true")
    restrict(connection, files=[file for relation in relations for file in relation.files])
    connection.execute("set lock_configuration = true")
    return checked(connection, statement.sql, statement.names)
