"""Odd values in every place of a line of every format, as files that one load reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from tests.helpers.lakes import write

from loglode.contract import load_contract
from loglode.formats import FORMATS

FIXTURES = Path(__file__).parents[1] / "data" / "formats"
# JSON as it may be written in a place for a value: not all of it is valid.
ODD_JSON = (
    '"{x"', '"{"', '"[x"', '"["', '"{\\"a\\":"', '"{}"', '"[]"', '"{\\"a\\":1}"', "{}", "[]", "[[[1]]]",
    '{"headers":"{x"}', '{"headers":{"User-Agent":["{x"]}}', '["{x"]', "null", "true", '"null"', '"\\u0000"',
    '"\\ud83d"', '"\\udc00\\ud800"', '"\\uD83D\\uDE00"', '"\\x"', "1e999", "-1e999", "NaN", "-Infinity", "1e-999",
    "0.1" + "1" * 400, "9" * 400, "-0", "0x10", "+1", "1_0", '"1e999"', '"nan"', '"inf"', '"9999999999999999999"',
    '"' + "9" * 400 + '"', '"%"', '"%%zz%u0000"', '"::::::1"', '"[::1"', '"1.2.3"', '"999.1.1.1"', '"http://["',
    '"//?#"', '"-"', '" "', '"\\t\\r"', '"2026-13-45T99:99:99+99:99"', '"10/Oct/0000:99:99:99 +9999"', '"(((("',
    '"$1\\\\1\\\\"', '"\\u202e"', '"' + "a=" * 500 + '"', '"' + "a" * 70_000 + '"',
    "[" * 300 + "]" * 300, '{"a":' * 300 + "1" + "}" * 300,
)  # fmt: skip
_ODD_TEXTS = (
    "{x", "[", "]", "{", '"', '\\"', "\\", "''", "-", "", "%", "%zz", "\x00", "\x01q", "\xff", "9" * 400, "1e999", "nan",
    "-1", "[::1", "::::1", "http://[", "((", "$1", "2026-99-99T99:99:99+99:99", "32/Foo/0000:99:99:99 +9999",
    "\t", "a=" * 500, "\u202e",
)  # fmt: skip
_TOKEN = re.compile(r'[^\s",;|]+')


def json_lines(odd: Sequence[str] = ODD_JSON) -> Iterator[str]:
    """Every name that the contract knows, by itself and as a path, with every odd value."""
    aliases = {alias.path for field in load_contract(None).read_fields for alias in field.aliases}
    for path in sorted(aliases):
        for value in odd:
            yield json_line(path, value)
            if len(path) > 1:
                yield json_line((".".join(path),), value)
                yield json_line(path[:1], value)


def json_line(path: Sequence[str], value: str) -> str:
    """A line that is valid but for the value at a path."""
    text = value
    for key in reversed(path):
        text = f"{{{json.dumps(key)}:{text}}}"
    return '{"timestamp":"2026-03-04T05:06:07Z","status":200,"zz":1,' + text[1:]


def text_lines(lines: Sequence[str]) -> Iterator[str]:
    """Lines with each of their words replaced by every odd text."""
    for line in lines:
        for word in _TOKEN.finditer(line):
            for odd in _ODD_TEXTS:
                yield line[: word.start()] + odd + line[word.end() :]


def write_odd(folder: Path) -> int:
    """A file for each registered format; returns how many lines they hold."""
    count = 0
    for name in sorted({fmt.name for fmt in FORMATS.values()}):
        entries: list[dict[str, Any]] = yaml.safe_load((FIXTURES / f"{name}.yaml").read_text("utf-8"))
        good = [entry["line"] for entry in entries if entry.get("silver")]
        headers = [entry["line"] for entry in entries if entry["line"].startswith("#")]
        lines = [*headers, *good, *text_lines(good[:2])]
        if name == "json":
            lines += json_lines()
        write(folder / f"{name}.odd.log", lines)
        count += sum(line.count("\n") + 1 for line in lines)
    return count
