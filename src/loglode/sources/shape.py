"""What fields JSON lines carry and of which types, from a sample spread over the whole stream.

Of every block some lines at even distances are looked at, and one of each number of keys, so that a line
with a field more or less than the others is seen however seldom it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from loglode.tokens import hidden

LINES_A_BLOCK = 48
MAX_LINE_CHARS = 1 << 16
MAX_DEPTH = 3
MAX_FIELDS = 300
# Names come from logs and so from anybody: what does not look like one is counted under this.
OTHER = "(other)"
_NAME = re.compile(r"@?[A-Za-z_][A-Za-z0-9_-]{0,39}(\.[A-Za-z_][A-Za-z0-9_-]{0,39}){0,3}")
# Keys of objects may be tokens.
_SECRET = re.compile(
    r"(?=\w*\d)[0-9A-Za-z]{20}|\d[\w-]{0,3}\d[\w-]{0,3}\d[\w-]{0,3}\d[\w-]{0,3}\d[\w-]{0,3}\d"
)
_NO_VALUE = ("", "-")


@dataclass(slots=True)
class Seen:
    """Lines of the sample that carry a field with a type; the first and the last of them, from 1."""

    lines: int
    first: int
    last: int


@dataclass(slots=True)
class Shape:
    """Fields by (name, type); `lines` counts the JSON objects that were looked at."""

    lines: int = 0
    fields: dict[tuple[str, str], Seen] = field(default_factory=dict)

    def look(self, block: pa.RecordBatch) -> None:
        """Look at some lines of a block of `sources.lines.SCHEMA`."""
        texts = block.column("text")
        for index in _chosen(block):
            text = texts[index].as_py()
            if len(text) > MAX_LINE_CHARS:
                continue
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                continue  # refused with its reason, and counted there
            if isinstance(value, dict):
                self._note(value)

    def add(self, other: Shape) -> None:
        """Lines that were looked at elsewhere, as if they came after these."""
        for key, seen in other.fields.items():
            self._count(key, seen.lines, self.lines + seen.first, self.lines + seen.last)
        self.lines += other.lines

    def reported(self, known: Collection[str]) -> dict[tuple[str, str], Seen]:
        """The fields that may be recorded. A nested object that no name in `known` leads into is one field:
        its keys may be users or tokens as well as names."""
        found: dict[tuple[str, str], Seen] = {}
        for (name, kind), seen in self.fields.items():
            top, _, below = name.partition(".")
            is_known = not below or name.lower() in known
            key = (name, kind) if is_known else (top, "object")
            before = found.get(key, seen)
            found[key] = Seen(
                max(before.lines, seen.lines), min(before.first, seen.first), max(before.last, seen.last)
            )
        return found

    def _note(self, record: dict[str, Any]) -> None:
        self.lines += 1
        for key in set(_leaves(record, "", MAX_DEPTH)):
            self._count(key, 1, self.lines, self.lines)

    def _count(self, key: tuple[str, str], lines: int, first: int, last: int) -> None:
        if key not in self.fields and len(self.fields) >= MAX_FIELDS:
            key = (OTHER, key[1])
        seen = self.fields.setdefault(key, Seen(0, first, last))
        seen.lines += lines
        seen.last = max(seen.last, last)


def _chosen(block: pa.RecordBatch) -> list[int]:
    count = block.num_rows
    if count <= LINES_A_BLOCK:
        return list(range(count))
    spread = np.linspace(0, count - 1, LINES_A_BLOCK).astype(np.int64)
    keys = np.frombuffer(block.column("key_count").buffers()[1], np.int32, count)
    _, firsts = np.unique(keys, return_index=True)
    return sorted({*spread.tolist(), *firsts[:LINES_A_BLOCK].tolist()})


def _leaves(record: dict[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value and depth > 1:
            yield from _leaves(value, f"{name}.", depth - 1)
        elif kind := _kind(value):
            is_plain = _NAME.fullmatch(name) and not _SECRET.search(name) and hidden(name) == name
            yield (name if is_plain else OTHER), kind


def _kind(value: Any) -> str:
    """The JSON type; nothing for what says nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "" if value in _NO_VALUE else "string"
        case list():
            return "array"
    return "object"
