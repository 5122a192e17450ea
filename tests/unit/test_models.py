"""Models as text: their headers, the SQL that both engines read, and their order."""

from __future__ import annotations

import re

import pytest
import sqlglot
from tests.helpers.gold import MODELS

from loglode.errors import ModelError
from loglode.models.model import Model, in_order, parse_model


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_sql_renders_for_spark_and_reads_what_its_header_says(model: Model) -> None:
    (text,) = sqlglot.transpile(
        model.sql, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE
    )
    sqlglot.parse_one(text, read="spark")
    tree = sqlglot.parse_one(model.sql, read="duckdb")
    own = {cte.alias for cte in tree.find_all(sqlglot.exp.CTE)}
    assert {table.name for table in tree.find_all(sqlglot.exp.Table)} - own == set(model.depends)
    assert not re.search(r"select\s+\*", model.sql)
    assert all(text for _, text in model.columns)


HEADER = """-- grain: one
-- keys: a
-- depends: goals
-- description: d
--   goes on
-- columns:
--   a: first
"""


def test_a_header_is_read_with_its_continued_lines() -> None:
    model = parse_model("m", "gold", HEADER + "--     and more\nselect 1 as a\n")
    assert model.description == "d goes on"
    assert model.columns == (("a", "first and more"),)
    assert (model.sql, model.is_view) == ("select 1 as a", False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select 1", "the header lacks columns, depends, description, grain, keys"),
        (HEADER, "the SELECT or the list"),
        (HEADER.replace("keys: a", "keys: b") + "select 1", "the key b is not among the columns"),
        (HEADER.replace("-- columns", "-- totals: b\n-- columns") + "select 1", "the total b is not among"),
        (HEADER.replace("grain", "gain") + "select 1", "no field gain"),
        (HEADER + "--   a: again\nselect 1", "a is given twice"),
        (HEADER + "-- no field here\nselect 1", "is not understood"),
        ("-- materialized: file\n" + HEADER + "select 1", "not table or view"),
    ],
)
def test_a_malformed_header_is_refused(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        parse_model("m", "gold", text)


def test_models_in_a_circle_or_on_unknown_relations_are_refused() -> None:
    def model(name: str, depends: str) -> Model:
        return parse_model(name, "gold", HEADER.replace("goals", depends) + "select 1 as a")

    assert [m.name for m in in_order([model("a", "b"), model("b", "runs")])] == ["b", "a"]
    with pytest.raises(ModelError, match="circle: "):
        in_order([model("a", "b"), model("b", "a")])
    with pytest.raises(ModelError, match="depends on nobody"):
        in_order([model("a", "nobody")])
    with pytest.raises(ModelError, match="another relation has this name"):
        in_order([model("goals", "runs")])
