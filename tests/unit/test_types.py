"""The one list of column types: every system knows each of them under the name that the list gives."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from deltalake import Field, Schema
from pyspark.sql import types as spark

from loglode.contract.load import load_contract
from loglode.engines.spark.types import declared, schema
from loglode.lake.schema import arrow_type, delta_type, is_written_as, sql_type
from loglode.tables import QUALITY, QUARANTINE, RUNS
from loglode.types import TYPES, ColumnType, is_bounded


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.sql)
def test_every_system_has_the_type(kind: ColumnType) -> None:
    row = duckdb.execute(f"select typeof(null::{kind.sql})").fetchone()
    assert row == (kind.sql,)
    assert sql_type(delta_type(kind.sql)) == kind.sql
    assert isinstance(getattr(spark, kind.spark)(), spark.DataType)
    (column,) = schema([("c", kind.sql)]).fields
    assert declared(column.dataType) == kind.sql
    # What DuckDB writes is what Delta says of it.
    written = duckdb.execute(f"set timezone = 'UTC'; select null::{kind.sql} as c").to_arrow_table().schema
    assert written.field("c").type == arrow_type(kind)
    assert is_written_as(delta_type(kind.sql), arrow_type(kind))
    assert sql_type(Schema([Field("c", delta_type(kind.sql))]).fields[0].type) == kind.sql


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: kind.sql)
def test_no_two_types_are_written_alike(kind: ColumnType) -> None:
    others = [other for other in TYPES.values() if other != kind]
    assert not any(is_written_as(delta_type(kind.sql), arrow_type(other)) for other in others)


def test_declared_columns_have_listed_types() -> None:
    found = {field.sql_type for field in load_contract().fields}
    found |= {sql for spec in (QUARANTINE, RUNS, QUALITY) for _, sql, _ in spec.columns}
    assert {sql.removesuffix("[]") for sql in found} <= TYPES.keys()


def test_bounds_hold_no_text() -> None:
    assert not is_bounded("VARCHAR")
    assert not is_bounded("BIGINT[]")
    assert [sql for sql in TYPES if is_bounded(sql) and pa.types.is_string(arrow_type(TYPES[sql]))] == []
