"""The answer to a query: read as rows, Arrow, pandas or Polars, or shown in a notebook."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import shutil
import weakref
from collections.abc import Callable, Iterator, Sequence
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from loglode.engines.duckdb.session import s3_errors
from loglode.errors import QueryError, UsageError
from loglode.html import html_table
from loglode.text import distinct

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

PREVIEW_ROWS = 20
"""Rows that a notebook shows."""

_FETCH = 1000
Row = tuple[Any, ...]
Cursor = duckdb.DuckDBPyConnection


class QueryResult:
    """Columns and rows of one SELECT over a fixed version of each table.

    The first method that reads rows takes them as the engine produces them; each further one runs the
    statement again over the same files. `columns` and `types` (SQL types) need no rows.
    """

    def __init__(self, run: Callable[[], Cursor], connection: Cursor, folder: Path) -> None:
        """Run the statement; `folder`, where it spills, is removed with the result. Raises QueryError."""
        self._run = run
        self._preview: list[Row] | None = None
        self._close = weakref.finalize(self, _discard, connection, folder)
        try:
            self._unread: Cursor | None = run()
        except BaseException:
            self._close()
            raise
        description = self._unread.description or []
        self.columns: list[str] = [str(part[0]) for part in description]
        self.types: list[str] = [str(part[1]) for part in description]

    def __iter__(self) -> Iterator[Row]:
        """Rows as tuples, as the engine produces them: any number fits into memory."""
        cursor = self._cursor()
        while True:
            with engine_errors(), s3_errors():
                rows = cursor.fetchmany(_FETCH)
            if not rows:
                return
            yield from rows

    def rows(self) -> list[Row]:
        """All rows as tuples."""
        return list(self)

    def dicts(self) -> list[dict[str, Any]]:
        """All rows as dictionaries by column name; a name that comes again gets a number."""
        names = distinct(self.columns)
        return [dict(zip(names, row, strict=True)) for row in self]

    def arrow(self) -> pa.Table:
        """All rows as a `pyarrow.Table`."""
        with engine_errors(), s3_errors():
            return self._cursor().to_arrow_table()

    def df(self) -> pd.DataFrame:
        """All rows as a pandas DataFrame. Raises UsageError where pandas is not installed."""
        _require("pandas")
        with engine_errors(), s3_errors():
            return self._cursor().df()

    def pl(self) -> pl.DataFrame:
        """All rows as a Polars DataFrame. Raises UsageError where Polars is not installed."""
        polars: Any = importlib.import_module(_require("polars"))
        frame: pl.DataFrame = polars.from_arrow(self.arrow().rename_columns(distinct(self.columns)))
        return frame

    def close(self) -> None:
        """Release the engine's memory and its spill folder; happens by itself when the result goes."""
        self._close()

    def __repr__(self) -> str:
        """The columns; rows are not read for this."""
        return f"QueryResult({', '.join(map(' '.join, zip(self.columns, self.types, strict=True)))})"

    def _repr_html_(self) -> str:
        """The first rows as an HTML table, for notebooks."""
        if self._preview is None:
            rows = iter(self)
            self._preview = list(itertools.islice(rows, PREVIEW_ROWS + 1))
        note = f"only the first {PREVIEW_ROWS} rows" if len(self._preview) > PREVIEW_ROWS else ""
        return html_table(self.columns, self._preview[:PREVIEW_ROWS], note=note)

    def _cursor(self) -> Cursor:
        if not self._close.alive:
            raise UsageError("this result is closed", hint="run the query again")
        cursor, self._unread = self._unread or self._run(), None
        return cursor


@contextlib.contextmanager
def engine_errors(names: Sequence[str] = ()) -> Iterator[None]:
    """Turn errors of the engine into a QueryError of one line; `names` are the tables there are."""
    try:
        yield
    except duckdb.IOException as error:
        raise QueryError(
            f"cannot read a file: {_one_line(error)}", hint="`loglode verify` names files that are gone"
        ) from error
    except duckdb.Error as error:
        raise QueryError(_one_line(error), hint=f"tables: {', '.join(names)}" if names else "") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:500]


def _require(library: str) -> str:
    if util.find_spec(library) is None:
        raise UsageError(f"{library} is not installed", hint=f"pip install {library}")
    return library


def _discard(connection: Cursor, folder: Path) -> None:
    connection.close()
    shutil.rmtree(folder, ignore_errors=True)
