"""Layers: a projection over a projection, so that every value is worked out once and has a name."""

from __future__ import annotations


def layer(below: str, columns: dict[str, str]) -> str:
    return select(below, columns) if columns else below


def select(below: str, columns: dict[str, str]) -> str:
    return f"select *, {', '.join(f'{sql} as {name}' for name, sql in columns.items())} from ({below})"
