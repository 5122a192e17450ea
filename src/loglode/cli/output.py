"""Results for people on a terminal, and for programs as JSON or CSV.

Attackers write log lines. None of their text reaches a terminal as a control character, a
spreadsheet as a formula, or rich as markup.
"""

from __future__ import annotations

import itertools
import json
import logging
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

import click

from loglode import logs
from loglode.cli.text_table import text_table
from loglode.text import distinct, visible

Row = Sequence[Any]

FORMATS: Final = ("table", "json", "csv")
MAX_TABLE_ROWS: Final = 1_000
"""A table is laid out as a whole, so it is kept in memory; JSON and CSV stream."""

MAX_CELL: Final = 400
"""Characters of a cell in a table."""

# Spreadsheets leave these away, or do not show them.
_UNSEEN: Final = (
    "' \x00\xa0\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\u3000\ufeff"
)
# They take a text that begins so for a formula; the wide forms are read as the narrow ones.
_FORMULA: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_CHUNK: Final = 500
_MAX_PLAIN: Final = 1e15
_MAX_DIGITS: Final = 40


def one_line(text: str) -> str:
    """The text as one visible line, for messages."""
    return visible(" ".join(text.split()))


def write_rows(columns: Sequence[str], rows: Iterable[Row], *, form: str) -> None:
    """Write a result to standard output as `table`, `json` (an array of objects) or `csv`."""
    if form == "json":
        _write_pieces(_json_pieces(columns, rows))
    elif form == "csv":
        _write_pieces(_csv_pieces(columns, rows, is_terminal=sys.stdout.isatty()))
    else:
        write_table(columns, rows)


def write_json(value: Mapping[str, Any]) -> None:
    """Write one JSON object in one line to standard output."""
    click.echo(json.dumps(jsonable(value), allow_nan=False))


def write_text(text: str = "") -> None:
    """Write a line for people to standard output."""
    click.echo(visible(text))


def write_note(text: str) -> None:
    """Write a message to standard error: standard output is for results."""
    if logs.is_json():
        logging.getLogger(__name__).warning(text)
    else:
        click.echo(visible(text), err=True)


def write_table(columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows as a table, at most MAX_TABLE_ROWS of them; a note reports that there are more."""
    found = iter(rows)
    shown = [[to_cell(value) for value in row] for row in itertools.islice(found, MAX_TABLE_ROWS)]
    names = [_cut(visible(name)) for name in columns]
    click.echo(text_table(names, shown), nl=False, color=True)
    if next(found, None) is not None:
        write_note(f"only the first {MAX_TABLE_ROWS} rows are shown; --format json or csv gives all")


def jsonable(value: Any) -> Any:
    """The value as something that JSON has: NaN and infinity become null, bytes escaped text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, Mapping):
        return {_key(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(v) for v in value]
    return _plain_text(value)


def to_cell(value: Any) -> tuple[str, bool]:
    """What a table shows for a value, and whether it is a number."""
    if value is None:
        return "", False
    if isinstance(value, bool):
        return str(value).lower(), False
    if isinstance(value, int | Decimal):
        return str(value), True
    if isinstance(value, float):
        return _number(value), True
    return _cut(visible(_to_text(value))), False


def to_csv_cell(value: Any, *, is_terminal: bool = False) -> str:
    """A CSV cell: null is empty, an empty text is quoted, and no text can pass for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return str(value)
    text = _to_text(value)
    # What looks guarded is guarded again: taking one quote off then gives every text back.
    if text.lstrip(_UNSEEN).startswith(_FORMULA):
        text = "'" + text
    if is_terminal:
        text = visible(text)
    if not text or any(c in text for c in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _write_pieces(pieces: Iterator[str]) -> None:
    while chunk := "".join(itertools.islice(pieces, _CHUNK)):
        # With colour, because click would take what looks like colour out of the data otherwise.
        click.echo(chunk, nl=False, color=True)


def _json_pieces(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    names = distinct(columns)
    before = "[\n"
    for row in rows:
        record = dict(zip(names, map(jsonable, row), strict=True))
        # Pure ASCII: no control character, and no trouble with any locale.
        yield before + json.dumps(record, allow_nan=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _csv_pieces(columns: Sequence[str], rows: Iterable[Row], *, is_terminal: bool) -> Iterator[str]:
    for row in itertools.chain([columns], rows):
        line = ",".join(to_csv_cell(value, is_terminal=is_terminal) for value in row)
        # A lone null would be an empty line, which readers skip.
        yield (line or '""') + "\n"


def _to_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return json.dumps(jsonable(value), allow_nan=False, ensure_ascii=False)
    return _plain_text(value)


def _plain_text(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return "".join(chr(b) if chr(b).isprintable() and b < 128 else f"\\x{b:02x}" for b in bytes(value))
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return str(value)


def _key(value: Any) -> str:
    return value if isinstance(value, str) else _to_text(value)


def _decimal(value: Decimal) -> Any:
    if not value.is_finite():
        return None
    is_whole = value.adjusted() < _MAX_DIGITS and value == value.to_integral_value()
    return int(value) if is_whole else jsonable(float(value))


def _number(value: float) -> str:
    """Four places are enough to look at; JSON and CSV hold all of them."""
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size and not 0.001 <= size < _MAX_PLAIN:
        return f"{value:.4g}"
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"
