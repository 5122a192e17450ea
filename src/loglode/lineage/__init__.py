"""Where a column comes from, read off the SQL that runs."""

from loglode.lineage.edge import Edge, edges, row_columns
from loglode.lineage.graph import BRONZE, Column, Graph, Node

__all__ = ["BRONZE", "Column", "Edge", "Graph", "Node", "edges", "row_columns"]
