"""Column types: declared ones in Delta's terms, and whether a table and its declaration agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import deltalake
import pyarrow as pa
from deltalake.schema import ArrayType, PrimitiveType, StructType

from loglode.errors import LakeError, SchemaMismatchError
from loglode.tables import TableSpec
from loglode.types import BY_DELTA, TYPES, ColumnType

_WAY_OUT = "restore the old type in the contract, or load bronze into a new lake (docs/upgrading.md)"


def delta_schema(spec: TableSpec) -> deltalake.Schema:
    """A declared table's columns in Delta's types, comments included."""
    return deltalake.Schema(
        [
            deltalake.Field(name, delta_type(sql), nullable=True, metadata={"comment": text} if text else {})
            for name, sql, text in spec.columns
        ]
    )


def delta_type(sql: str) -> Any:
    """Delta type of a DuckDB type name; arrays and structs included. Raises LakeError."""
    if sql.endswith("[]"):
        return ArrayType(delta_type(sql[:-2]), contains_null=True)
    if sql.startswith("STRUCT(") and sql.endswith(")"):
        parts = [part.strip().split(" ", 1) for part in sql[7:-1].split(",")]
        return StructType(
            [deltalake.Field(name.strip('"'), delta_type(kind), nullable=True) for name, kind in parts]
        )
    if sql not in TYPES:
        raise LakeError(f"no Delta type for {sql}")
    return PrimitiveType(TYPES[sql].delta)


def arrow_type(kind: ColumnType) -> pa.DataType:
    """Arrow's type of a column type."""
    found = pa.type_for_alias(kind.arrow)
    return pa.timestamp(found.unit, tz="UTC") if pa.types.is_timestamp(found) else found


def sql_type(kind: Any) -> str:
    """DuckDB's name of a Delta type: the inverse of `delta_type`. Raises LakeError."""
    if hasattr(kind, "element_type"):
        return sql_type(kind.element_type) + "[]"
    if hasattr(kind, "fields"):
        return "STRUCT(" + ", ".join(f'"{f.name}" {sql_type(f.type)}' for f in kind.fields) + ")"
    if kind.type not in BY_DELTA:
        raise LakeError(f"a column has the Delta type {kind.type}, which Loglode never writes")
    return BY_DELTA[kind.type].sql


def new_columns(
    spec: TableSpec, fields: Sequence[deltalake.Field], partition_by: Sequence[str], *, remedy: str = _WAY_OUT
) -> list[deltalake.Field]:
    """Declared columns that a table lacks, to be added to it.

    Raises SchemaMismatchError where the declaration contradicts the table: another type, another case of
    a name (Delta ignores case), a column that must not be null, or other partition columns.
    """
    have = {field.name.lower(): field for field in fields}
    added = []
    for declared in delta_schema(spec).fields:
        held = have.get(declared.name.lower())
        if held is None:
            added.append(declared)
        elif held.name != declared.name:
            raise _mismatch(spec, f"the column {declared.name} is called {held.name} in the table", remedy)
        elif held.type != declared.type:
            types = f"{sql_type(held.type)} in the table and {sql_type(declared.type)} in its declaration"
            raise _mismatch(spec, f"the column {held.name} is {types}", remedy)
    required = sorted(field.name for field in fields if not field.nullable)
    if required:
        raise _mismatch(spec, f"the table does not allow null in the column {required[0]}", remedy)
    if list(partition_by) != list(spec.partition_by):
        texts = (", ".join(keys) or "nothing" for keys in (partition_by, spec.partition_by))
        raise _mismatch(spec, "it is partitioned by {}, and declared to be by {}".format(*texts), remedy)
    return added


def _mismatch(spec: TableSpec, what: str, remedy: str) -> SchemaMismatchError:
    return SchemaMismatchError(f"table {spec.name}: {what}", hint=remedy)


def is_written_as(kind: Any, arrow: pa.DataType) -> bool:
    """Whether a Parquet column, as Arrow reads it, has the type that Delta declares for it."""
    if isinstance(kind, ArrayType):
        return pa.types.is_list(arrow) and is_written_as(kind.element_type, arrow.value_type)
    if isinstance(kind, StructType):
        return (
            pa.types.is_struct(arrow)
            and [f.name for f in kind.fields] == [f.name for f in arrow]
            and all(
                is_written_as(ours.type, theirs.type) for ours, theirs in zip(kind.fields, arrow, strict=True)
            )
        )
    if kind.type == "timestamp":
        # Spark may write INT96, which carries no zone and is UTC by definition.
        return pa.types.is_timestamp(arrow) and (arrow.tz is not None or arrow.unit == "ns")
    return bool(arrow == arrow_type(BY_DELTA[kind.type])) or (
        kind.type == "string" and arrow == pa.large_string()
    )
