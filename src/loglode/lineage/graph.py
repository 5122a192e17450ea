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
from loglode.models.model import Model
from loglode.silver import MEMOS, memo_texts, silver_statement
from loglode.silver.canonical import logged
from loglode.silver.masking import KEY, PLACEHOLDERS

BRONZE, SILVER, QUARANTINE = "bronze", "web_logs", "quarantine"
_LOGGED = "log_"
# What a line's format has made of it, as a relation.
_FORMAT = "logged_lines"
_LINES = frozenset(
    {"text", "header", "line_id", "fingerprint", "source_object", "source_line", "fault", "key_count"}
)
# What gold models are given beside the lake's tables: the contract's settings, and the days of a run.
_GIVEN = {
    "target_days": {"day"},
    "settings": {"session_gap_seconds", "source_session_gap_seconds", "histogram_gamma", "gold_started_at"},
    "goals": {"goal", "method", "path_pattern", "min_status", "max_status"},
}


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
    made: tuple[exp.Expression, ...] = ()
    masking: str = "none"
    is_aggregate: bool = False

    @property
    def steps(self) -> tuple[str, ...]:
        """SQL of what is done to the inputs, first things first."""
        return tuple(dict.fromkeys(expression.sql("duckdb") for expression in reversed(self.made)))


class Graph:
    """Lineage of a contract's fields through silver and the models; `relations` are other tables that
    models read ({name: columns}), such as ops.runs. Nothing is parsed before it is asked for."""

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
            **{name: frozenset(columns) for name, columns in {**_GIVEN, **relations}.items()},
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
        self._known(column)
        made = self._followed(self._silver, column.name)
        inputs = {
            Column(BRONZE, name.removeprefix(_LOGGED)) for _, name in made.values if not name.startswith("#")
        }
        return Node(
            column, tuple(sorted(inputs)), (), _steps(made), _masking(self._fields[column.name].masking, made)
        )

    def _followed(self, statement: Statement, name: str) -> Made:
        """A column with the memos' tables and the format's steps followed to the line as well."""
        made = statement.made_of(name)
        values: set[tuple[str, str]] = set()
        expressions = dict.fromkeys(made.expressions)
        waiting = sorted(made.values, reverse=True)
        while waiting:
            leaf = waiting.pop()
            below = self._below(*leaf)
            if below is None:
                values.add(leaf)
            else:
                waiting += sorted(below.values, reverse=True)
                expressions |= dict.fromkeys(below.expressions)
        return Made(frozenset(values), tuple(expressions))

    def _below(self, relation: str, name: str) -> Made | None:
        """What a column is made of that the silver statement takes from elsewhere; None of a line's own."""
        if relation in self._memos:
            return self._memos[relation].made_of(name)
        return self._logged.made_of(name) if relation == _FORMAT and name not in _LINES else None

    @cached_property
    def _silver(self) -> Statement:
        memos = {memo.name: frozenset({"key", *memo.kept}) for memo in MEMOS}
        # Refused lines leave by the same statement; in silver none is left.
        return self._over_format(
            silver_statement(self._contract, self._format, frozenset()),
            memos,
            never=frozenset({"is_refused"}),
        )

    @cached_property
    def _memos(self) -> dict[str, Statement]:
        seen = memo_texts(self._contract, self._format, frozenset())
        texts = {memo.name: memo.statement(seen) for memo in MEMOS}
        return {name: self._over_format(sql, {}) for name, sql in texts.items()}

    @cached_property
    def _logged(self) -> Statement:
        """The lowest part, which finds the logged texts; hardly ever asked for, since these are leaves."""
        return Statement(self._logged_sql, {"lines": _LINES}, is_leaf=_is_logged)

    @cached_property
    def _logged_sql(self) -> str:
        return logged(self._contract, self._format, frozenset())

    def _over_format(
        self, sql: str, relations: Mapping[str, frozenset[str]], *, never: frozenset[str] = frozenset()
    ) -> Statement:
        """A statement of which the lowest part stands for a relation: it is half of the text, all of them
        have it, and parsing is what takes the time."""
        steps = self._format.steps(self._contract, frozenset())
        found = frozenset({"line", "is_malformed", *(name for step in steps for name in step)})
        return Statement(
            sql.replace(f"({self._logged_sql})", f" {_FORMAT}"),
            {_FORMAT: _LINES | found, "lines": _LINES, **relations},
            is_leaf=_is_logged,
            never=never,
        )

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


def _is_logged(name: str) -> bool:
    return name.startswith(_LOGGED)


def _columns(leaves: Leaves) -> tuple[Column, ...]:
    return tuple(sorted(Column(*leaf) for leaf in leaves))


def _steps(made: Made) -> tuple[exp.Expression, ...]:
    return tuple(e for e in made.expressions if not isinstance(e, exp.Column))


def _masking(declared: str, made: Made) -> str:
    """How a silver column is masked: as the contract says, else what its own SQL shows."""
    if declared != "none":
        return declared
    for expression in made.expressions:
        if any(f"${p.name}" == KEY for p in expression.find_all(exp.Parameter, exp.Placeholder)):
            return "pseudonym"
    words = {lit.this for e in made.expressions for lit in e.find_all(exp.Literal) if lit.is_string}
    return "redact" if words & PLACEHOLDERS else "none"
