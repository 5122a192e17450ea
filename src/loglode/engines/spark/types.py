"""Names of types: DuckDB's, in which tables are declared, and Spark's."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import types as spark

from loglode.errors import LoglodeError
from loglode.types import TYPES


def schema(columns: Iterable[tuple[str, str]]) -> spark.StructType:
    """Spark's schema of (name, declared type). Raises LoglodeError for a type that tables do not have."""
    return spark.StructType([spark.StructField(name, _type(sql)) for name, sql in columns])


def _type(sql: str) -> spark.DataType:
    if sql.endswith("[]"):
        return spark.ArrayType(_type(sql.removesuffix("[]")))
    if sql.startswith("STRUCT("):
        parts = sql.removeprefix("STRUCT(").removesuffix(")").split(", ")
        return schema((name, kind) for name, _, kind in (part.partition(" ") for part in parts))
    if sql not in TYPES:
        raise LoglodeError(f"no Spark type for {sql}")
    found: spark.DataType = getattr(spark, TYPES[sql].spark)()
    return found


def declared(kind: spark.DataType) -> str:
    """The declared type of a column of Spark's. Raises LoglodeError."""
    if isinstance(kind, spark.ArrayType):
        return f"{declared(kind.elementType)}[]"
    if isinstance(kind, spark.StructType):
        return f"STRUCT({', '.join(f'{f.name} {declared(f.dataType)}' for f in kind.fields)})"
    for name, known in TYPES.items():
        if type(kind).__name__ == known.spark:
            return name
    raise LoglodeError(f"no table type for Spark's {kind.simpleString()}")
