"""Column types: one list, with the name of each in every system that sees it.

A new type is a new entry here, and a cast from text in `silver/casts.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A type of columns; `sql` is DuckDB's name, under which tables are declared."""

    sql: str
    delta: str  # Delta's primitive type
    arrow: str  # an alias of pyarrow; timestamps are in UTC
    spark: str  # a class of pyspark.sql.types
    is_bounded: bool  # whether minimum and maximum are recorded for each file: no text of visitors
    logical: str | None = None  # the contract's logicalType that is stored so by default


TIMESTAMP: Final = "TIMESTAMP WITH TIME ZONE"
TYPES: Final = {
    kind.sql: kind
    for kind in (
        ColumnType("VARCHAR", "string", "string", "StringType", is_bounded=False, logical="string"),
        ColumnType("BIGINT", "long", "int64", "LongType", is_bounded=True, logical="integer"),
        ColumnType("INTEGER", "integer", "int32", "IntegerType", is_bounded=True),
        ColumnType("SMALLINT", "short", "int16", "ShortType", is_bounded=True),
        ColumnType("DOUBLE", "double", "float64", "DoubleType", is_bounded=True, logical="number"),
        ColumnType(
            TIMESTAMP, "timestamp", "timestamp[us]", "TimestampType", is_bounded=True, logical="timestamp"
        ),
        ColumnType("BOOLEAN", "boolean", "bool", "BooleanType", is_bounded=False, logical="boolean"),
        ColumnType("DATE", "date", "date32", "DateType", is_bounded=False, logical="date"),
    )
}
BY_LOGICAL: Final = {kind.logical: kind for kind in TYPES.values() if kind.logical}
BY_DELTA: Final = {kind.delta: kind for kind in TYPES.values()}


def is_bounded(sql: str) -> bool:
    """Whether minimum and maximum of columns of this type are recorded; never for arrays and structs."""
    return sql in TYPES and TYPES[sql].is_bounded
