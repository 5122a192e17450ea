"""What an expression is put together from."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp


@dataclass(frozen=True, slots=True)
class Parts:
    """What an expression holds: columns of its own scope, and the outermost queries inside it."""

    expression: exp.Expression
    columns: tuple[exp.Column, ...]
    queries: tuple[exp.Query, ...]
    is_aggregate: bool


def parts_of(expression: exp.Expression) -> Parts:
    """The parts of an expression; a lambda's parameters are no columns."""
    columns: list[exp.Column] = []
    queries: list[exp.Query] = []
    bound: set[str] = set()
    is_aggregate = False
    for node in expression.walk(prune=lambda n: isinstance(n, exp.Query)):
        if isinstance(node, exp.Column):
            columns.append(node)
        elif isinstance(node, exp.Query):
            queries.append(node)
            is_aggregate = is_aggregate or node.find(exp.AggFunc) is not None
        elif isinstance(node, exp.Lambda):
            bound |= {parameter.name for parameter in node.expressions}
        elif isinstance(node, exp.AggFunc):
            is_aggregate = True
    own = tuple(c for c in columns if c.table or c.name not in bound)
    return Parts(expression, own, tuple(queries), is_aggregate)


def member_of(expression: exp.Expression, member: str) -> exp.Expression:
    """The expression of one member where a struct is put together; of the whole where it is not."""
    if not member:
        return expression

    def only(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Struct):
            for pair in node.expressions:
                if pair.this.name == member:
                    value: exp.Expression = pair.expression
                    return value
        return node

    return expression.transform(only)
