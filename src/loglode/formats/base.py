"""What a format has to say: pure text builders, tested without a database."""

from __future__ import annotations

from typing import Protocol

from loglode.contract import Contract

NO_TEXT = "null::varchar"  # what a format gives for a field that it never carries


class Format(Protocol):
    """SQL over the columns of a line: `text`, and `key_count` where the reader counted keys."""

    name: str
    counts_keys: bool  # whether the reader is to count keys

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        """Successive projections {column: expression}; each may use the columns made before it."""
        ...

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        """For each field that is read: an expression over those columns giving text or null."""
        ...

    def invalid(self) -> str:
        """Boolean expression, never null: the line has not this format."""
        ...

    def invalid_reason(self) -> str:
        """Expression giving the reason for an invalid line; evaluated on those alone."""
        ...


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def without_ending(line: str) -> str:
    """A line, which holds no newline but its last character, without that and the returns before it.

    Splitting costs a tenth of trimming: `rtrim` goes through all of a text, character by character.
    """
    cut = f"split_part({line}, chr(10), 1)"
    return f"case when contains({line}, chr(13)) then rtrim({cut}, chr(13)) else {cut} end"
