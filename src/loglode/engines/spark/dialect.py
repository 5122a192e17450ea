"""DuckDB's SQL as Spark's: sqlglot, and the few places where it alone does not give the same answer."""

from __future__ import annotations

from functools import cache

import sqlglot
from sqlglot import exp

# Functions that sqlglot leaves as they are.
_RENAMED = {"EPOCH_US": "UNIX_MICROS", "MAKE_TIMESTAMPTZ": "TIMESTAMP_MICROS"}
# Sums of integers are 128 bits wide in DuckDB; Spark's widest exact number has 38 digits.
_WIDE = exp.DataType.build("decimal(38, 0)")
# A backslash in a pattern means itself in DuckDB, and no pattern holds this character.
_NO_ESCAPE = "\x01"


@cache
def to_spark(sql: str) -> str:
    """One SELECT of DuckDB's dialect in Spark's. All sums are taken to be of integers."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    for node in reversed(list(tree.walk())):  # the inner ones first
        _change(node)
    return tree.sql(dialect="spark", comments=False)


@cache
def words(sql: str) -> frozenset[str]:
    """Every name in a SELECT: those of all columns that it reads, unless it reads them by a star."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    return frozenset(node.name for node in tree.find_all(exp.Identifier))


def _change(node: exp.Expr) -> None:
    if isinstance(node, exp.Anonymous) and node.name.upper() in _RENAMED:
        node.set("this", _RENAMED[node.name.upper()])
    elif isinstance(node, exp.PercentileCont):
        # Spark's function of that name takes one fraction; `percentile` interpolates in the same way.
        node.replace(exp.Anonymous(this="PERCENTILE", expressions=[node.this, node.expression]))
    elif isinstance(node, exp.Sum):
        node.set("this", exp.cast(node.this, _WIDE))
    elif isinstance(node, exp.Like):
        node.replace(exp.Escape(this=node.copy(), expression=exp.Literal.string(_NO_ESCAPE)))
