"""Where a column comes from, read off the SQL that runs."""

from loglode.lineage.graph import BRONZE, Column, Graph, Node

__all__ = ["BRONZE", "Column", "Graph", "Node"]
