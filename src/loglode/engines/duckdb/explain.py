"""Statements over a few lines, on a connection of their own that opens no file."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from loglode.engines.duckdb.session import connect, engine_failures

_MEMORY_MB = 400


def records(sql: str, lines: pa.Table | None = None) -> list[dict[str, Any]]:
    """Rows of a SELECT, which may read `lines`, as dictionaries. Raises LoglodeError."""
    with (
        tempfile.TemporaryDirectory(prefix="loglode-explain-") as folder,
        contextlib.closing(
            connect(memory_limit_mb=_MEMORY_MB, threads=1, temp_dir=Path(folder))
        ) as connection,
        engine_failures("the lines"),
    ):
        if lines is not None:
            connection.register("lines", lines)
        cursor = connection.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
