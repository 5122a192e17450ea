"""Layers: a projection over a projection, so that every value is worked out once and has a name."""

from __future__ import annotations


def layer(below: str, columns: dict[str, str]) -> str:
    """The SELECT below with columns {name: expression} added; without any, as it is."""
    return select(below, columns) if columns else below


def select(below: str, columns: dict[str, str]) -> str:
    """Everything below, and columns {name: expression}."""
    return f"select *, {', '.join(f'{sql} as {name}' for name, sql in columns.items())} from ({below})"
