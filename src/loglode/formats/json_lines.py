"""JSON, one object a line (or a record): `from_json` into the contract's aliases, all as text.

The contract knows far more names than any one log uses, and each costs time on every line. So a
line is first read with the names seen at the start of its batch; where the number of keys counted by
the reader differs from the number found, something else is in the line (another name, a null, an
object) and it is read again with all names. The result is the same either way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
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
        names = _Names.of(contract)
        known = names.known(known_keys)
        found = _sum([f"(quick.{identifier(key)} is not null)::integer" for key in known])
        others = f"case when whole is not null then line end, {_list(names.others)}"
        return [
            {"quick": _from_json(known)},
            # Here the CASE must be outside: all of the names cost as much for a null as for a text.
            {
                "whole": f"case when {found} <> key_count and quick is not null then {_from_json(names.columns)} end"
            },
            {
                **{_inner(r): _extracted(f"whole.{identifier(r)}", p) for r, p in names.inside.items()},
                **({_OTHERS: f"json_extract_string({others})"} if names.others else {}),
            },
        ]

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        names = _Names.of(contract)
        known = names.known(known_keys)
        return {
            f.name: f"case when whole is null then {_quick(f, known)} else {_whole(f, names)} end"
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


@dataclass(frozen=True, slots=True)
class _Names:
    """Where values are looked for.

    `columns` are top-level keys: whole dotted names and first parts of paths. A struct cannot hold two names
    that differ in case alone; the paths to the later ones are the `others`. `inside` are paths inside of the
    object under a key. Headers come as arrays of one: ["curl/8"].
    """

    columns: list[str]
    others: list[str]
    inside: dict[str, list[str]]

    @classmethod
    def of(cls, contract: Contract) -> _Names:
        aliases = [alias for field in contract.read_fields for alias in field.aliases]
        first: dict[str, str] = {}
        for alias in aliases:
            for key in {alias.path[0], alias.name}:
                first.setdefault(key.lower(), key)
        columns = set(first.values())
        others = {_path(a.path): None for a in aliases if len(a.path) == 1 and a.name not in columns}
        inside: dict[str, dict[str, None]] = {}
        for alias in aliases:
            if len(alias.path) > 1 and alias.path[0] in columns:
                inside.setdefault(alias.path[0], {}).update(dict.fromkeys(_ends(alias)))
        return cls(sorted(columns), list(others), {root: list(paths) for root, paths in inside.items()})

    def known(self, keys: frozenset[str]) -> list[str]:
        """The columns among keys that were seen; never none."""
        return [key for key in self.columns if key in keys] or self.columns[:1]


_OTHERS = "other keys"


def _inner(root: str) -> str:
    """The column that contains a list of what is inside the object under a key."""
    return f"inside {root}"


def _ends(alias: Alias) -> tuple[str, str]:
    return _path(alias.path[1:], "[0]"), _path(alias.path[1:])


def _extracted(text: str, paths: list[str]) -> str:
    """Texts at paths inside of an object, by one call: each parses the text, and keeps the memory that this takes.

    A text that only begins like an object is none; the engine would raise.
    """
    valid = f"case when starts_with({text}, '{{') then case when json_valid({text}) then {text} end end"
    return f"json_extract_string({valid}, {_list(paths)})"


def _quick(field: Field, known: list[str]) -> str:
    values = [
        in_milliseconds(f"quick.{identifier(a.name)}", a.unit) for a in field.aliases if a.name in known
    ]
    present = [f"nullif(nullif({value}, ''), '-')" for value in values]
    return f"coalesce({', '.join([*present, 'null::varchar'])})"


def _whole(field: Field, names: _Names) -> str:
    """The first value that says something. A list, because its plan is far smaller than a coalesce's."""
    values = [v for alias in field.aliases for v in _values(alias, names)]
    says_nothing = "x in ('', '-') or starts_with(x, '{')"
    return f"list_filter([{', '.join(values)}], lambda x: not ({says_nothing}))[1]"


def _values(alias: Alias, names: _Names) -> list[str]:
    """Texts under which the alias may be found: as one (dotted) key, then as a path into an object."""
    values = []
    if alias.name in names.columns:
        values.append(f"whole.{identifier(alias.name)}")
    elif len(alias.path) == 1:
        values.append(_item(_OTHERS, names.others, _path(alias.path)))
    if len(alias.path) > 1 and alias.path[0] in names.inside:
        column, paths = _inner(alias.path[0]), names.inside[alias.path[0]]
        values.append(f"coalesce({', '.join(_item(column, paths, end) for end in _ends(alias))})")
    return [in_milliseconds(value, alias.unit) for value in values]


def _item(column: str, paths: list[str], path: str) -> str:
    return f"{identifier(column)}[{paths.index(path) + 1}]"


def _list(paths: list[str]) -> str:
    return f"[{', '.join(paths)}]"


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
