"""Loglode mines web logs: raw lines in at bronze, clean tables out at silver, metrics at gold."""

__version__ = "0.1.0"
