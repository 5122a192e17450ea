"""Which format an object has, told by its first lines."""

from __future__ import annotations

import json
import re
from typing import Literal

from loglode.errors import UsageError
from loglode.formats.base import Format
from loglode.formats.combined import CombinedFormat
from loglode.formats.json_lines import JsonFormat

JSON, COMBINED = JsonFormat(), CombinedFormat()
# `common` is `combined` without its last two parts; one reader serves both.
FORMATS: dict[str, Format] = {"json": JSON, "combined": COMBINED, "common": COMBINED}
SAMPLE_LINES = 50
_CLF = re.compile(rb'^(?:\S+ )?\S+ \S+ .*?\[[^\]]+\] "')


def detect_format(sample: bytes, wanted: str = "auto") -> Format:
    """The format of an object whose first bytes are `sample`; JSON when nothing speaks for another.

    Raises UsageError for an unknown name.
    """
    if named := named_format(wanted):
        return named
    lines = [line for line in sample.split(b"\n")[:SAMPLE_LINES] if line.strip()]
    matches = sum(1 for line in lines if _CLF.match(line))
    starts = sum(1 for line in lines if line.lstrip().startswith((b"{", b"[")))
    return COMBINED if matches > starts else JSON


def named_format(wanted: str) -> Format | None:
    """The format of a name; None for auto. Raises UsageError for an unknown name."""
    if wanted == "auto":
        return None
    if wanted not in FORMATS:
        raise UsageError(f"unknown format {wanted!r}", hint=f"one of auto, {', '.join(FORMATS)}")
    return FORMATS[wanted]


def json_layout(sample: bytes) -> Literal["lines", "array", "values"]:
    """How JSON values stand in an object: one a line, in an array, or over several lines each.

    A file of which any early line is a whole object by itself is read line by line, so that one
    broken line can never swallow its neighbours. So is text that merely begins with a bracket.
    """
    text = sample.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if text.startswith("["):
        return "array" if _is_array(text) else "lines"
    if not text.startswith("{") or _has_whole_line(text):
        return "lines"
    return "lines" if _after_value(text, 0) is None else "values"


def _is_array(text: str) -> bool:
    """An array of objects, as far as the sample goes, or a whole array of whatever else."""
    begin = len(text) - len(text[1:].lstrip())
    if not text.startswith("{", begin):
        return _after_value(text, 0) == ""
    after = _after_value(text, begin)
    return not _has_whole_line(text) if after is None else after in ("", ",", "]")


def _after_value(text: str, start: int) -> str | None:
    """What follows the JSON value at a place: a character or nothing; None where there is no value."""
    try:
        _, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return text[end:].lstrip()[:1]


def _has_whole_line(text: str) -> bool:
    return any(_is_object(line) for line in text.split("\n")[:SAMPLE_LINES])


def sample_keys(sample: bytes) -> frozenset[str]:
    """Top-level keys of the JSON objects among the first lines."""
    keys: set[str] = set()
    for line in sample.decode("utf-8", "replace").lstrip("\ufeff").split("\n")[:SAMPLE_LINES]:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            keys |= value.keys()
    return frozenset(keys)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
