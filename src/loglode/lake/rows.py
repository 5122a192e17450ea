"""A handful of rows as a staged file, for the tables about the pipeline itself."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from loglode.files import StagedFile, writing
from loglode.lake.schema import arrow_type
from loglode.tables import TableSpec
from loglode.types import TYPES


def write_rows(
    spec: TableSpec, rows: Sequence[Mapping[str, Any]], folder: Path, *, day_of: str
) -> list[StagedFile]:
    """One file for each day of the timestamp column `day_of`; times and dates come as ISO text."""
    by_day: dict[tuple[int, int, int], list[Mapping[str, Any]]] = {}
    for row in rows:
        moment = datetime.fromisoformat(row[day_of])
        by_day.setdefault((moment.year, moment.month, moment.day), []).append(row)
    return [_write(spec, day, of_day, folder) for day, of_day in sorted(by_day.items())]


def _write(
    spec: TableSpec, day: tuple[int, int, int], rows: Sequence[Mapping[str, Any]], folder: Path
) -> StagedFile:
    columns = [
        (name, arrow_type(TYPES[sql])) for name, sql, _ in spec.columns if name not in spec.partition_by
    ]
    table = pa.table(
        {name: pa.array([_value(row.get(name), kind) for row in rows], kind) for name, kind in columns}
    )
    path = folder / f"{spec.name}-{uuid.uuid4()}.parquet"
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, compression="zstd")
    partition = {key: str(value) for key, value in zip(spec.partition_by, day, strict=True)}
    minimum, maximum = _bounds(table)
    return StagedFile(path, len(rows), path.stat().st_size, partition, minimum, maximum)


def _bounds(table: pa.Table) -> tuple[dict[str, int], dict[str, int]]:
    """Minimum and maximum of the columns of whole numbers, where they have a value."""
    numbers = [field.name for field in table.schema if pa.types.is_integer(field.type)]
    found = {name: pc.min_max(table.column(name)).as_py() for name in numbers}
    known = {name: bounds for name, bounds in found.items() if bounds["min"] is not None}
    return {n: b["min"] for n, b in known.items()}, {n: b["max"] for n, b in known.items()}


def _value(value: Any, kind: pa.DataType) -> Any:
    if not isinstance(value, str) or pa.types.is_string(kind):
        return value
    return date.fromisoformat(value) if pa.types.is_date(kind) else datetime.fromisoformat(value)
