"""The saved questions, as Athena reads them, run against tables with the catalog's columns."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
import sqlglot
from tests.helpers.terraform import ROOT

FILES = sorted((ROOT / "terraform/modules/glue/queries").glob("*.sql"))


@pytest.fixture
def tables() -> duckdb.DuckDBPyConnection:
    """Every table of the catalog, empty."""
    base = duckdb.connect()
    for name, table in json.loads((ROOT / "terraform/catalog.json").read_text()).items():
        columns = ", ".join(
            f"`{c['name']}` {c['type']}" for c in [*table["columns"], *table["partition_keys"]]
        )
        (statement,) = sqlglot.transpile(f"CREATE TABLE `{name}` ({columns})", read="hive", write="duckdb")
        base.execute(statement)
    return base


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_saved_query_runs(tables: duckdb.DuckDBPyConnection, file: Path) -> None:
    text = file.read_text()
    assert text.startswith("-- "), "its first line is its description"
    (statement,) = sqlglot.transpile(text, read="athena", write="duckdb")
    assert tables.execute(statement).fetchall() == []
    assert len(tables.description or ()) > 1
