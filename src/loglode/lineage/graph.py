"""From the contract's fields to every column of silver and gold: one graph of all statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sqlglot import exp

from loglode.contract import Contract
from loglode.errors import UsageError
from loglode.formats import Format
from loglode.lineage.sql import Leaves, Made, Statement
from loglode.models.held import HELD
from loglode.models.model import INPUTS, Model
from loglode.silver.canonical import LOGGED
from loglode.silver.layers import Layers
from loglode.silver.masking import KEY, REDACTED
from loglode.silver.redaction import PLACEHOLDERS
from loglode.silver.statement import silver_layers, stored
from loglode.sql import literal

BRONZE, SILVER, QUARANTINE = "bronze", "web_logs", "quarantine"


class Column(NamedTuple):
    """A column of a relation; in `bronze` the contract's fields, and what the reader adds to a line."""

    relation: str
    name: str

    def __str__(self) -> str:
        return f"{self.relation}.{self.name}"


@dataclass(frozen=True, slots=True)
class Node:
    """A column and one step back. `made` are the expressions on the way, the last thing done first,
    without those that only pass a column on.

    `rows` are the columns that filter, join or group in this step. `masking` is how the step hides
    personal data, or none. `is_aggregate`: many rows go into one value.
    """

    column: Column
    inputs: tuple[Column, ...]
    rows: tuple[Column, ...]
    made: tuple[str | exp.Expression, ...] = ()
    masking: str = "none"
    is_aggregate: bool = False

    @property
    def steps(self) -> tuple[str, ...]:
        """SQL of what is done to the inputs, first things first."""
        texts = (made if isinstance(made, str) else made.sql("duckdb") for made in reversed(self.made))
        return tuple(dict.fromkeys(texts))


class Graph:
    """Lineage of a contract's fields through silver and the models; `relations` are other tables that
    models read ({name: columns}), such as ops.runs. Nothing is parsed before it is needed."""

    def __init__(
        self,
        contract: Contract,
        fmt: Format,
        models: Iterable[Model],
        relations: Mapping[str, Iterable[str]],
    ) -> None:
        self._contract = contract
        self._format = fmt
        self._models = {model.name: model for model in models}
        self._fields = {f.name: f for f in contract.fields}
        self._relations = {
            **{name: frozenset(columns) for name, columns in {**INPUTS, **HELD, **relations}.items()},
            **{name: frozenset(dict(model.columns)) for name, model in self._models.items()},
            SILVER: frozenset(f.name for f in contract.stored_fields),
        }
        self._statements: dict[str, Statement] = {}
        self._nodes: dict[Column, Node] = {}

    def columns(self, relation: str) -> tuple[Column, ...]:
        """Columns of silver or a model, in order. Raises UsageError for another name."""
        if relation == SILVER:
            return tuple(Column(SILVER, f.name) for f in self._contract.stored_fields)
        if relation in self._models:
            return tuple(Column(relation, name) for name, _ in self._models[relation].columns)
        known = ", ".join([SILVER, *(m.name for m in self._models.values() if m.layer == "gold")])
        raise UsageError(f"no lineage of {relation}", hint=f"tables: {known}")

    def is_made(self, relation: str) -> bool:
        """Whether a model makes the relation."""
        return relation in self._models

    def node(self, column: Column) -> Node:
        """The column one step back; where nothing of ours makes it, without inputs. Raises UsageError."""
        if column not in self._nodes:
            self._nodes[column] = self._node(column)
        return self._nodes[column]

    def way(self, column: Column) -> Iterator[Node]:
        """Every node that the column's values come through, each once, the column's own first."""
        seen = {column}
        waiting = [column]
        while waiting:
            node = self.node(waiting.pop(0))
            yield node
            fresh = [c for c in node.inputs if c not in seen]
            seen.update(fresh)
            waiting += fresh

    def fields(self, column: Column) -> frozenset[str]:
        """The contract's fields whose values go into a column."""
        found = {node.column for node in self.way(column)}
        return frozenset(c.name for c in found if c.relation == BRONZE and self._is_read(c.name))

    def row_fields(self, column: Column) -> frozenset[str]:
        """The contract's fields that decide which rows are counted in a column: filters, joins, groups.

        A bare count has these alone.
        """
        found: set[str] = set()
        seen: set[str] = set()
        waiting = [column.relation]
        while waiting:
            relation = waiting.pop()
            if relation not in self._models or relation in seen:
                continue
            seen.add(relation)
            waiting += self._models[relation].depends
            for name in self._shape(relation):
                found |= self.fields(name)
        return frozenset(found)

    def is_masked(self, column: Column) -> bool:
        """Whether a step on the way hides personal data."""
        return any(node.masking != "none" for node in self.way(column))

    def _node(self, column: Column) -> Node:
        relation, name = column
        if relation == QUARANTINE and name in self._fields and name in self._relations[QUARANTINE]:
            # A refused line's own time, read as that of any line.
            return Node(column, (Column(BRONZE, name),) if self._is_read(name) else (), ())
        if relation == SILVER:
            return self._silver_node(column)
        if relation not in self._models:
            return Node(column, (), ())
        self._known(column)
        made = self._statement(relation).made_of(name)
        return Node(
            column,
            _columns(made.values),
            self._shape(relation),
            _steps(made),
            is_aggregate=made.is_aggregate,
        )

    def _silver_node(self, column: Column) -> Node:
        """The statement's layers know what each of their columns is computed from; nothing is parsed."""
        self._known(column)
        texts, made = self._silver.trace([stored(self._contract, self._format)[column.name]], LOGGED)
        inputs = tuple(sorted(Column(BRONZE, name.removeprefix(LOGGED)) for name in texts))
        return Node(column, inputs, (), made, _masking(self._fields[column.name].masking, made))

    @cached_property
    def _silver(self) -> Layers:
        return silver_layers(self._contract, self._format, frozenset())

    def _statement(self, relation: str) -> Statement:
        if relation not in self._statements:
            self._statements[relation] = Statement(self._models[relation].sql, self._relations)
        return self._statements[relation]

    def _shape(self, relation: str) -> tuple[Column, ...]:
        return _columns(self._statement(relation).shaped_by())

    def _is_read(self, name: str) -> bool:
        return name in self._fields and self._fields[name].is_read

    def _known(self, column: Column) -> None:
        if Column(column.relation, column.name.partition(".")[0]) not in self.columns(column.relation):
            names = ", ".join(c.name for c in self.columns(column.relation))
            raise UsageError(f"{column.relation} has no column {column.name}", hint=f"columns: {names}")


def _columns(leaves: Leaves) -> tuple[Column, ...]:
    return tuple(sorted(Column(*leaf) for leaf in leaves))


def _steps(made: Made) -> tuple[exp.Expression, ...]:
    return tuple(e for e in made.expressions if not isinstance(e, exp.Column))


def _masking(declared: str, made: tuple[str, ...]) -> str:
    """How a silver column is masked: as the contract says, else what its own SQL shows."""
    if declared != "none":
        return declared
    if any(KEY in sql for sql in made):
        return "pseudonym"
    return (
        "redact"
        if any(literal(word) in sql for sql in made for word in (REDACTED, *PLACEHOLDERS))
        else "none"
    )
