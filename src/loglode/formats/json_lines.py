"""JSON, one object a line (or a record): `from_json` into the contract's aliases, all as text.

The contract knows far more names than any one log uses, and each costs time on every line. So a
line is first read with the names seen at the start of its batch; where the number of keys counted by
the reader differs from the number found, something else is in the line (another name, a null, an
object) and it is read again with all names. The result is the same either way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, cast

from loglode.formats.base import LINES, SAMPLE_LINES, Format, LineTemplate, sample_lines
from loglode.formats.registry import register
from loglode.sources.records import RecordStream
from loglode.sql import identifier, literal

if TYPE_CHECKING:
    from loglode.contract import Alias, Contract, Field

ARRAY, VALUES = "array", "values"  # layouts: elements of arrays, and objects of several lines each
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
    bad_statuses=("999", '"abc"', "0", "-1", "20"),
    cut="length(whole) - 20",  # before the closing brace
    suffix=".json",
    carries=frozenset({"source_event_id", "response_time_ms", "user_agent"}),
)


@register
class JsonFormat(Format):
    """JSON lines; arrays and concatenated values are cut into lines before they arrive here."""

    title = "JSON: one object a line, arrays of objects, concatenated or pretty-printed objects"
    templates: ClassVar = {"json": _TEMPLATE}
    counts_keys = True

    def sniff(self, sample: bytes) -> float:
        """The share of lines that begin like JSON; 1 for records of several lines."""
        if self.layout(sample) != LINES:
            return 1.0
        lines = sample_lines(sample)
        return sum(line.lstrip().startswith((b"{", b"[")) for line in lines) / max(len(lines), 1)

    def layout(self, sample: bytes) -> str:
        """An object of which any early line is a whole JSON object by itself is read line by line, so that
        one broken line can never swallow its neighbours. So is text that merely begins with a bracket."""
        text = sample.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
        if text.startswith("["):
            return ARRAY if _is_array(text) else LINES
        if not text.startswith("{") or _has_whole_line(text):
            return LINES
        return LINES if _after_value(text, 0) is None else VALUES

    def cut(self, stream: BinaryIO, layout: str) -> BinaryIO:
        return cast(BinaryIO, RecordStream(stream, is_array=layout == ARRAY))

    def keys(self, sample: bytes) -> frozenset[str]:
        """Top-level keys of the JSON objects among the first lines."""
        return frozenset().union(*_objects(sample.decode("utf-8", "replace").lstrip("\ufeff")))

    def looks_like(self) -> str:
        return "(starts_with(line, '{') and json_valid(line))"

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        every = _columns(contract)
        known = [key for key in every if key in known_keys] or every[:1]
        found = _sum([f"(quick.{identifier(key)} is not null)::integer" for key in known])
        return [
            {"quick": _from_json(known)},
            # Here the CASE must be outside: all of the names cost as much for a null as for a text.
            {"whole": f"case when {found} <> key_count and quick is not null then {_from_json(every)} end"},
            {_object(root): _if_object(f"whole.{identifier(root)}") for root in _roots(contract)},
        ]

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        every = _columns(contract)
        known = [key for key in every if key in known_keys] or every[:1]
        return {
            f.name: f"case when whole is null then {_quick(f, known)} else {_whole(f, every)} end"
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


def _columns(contract: Contract) -> list[str]:
    """Top-level keys to read: whole dotted names and first parts of paths. A struct cannot hold two
    names that differ in case alone; the later one is looked up in the text where needed."""
    columns: dict[str, str] = {}
    for field in contract.read_fields:
        for alias in field.aliases:
            for key in {alias.path[0], alias.name}:
                columns.setdefault(key.lower(), key)
    return sorted(columns.values())


def _quick(field: Field, columns: list[str]) -> str:
    values = [v for alias in field.aliases for v in _values(alias, "quick", columns)]
    present = [f"nullif(nullif({value}, ''), '-')" for value in values]
    return f"coalesce({', '.join([*present, 'null::varchar'])})"


def _whole(field: Field, columns: list[str]) -> str:
    """The first value that says something. A list, because its plan is far smaller than a coalesce's."""
    values = [v for alias in field.aliases for v in _values(alias, "whole", columns)]
    says_nothing = "x in ('', '-') or starts_with(x, '{')"
    return f"list_filter([{', '.join(values)}], lambda x: not ({says_nothing}))[1]"


def _roots(contract: Contract) -> list[str]:
    """First parts of the paths that lead into an object."""
    paths = [alias.path for field in contract.read_fields for alias in field.aliases]
    return sorted({path[0] for path in paths if len(path) > 1} & set(_columns(contract)))


def _object(root: str) -> str:
    """The column that contains the object under a key."""
    return f"object {root}"


def _if_object(text: str) -> str:
    """A text that is an object; null for any other. Of a text that only begins like one, the engine raises."""
    return f"case when starts_with({text}, '{{') then case when json_valid({text}) then {text} end end"


def _values(alias: Alias, struct: str, columns: list[str]) -> list[str]:
    """Texts under which the alias may be found: as one (dotted) key, then as a path into an object."""
    values = []
    whole, root = alias.name, alias.path[0]
    if whole in columns:
        values.append(f"{struct}.{identifier(whole)}")
    elif struct == "whole" and len(alias.path) == 1:
        values.append(f"json_extract_string(line, {_path((whole,))})")
    if struct == "whole" and len(alias.path) > 1 and root in columns:
        values.append(_nested(identifier(_object(root)), alias.path[1:]))
    return [in_milliseconds(value, alias.unit) for value in values]


def _nested(column: str, path: tuple[str, ...]) -> str:
    """A value inside an object; headers come as arrays of one: ["curl/8"]."""
    first = f"json_extract_string({column}, {_path(path, '[0]')})"
    plain = f"json_extract_string({column}, {_path(path)})"
    return f"coalesce({first}, {plain})"


def _path(parts: tuple[str, ...], end: str = "") -> str:
    return literal("$" + "".join(f'."{part}"' for part in parts) + end)


def in_milliseconds(text: str, unit: str | None) -> str:
    """Convert a duration given in `unit`; what is no number stays as it is and is refused later."""
    factors = {"s": "1000.0", "us": "0.001", "ns": "0.000001"}
    if unit not in factors:
        return text
    return f"coalesce(round(try_cast({text} as double) * {factors[unit]}, 6)::varchar, {text})"


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
