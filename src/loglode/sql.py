"""Quoting for SQL: the only place that turns a name or a text into a part of a statement or a pattern."""

from __future__ import annotations

from collections.abc import Iterable


def identifier(name: str) -> str:
    """A quoted name of a column, table or struct member, whatever characters it holds."""
    return '"' + name.replace('"', '""') + '"'


def identifiers(names: Iterable[str]) -> str:
    """Quoted names, separated by commas."""
    return ", ".join(identifier(name) for name in names)


def literal(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """String literals, separated by commas."""
    return ", ".join(literal(text) for text in texts)


def regex_escape(text: str) -> str:
    """A regular expression of RE2 that matches a text and nothing else."""
    return "".join(c if c.isalnum() or c == "_" else f"\\x{{{ord(c):X}}}" for c in text)
