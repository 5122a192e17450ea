"""The columns that go into each column of a model, compared with what sqlglot's own lineage finds."""

from __future__ import annotations

import pytest
from sqlglot import exp
from sqlglot.lineage import lineage

from loglode.contract import load_contract
from loglode.lineage.sql import Statement
from loglode.models.model import Model, load_models
from loglode.telemetry.graph import lineage_graph

MODELS = load_models()
RELATIONS = lineage_graph(load_contract())._relations
# They pack columns into a struct and take members out again, which sqlglot does not follow: it names all.
PACKING = {"slots", "sessions"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_values_are_those_that_sqlglot_finds(model: Model) -> None:
    statement = Statement(model.sql, RELATIONS)
    names = statement.columns()
    assert names == tuple(dict(model.columns))
    ours = {name: {_whole(leaf) for leaf in statement.made_of(name).values} for name in names}
    theirs = {name: _by_sqlglot(model, name) for name in names}
    if model.name in PACKING:
        assert all(ours[name] <= theirs[name] for name in names)
    else:
        assert ours == theirs


def _whole(leaf: tuple[str, str]) -> tuple[str, str]:
    """Without the member of a struct, which sqlglot does not follow."""
    relation, column = leaf
    return relation, column.partition(".")[0]


def _by_sqlglot(model: Model, column: str) -> set[tuple[str, str]]:
    schema = {name: dict.fromkeys(RELATIONS[name], "VARCHAR") for name in model.depends}
    nodes = lineage(column, model.sql, schema=schema, dialect="duckdb").walk()
    ends = [node for node in nodes if isinstance(node.source, exp.Table) and not node.downstream]
    return {(node.source.name, node.name.rpartition(".")[2].strip('"')) for node in ends}
