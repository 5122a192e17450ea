"""The columns that go into each column of a model, compared with what sqlglot's own lineage finds."""

from __future__ import annotations

import pytest
from sqlglot import exp
from sqlglot.lineage import lineage

from loglode.contract import load_contract
from loglode.lineage.sql import Statement
from loglode.models.model import INPUTS, Model, load_models
from loglode.tables import QUARANTINE, RUNS

MODELS = load_models()
RELATIONS: dict[str, frozenset[str]] = {
    **{name: frozenset(columns) for name, columns in INPUTS.items()},
    **{spec.name: frozenset(name for name, _, _ in spec.columns) for spec in (QUARANTINE, RUNS)},
    **{model.name: frozenset(dict(model.columns)) for model in MODELS},
    "web_logs": frozenset(f.name for f in load_contract().stored_fields),
}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_values_are_those_that_sqlglot_finds(model: Model) -> None:
    statement = Statement(model.sql, RELATIONS)
    names = statement.columns()
    assert names == tuple(dict(model.columns))
    ours = {name: {_whole(leaf) for leaf in statement.made_of(name).values} for name in names}
    assert ours == {name: _by_sqlglot(model, name) for name in names}


def _whole(leaf: tuple[str, str]) -> tuple[str, str]:
    """Without the member of a struct, which sqlglot does not follow."""
    relation, column = leaf
    return relation, column.partition(".")[0]


def _by_sqlglot(model: Model, column: str) -> set[tuple[str, str]]:
    schema = {name: dict.fromkeys(RELATIONS[name], "VARCHAR") for name in model.depends}
    nodes = lineage(column, model.sql, schema=schema, dialect="duckdb").walk()
    ends = [node for node in nodes if isinstance(node.source, exp.Table) and not node.downstream]
    return {(node.source.name, node.name.rpartition(".")[2].strip('"')) for node in ends}
