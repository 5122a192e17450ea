"""The embedded engine."""

from loglode.engines.duckdb.engine import DuckDBEngine

__all__ = ["DuckDBEngine"]
