"""What each column of a SELECT is computed from, read from the text of the SELECT alone. sqlglot parses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from loglode.errors import ModelError
from loglode.lineage.parts import Parts, member_of, parts_of

Leaf = tuple[str, str]
"""(relation, column)"""
Leaves = frozenset[Leaf]
_NONE: Leaves = frozenset()
_SHAPING = ("where", "group", "having", "qualify", "order", "distinct", "limit")


@dataclass(slots=True)
class Made:
    """A column: leaves whose values go into it, and every expression on the way, the last one first.

    `is_aggregate`: on the way many rows become one value.
    """

    values: Leaves
    expressions: tuple[exp.Expression, ...]
    is_aggregate: bool = False


@dataclass(slots=True)
class _Scope:
    """One SELECT (or the several of a UNION): what its names mean."""

    query: exp.Query
    sources: dict[str, _Scope | str] = field(default_factory=dict)
    outputs: dict[str, exp.Expression] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    branches: list[_Scope] = field(default_factory=list)
    outer: _Scope | None = None
    inner: dict[int, _Scope] = field(default_factory=dict)
    made: dict[str, Made] = field(default_factory=dict)


class Statement:
    """One statement. `relations` are the columns of each relation that it may read.

    Raises ModelError for a name that nothing provides, and for SQL that the parser does not know.
    """

    def __init__(self, sql: str, relations: Mapping[str, frozenset[str]]) -> None:
        self._relations = relations
        self._parts: dict[int, Parts] = {}
        try:
            query = sqlglot.parse_one(sql, read="duckdb")
        except SqlglotError as error:
            raise ModelError("lineage cannot read the SQL of a model") from error
        if not isinstance(query, exp.Query):
            raise ModelError("lineage is of a SELECT alone")
        self._root = self._scope(query, {}, None)
        self._shaped_by: Leaves | None = None

    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order; those of a `*` are left out."""
        scope = self._root
        while scope.branches:
            scope = scope.branches[0]
        return tuple(scope.outputs)

    def made_of(self, column: str) -> Made:
        """What a column of the statement is made of."""
        return self._output(self._root, column)

    def shaped_by(self) -> Leaves:
        """Leaves that decide which rows there are: filters, joins and groups."""
        if self._shaped_by is None:
            self._shaped_by = self._shape(self._root)
        return self._shaped_by

    def _scope(self, query: exp.Query, known: Mapping[str, _Scope], outer: _Scope | None) -> _Scope:
        known = dict(known)
        for cte in query.ctes:
            known[cte.alias] = self._scope(cte.this, known, outer)
        scope = _Scope(query, outer=outer)
        if isinstance(query, exp.SetOperation):
            scope.branches = [self._scope(side, known, outer) for side in (query.this, query.expression)]
            return scope
        if isinstance(query, exp.Subquery):
            scope.branches = [self._scope(query.this, known, outer)]
            return scope
        for source in _sources(query):
            if isinstance(source, exp.Subquery):
                scope.sources[source.alias or f"#{len(scope.sources)}"] = self._scope(
                    source.this, known, outer
                )
            elif isinstance(source, exp.Table):
                scope.sources[source.alias_or_name] = known.get(source.name, source.name)
            else:
                raise ModelError(f"lineage does not know the source {source.sql('duckdb')[:80]}")
        self._name_outputs(scope, known)
        return scope

    def _name_outputs(self, scope: _Scope, known: Mapping[str, _Scope]) -> None:
        for part in scope.query.expressions:
            if isinstance(part, exp.Star):
                scope.stars += list(scope.sources)
            elif isinstance(part, exp.Column) and isinstance(part.this, exp.Star):
                scope.stars.append(part.table)
            else:
                scope.outputs[part.alias_or_name] = part.unalias()
        for name in ("where", "having", "qualify"):
            if clause := scope.query.args.get(name):
                self._nested(scope, clause, known)
        for expression in scope.outputs.values():
            self._nested(scope, expression, known)

    def _nested(self, scope: _Scope, expression: exp.Expression, known: Mapping[str, _Scope]) -> None:
        for query in self._held(expression).queries:
            scope.inner[id(query)] = self._scope(query, known, scope)

    def _held(self, expression: exp.Expression) -> Parts:
        """The parts of an expression, looked for once: walking trees is half of what following takes."""
        found = self._parts.get(id(expression))
        if found is None:
            found = self._parts[id(expression)] = parts_of(expression)
        return found

    def _output(self, scope: _Scope, name: str) -> Made:
        if name not in scope.made:
            scope.made[name] = self._made(scope, name)
        return scope.made[name]

    def _made(self, scope: _Scope, name: str) -> Made:
        if scope.branches:
            # Sides of a UNION pair up by place; the first gives the names.
            base, dot, member = name.partition(".")
            place = list(self._first(scope).outputs).index(base)
            sides = [self._output(side, self._at(side, place) + dot + member) for side in scope.branches]
            return Made(
                frozenset().union(*(side.values for side in sides)),
                tuple(e for side in sides for e in side.expressions),
                any(side.is_aggregate for side in sides),
            )
        base, _, member = name.partition(".")
        if base in scope.outputs:
            expression = member_of(scope.outputs[base], member)
            parts = self._held(expression)
            found = [self._column(scope, column, name) for column in parts.columns]
            found += [self._inner(scope, query) for query in parts.queries]
            return Made(
                frozenset().union(*(part.values for part in found)),
                tuple(dict.fromkeys([expression, *(e for part in found for e in part.expressions)])),
                parts.is_aggregate or any(part.is_aggregate for part in found),
            )
        for star in scope.stars:
            if self._has(scope.sources[star], name):
                return self._from(scope.sources[star], name)
        raise ModelError(f"lineage: no column {name}")

    def _first(self, scope: _Scope) -> _Scope:
        return self._first(scope.branches[0]) if scope.branches else scope

    def _at(self, scope: _Scope, place: int) -> str:
        return list(self._first(scope).outputs)[place]

    def _inner(self, scope: _Scope, query: exp.Query) -> Made:
        inner = scope.inner[id(query)]
        made = [self._output(inner, name) for name in self._first(inner).outputs]
        return Made(
            frozenset().union(self._shape(inner), *(m.values for m in made)),
            tuple(e for m in made for e in m.expressions),
            any(m.is_aggregate for m in made),
        )

    def _column(self, scope: _Scope, column: exp.Column, asked_for: str = "") -> Made:
        parts = [part.name for part in column.parts]
        if len(parts) > 1 and parts[0] in scope.sources:
            return self._from(scope.sources[parts[0]], ".".join(parts[1:]))
        name = ".".join(parts)  # with a dot: of a struct
        for source in scope.sources.values():
            if self._has(source, name):
                return self._from(source, name)
        if parts[0] in scope.outputs and name != asked_for:
            return self._output(scope, name)
        if scope.outer is not None:
            return self._column(scope.outer, column)
        raise ModelError(f"lineage: no relation has a column {name}")

    def _from(self, source: _Scope | str, name: str) -> Made:
        if isinstance(source, str):
            return Made(frozenset({(source, name)}), ())
        return self._output(source, name)

    def _has(self, source: _Scope | str, name: str) -> bool:
        name = name.partition(".")[0]
        if isinstance(source, str):
            return name in self._relations.get(source, ())
        if source.branches:
            return name in self._first(source).outputs
        return name in source.outputs or any(self._has(source.sources[star], name) for star in source.stars)

    def _shape(self, scope: _Scope) -> Leaves:
        found = frozenset().union(*(self._shape(side) for side in scope.branches))
        for clause in _shaping(scope.query):
            parts = self._held(clause)
            for column in parts.columns:
                found |= self._column(scope, column).values
            for query in parts.queries:
                found |= self._inner(scope, query).values
        for source in scope.sources.values():
            found |= self._shape(source) if isinstance(source, _Scope) else _NONE
        return found


def _sources(query: exp.Query) -> Iterator[exp.Expression]:
    start = query.args.get("from_") or query.args.get("from")
    if start is not None:
        yield start.this
    for join in query.args.get("joins") or ():
        yield join.this


def _shaping(query: exp.Query) -> Iterator[exp.Expression]:
    """Clauses that decide about rows; the places of `group by 1` name no column and fall away."""
    for name in _SHAPING:
        if isinstance(clause := query.args.get(name), exp.Expression):
            yield clause
    for join in query.args.get("joins") or ():
        if condition := join.args.get("on"):
            yield condition
