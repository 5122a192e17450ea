"""JSON, one object a line (or a record): `from_json` into the contract's aliases, all as text.

The contract knows far more names than any one log uses, and each costs time on every line. So a
line is first read with the names seen at the start of its batch; where the number of keys counted by
the reader differs from the number found, something else is in the line (another name, a null, an
object) and it is read again with all names. The result is the same either way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, cast

from loglode.formats import wrapping
from loglode.formats.base import LINES, SAMPLE_LINES, Format, LineTemplate, sample_lines
from loglode.formats.json_names import (
    OTHERS,
    Names,
    extracted,
    flag,
    inner,
    is_writer,
    list_of,
    quick_of,
    whole_of,
)
from loglode.formats.registry import register
from loglode.formats.writers import WRITERS
from loglode.sources.otlp import OtlpStream
from loglode.sources.records import RecordStream
from loglode.sql import identifier, literal

if TYPE_CHECKING:
    from loglode.contract import Contract

# An IPv6 address and a time are in brackets too.
_BEGINS = re.compile(rb"\s*(?:\{|\[\s*[\[\]{\"])")
# Layouts: elements of arrays, objects of several lines each, and OTLP, where one object holds many records.
ARRAY, VALUES, OTLP = "array", "values", "otlp"
_OTLP = re.compile(r'\{\s*"resourceLogs"\s*:')
_KEY = re.compile(rb'"key"\s*:\s*"([^"\\]+)"')
_AGENT = """replace(replace(agent, '\\', '\\\\'), '"', '\\"')"""
_TEMPLATE = LineTemplate(
    line=f"""concat('{{', CASE WHEN stamp IS NOT NULL THEN concat('"timestamp":"', stamp, '",') END,
      '"request_id":"', request_id, '","remote_addr":"', addr,
      CASE WHEN user_id IS NOT NULL THEN concat('","user_id":"', user_id) END,
      '","method":"', method, '","host":"', host, '","path":"', path,
      CASE WHEN query IS NOT NULL THEN concat('","query":"', query) END,
      '","status":', status, ',"response_time_ms":', took_ms, ',"bytes_sent":', bytes,
      CASE WHEN referrer IS NOT NULL THEN concat(',"referrer":"', referrer, '"') END,
      ',"user_agent":"', {_AGENT}, '","country":"', country, '"}}')""",
    line_bytes=400,
    time_format="%Y-%m-%dT%H:%M:%S.%gZ",
    bad_times=("2026-13-05T10:00:00.000Z", "2026-02-30T08:15:00.000Z", "2026-10-05T25:61:00.000Z"),
    cut="length(whole) - 20",  # before the closing brace
    suffix=".json",
    carries=frozenset({"source_event_id", "response_time_ms", "user_agent"}),
)


@register
class JsonFormat(Format):
    """JSON lines; arrays and concatenated values are cut into lines before they arrive here."""

    title = "JSON: one object a line, arrays of objects, concatenated or pretty-printed objects, OTLP"
    templates: ClassVar = {"json": _TEMPLATE}
    counts_keys = True
    marks_units = True

    def sniff(self, sample: bytes) -> float:
        """The share of lines that begin like JSON; 1 for records of several lines."""
        if self.layout(sample) != LINES:
            return 1.0
        lines = sample_lines(wrapping.unwrapped_sample(sample, is_loose=True))
        return sum(_BEGINS.match(line) is not None for line in lines) / max(len(lines), 1)

    def layout(self, sample: bytes) -> str:
        """An object of which any early line is a whole JSON object by itself is read line by line, so that
        one broken line can never swallow its neighbours. So is text that merely begins with a bracket."""
        text = sample.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
        if _OTLP.match(text):
            return OTLP
        if text.startswith("["):
            return ARRAY if _is_array(text) else LINES
        if not text.startswith("{") or _has_whole_line(text):
            return LINES
        return LINES if _after_value(text, 0) is None else VALUES

    def cut(self, stream: BinaryIO, layout: str) -> BinaryIO:
        records = cast(BinaryIO, RecordStream(stream, is_array=layout == ARRAY))
        return cast(BinaryIO, OtlpStream(records)) if layout == OTLP else records

    def keys(self, sample: bytes) -> frozenset[str]:
        """Top-level keys of the JSON objects among the first lines."""
        if self.layout(sample) == OTLP:
            return frozenset(key.decode("utf-8", "replace") for key in _KEY.findall(sample)) | {
                "timestamp",
                "body",
            }
        sample = wrapping.unwrapped_sample(sample, is_loose=True)
        return frozenset().union(*_objects(sample.decode("utf-8", "replace").lstrip("\ufeff")))

    def looks_like(self) -> str:
        return "(starts_with(line, '{') and json_valid(line))"

    def line(self) -> str:
        is_plain = f"starts_with(text, '{{') and not {wrapping.may_contain('text')}"
        return f"case when {is_plain} then text else {wrapping.unwrapped('text', is_loose=True)} end"

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        names = Names.of(contract, known_keys)
        found = _sum([f"(quick.{identifier(key)} is not null)::integer" for key in names.quick.values()])
        others = f"case when whole is not null then line end, {list_of(names.others)}"
        return [
            {"quick": _from_json([*names.quick.values()])},
            # Here the CASE must be outside: all of the names cost as much for a null as for a text.
            {
                "whole": f"case when {found} <> key_count and quick is not null"
                f" then {_from_json([*names.whole.values()])} end"
            },
            {
                **{inner(r): extracted(f"whole.{identifier(r)}", p) for r, p in names.inside.items()},
                **({OTHERS: f"json_extract_string({others})"} if names.others else {}),
            },
            {flag(writer): is_writer(writer, names) for writer in WRITERS},
        ]

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        names = Names.of(contract, known_keys)
        return {
            f.name: f"case when whole is null then {quick_of(f, names)} else {whole_of(f, names)} end"
            for f in contract.read_fields
        }

    def invalid(self) -> str:
        # Nearly every line begins with the bracket; only the others are trimmed.
        is_object = "case when starts_with(line, '{') then true else starts_with(ltrim(line), '{') end"
        return f"(quick is null or not {is_object})"

    def invalid_reason(self) -> str:
        return "case when json_valid(line) then 'json_not_object' else 'json_invalid' end"


def _sum(terms: list[str]) -> str:
    """A sum of few levels: the engine bounds the depth of an expression, and a contract may have many fields."""
    if len(terms) == 1:
        return terms[0]
    half = len(terms) // 2
    return f"({_sum(terms[:half])} + {_sum(terms[half:])})"


def _from_json(keys: list[str]) -> str:
    """A struct of texts; malformed text gives null (from_json alone would raise).

    TRY goes row by row once a vector has one malformed line, which costs four times as much as the check.
    """
    structure = json.dumps(dict.fromkeys(keys, "VARCHAR"))
    return f"from_json(case when json_valid(line) then line end, {literal(structure)})"


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
    return next(_objects(text), None) is not None


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The first lines that are JSON objects."""
    for line in text.split("\n", SAMPLE_LINES)[:SAMPLE_LINES]:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value
