"""Lines whose columns a header names, `#Fields: date time c-ip ...`: W3C extended logs, IIS, CloudFront.

A header may come again in mid-file with other columns. The headers that detection saw are constants of the
statement, so that a line is not searched for names; lines below any other header are read by its names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from loglode.formats.base import NO_TEXT, Format, sample_lines, without_ending
from loglode.sql import literal, literals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loglode.contract import Contract

DIRECTIVE: Final = "#Fields:"
_MOST_HEADERS = 8  # that become constants


class ColumnFormat(Format):
    """A format with `#Fields` directives. `values` are expressions over `c_<n>`, the texts of `columns`."""

    header_prefix = DIRECTIVE.encode()
    # The names of columns that are read; `column` gives the expression of one.
    columns: ClassVar[tuple[str, ...]]
    separator: ClassVar[str]  # SQL over `body`
    default_names: ClassVar[tuple[str, ...]] = ()  # the columns of lines above any header

    def keys(self, sample: bytes) -> frozenset[str]:
        """The headers of the first lines."""
        lines = (line.rstrip(b"\r") for line in sample_lines(sample) if line.startswith(DIRECTIVE.encode()))
        return frozenset(line.decode("utf-8", "replace") for line in lines)

    def skipped(self) -> str:
        return "starts_with(line, '#')"

    def values(self, names: frozenset[str]) -> Mapping[str, str]:
        """For each field an expression; `names` are all names of columns in the known headers."""
        raise NotImplementedError

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        del contract
        known = _known(known_keys)
        numbers = " ".join(f"when {literal(header)} then {n}" for n, header in enumerate(known, 1))
        default = (
            f"case when head is null then [{literals(self.default_names)}]" if self.default_names else ""
        )
        names = (
            f"string_split(trim(regexp_replace(substr(head, {len(DIRECTIVE) + 1}), '\\s+', ' ', 'g')), ' ')"
        )
        counts = " ".join(f"when {n} then {len(_names(header))}" for n, header in enumerate(known, 1))
        return [
            {"head": without_ending("header"), "body": f"rtrim({without_ending('line')}, ' ')"},
            {"known": f"case head {numbers} else 0 end" if known else "0"},
            {
                "names": f"case when known = 0 then {default + ' else ' + names + ' end' if default else names} end"
            },
            {
                "width": f"case known {counts} else len(names) end" if known else "len(names)",
                "plain": f"string_split(body, {self.separator})",
            },
            # Texts with spaces are quoted.
            {
                "cells": "case when len(plain) > width and contains(body, '\"')"
                r""" then regexp_extract_all(body, '"[^"]*"|[^ \t"]+') else plain end"""
            },
            {_place(name): self._position(name, known) for name in self.columns},
            {
                _cell(name): f"nullif(nullif(trim(cells[{_place(name)}], '\"'), ''), '-')"
                for name in self.columns
            },
        ]

    @staticmethod
    def _position(name: str, known: Sequence[str]) -> str:
        places = [(n, _names(header)) for n, header in enumerate(known, 1)]
        cases = " ".join(
            f"when {n} then {names.index(name) + 1 if name in names else 'null'}" for n, names in places
        )
        searched = f"list_position(names, {literal(name)})"
        return f"case known {cases} else {searched} end" if cases else searched

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        found = self.values(frozenset(name for header in _known(known_keys) for name in _names(header)))
        return {f.name: found.get(f.name, NO_TEXT) for f in contract.read_fields}

    def column(self, name: str) -> str:
        """The text of a column, or null."""
        return _cell(name)

    def invalid(self) -> str:
        """A line of another width: nothing says which column is missing."""
        return "(width is null or len(cells) <> width)"

    def invalid_reason(self) -> str:
        name = self.name.replace("-", "_")
        return f"case when width is null then {literal(name + '_no_header')} else {literal(name + '_columns')} end"


def _known(known_keys: frozenset[str]) -> list[str]:
    return sorted(key for key in known_keys if key.startswith(DIRECTIVE))[:_MOST_HEADERS]


def _names(header: str) -> list[str]:
    return header.removeprefix(DIRECTIVE).split()


def _cell(name: str) -> str:
    return "c_" + "".join(c if c.isalnum() else "_" for c in name.lower())


def _place(name: str) -> str:
    return "at_" + _cell(name)
