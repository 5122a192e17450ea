"""A table's columns against those of the tables it is made from, over whatever lies between."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

from loglode.lineage.graph import Column, Graph

Subtype = Literal["IDENTITY", "TRANSFORMATION", "AGGREGATION"]


class Edge(NamedTuple):
    """A column that another's values come from. `is_masked`: personal data are hidden by then."""

    source: Column
    subtype: Subtype
    is_masked: bool


def edges(graph: Graph, column: Column, stored: Collection[str]) -> list[Edge]:
    """Columns of the `stored` relations that go into a column, in order."""
    found: set[Column] = set()
    seen = {column}
    waiting = [column]
    subtype: Subtype = "IDENTITY"
    while waiting:
        node = graph.node(waiting.pop())
        if node.is_aggregate:
            subtype = "AGGREGATION"
        elif node.made and subtype == "IDENTITY":
            subtype = "TRANSFORMATION"
        found |= {_whole(c) for c in node.inputs if c.relation in stored}
        fresh = [c for c in node.inputs if c.relation not in stored and c not in seen]
        seen.update(fresh)
        waiting += fresh
    is_masked_here = graph.node(column).masking != "none"
    return [Edge(c, subtype, is_masked_here or graph.is_masked(c)) for c in sorted(found)]


def row_columns(graph: Graph, relation: str, stored: Collection[str]) -> list[Column]:
    """Columns of the `stored` relations by which a table's rows are filtered, joined or grouped."""
    found: set[Column] = set()
    seen = {relation}
    waiting = [relation]
    while waiting:
        columns = graph.columns(waiting.pop())
        rows = graph.node(columns[0]).rows  # the same for all columns of a relation
        above = {c for column in columns for c in graph.node(column).inputs} | set(rows)
        for column in rows:
            if column.relation in stored:
                found.add(_whole(column))
            else:
                found |= {edge.source for edge in edges(graph, column, stored)}
        fresh = {c.relation for c in above if c.relation not in stored and graph.is_made(c.relation)} - seen
        seen |= fresh
        waiting += sorted(fresh)
    return sorted(found)


def _whole(column: Column) -> Column:
    """A member of a struct stands for its column."""
    return Column(column.relation, column.name.partition(".")[0])
