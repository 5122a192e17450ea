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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, cast

from loglode.contract import Alias
from loglode.formats import wrapping
from loglode.formats.base import LINES, SAMPLE_LINES, Format, LineTemplate, sample_lines
from loglode.formats.durations import in_milliseconds
from loglode.formats.registry import register
from loglode.formats.writers import MARKERS, WRITERS, Writer
from loglode.sources.records import RecordStream
from loglode.sql import identifier, literal

if TYPE_CHECKING:
    from loglode.contract import Contract, Field

# An IPv6 address and a time are in brackets too.
_BEGINS = re.compile(rb"\s*(?:\{|\[\s*[\[\]{\"])")
_SIMPLE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_MAX_UNREAD, _MAX_SPELLINGS = 64, 4
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
        return sum(_BEGINS.match(line) is not None for line in lines) / max(len(lines), 1)

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

    def line(self) -> str:
        is_plain = f"starts_with(text, '{{') and not {wrapping.may_contain('text')}"
        return f"case when {is_plain} then text else {wrapping.unwrapped('text')} end"

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        names = Names.of(contract, known_keys)
        found = _sum([f"(quick.{identifier(key)} is not null)::integer" for key in names.quick.values()])
        others = f"case when whole is not null then line end, {_list(names.others)}"
        return [
            {"quick": _from_json([*names.quick.values()])},
            # Here the CASE must be outside: all of the names cost as much for a null as for a text.
            {
                "whole": f"case when {found} <> key_count and quick is not null"
                f" then {_from_json([*names.whole.values()])} end"
            },
            {
                **{_inner(r): _extracted(f"whole.{identifier(r)}", p) for r, p in names.inside.items()},
                **({_OTHERS: f"json_extract_string({others})"} if names.others else {}),
            },
            {_flag(writer): _is_writer(writer, names) for writer in WRITERS},
        ]

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        names = Names.of(contract, known_keys)
        return {
            f.name: f"case when whole is null then {_quick(f, names)} else {_whole(f, names)} end"
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
class Names:
    """Top-level keys to read, by their names in lower case: those seen before, and those of the contract.

    A struct cannot hold two names that differ in case alone; the paths to the further spellings are the
    `others`. `inside` are paths inside of the object under a key. Headers come as arrays of one: ["curl/8"].
    """

    quick: dict[str, str]
    whole: dict[str, str]
    others: list[str]
    inside: dict[str, list[str]]

    @classmethod
    def of(cls, contract: Contract, known_keys: frozenset[str]) -> Names:
        own: dict[str, list[str]] = {}
        keys = {key for f in contract.read_fields for a in f.aliases for key in (a.path[0], a.name)}
        for key in (*sorted(keys), *sorted(MARKERS - keys)):
            own.setdefault(key.lower(), []).append(key)
        spelled: dict[str, list[str]] = {}
        for key in sorted(known_keys):
            if key.lower() in own or _SIMPLE.fullmatch(key):
                spelled.setdefault(key.lower(), []).append(key)
        read = {low: found for low, found in spelled.items() if low in own}
        # Names that nothing reads are counted: a line of known names alone is read with less work.
        unread = dict([(low, found) for low, found in spelled.items() if low not in own][:_MAX_UNREAD])
        quick = {low: found[0] for low, found in sorted((read | unread).items())}
        if not read:
            quick |= {low: found[0] for low, found in [*own.items()][:1]}
        every = {low: [*read.get(low, ())[:_MAX_SPELLINGS], *found] for low, found in sorted(own.items())}
        whole = {low: found[0] for low, found in every.items()}
        others = [
            _path((key,)) for found in every.values() for key in dict.fromkeys(found) if key != found[0]
        ]
        inside: dict[str, dict[str, None]] = {}
        for alias in (a for f in contract.read_fields for a in f.aliases if len(a.path) > 1):
            inside.setdefault(whole[alias.path[0].lower()], {}).update(dict.fromkeys(_ends(alias)))
        return cls(quick, whole, others, {root: list(paths) for root, paths in inside.items()})

    def column(self, struct: str, name: str) -> str | None:
        """The struct's column of a name; None where it has none."""
        found = (self.quick if struct == "quick" else self.whole).get(name.lower())
        return None if found is None else f"{struct}.{identifier(found)}"

    def spellings(self, name: str) -> list[str]:
        """Those of `others` that differ from a name in case at most."""
        return [path for path in self.others if path.lower() == _path((name,)).lower()]


def _flag(writer: Writer) -> str:
    return f"by {writer.name}"


def _is_writer(writer: Writer, names: Names) -> str:
    """Boolean expression, never null: the line has the keys of a program."""

    def has(struct: str) -> str:
        groups = []
        for group in writer.keys:
            columns = [c for name in group if (c := names.column(struct, name))]
            groups.append(" or ".join(f"{c} is not null" for c in columns) or "false")
        lacks = [c for name in writer.lacks if (c := names.column(struct, name))]
        return " and ".join([*(f"({g})" for g in groups), *(f"{c} is null" for c in lacks)])

    quick = has("quick")
    return f"case when whole is null then {'false' if '(false)' in quick else quick} else {has('whole')} end"


def _quick(field: Field, names: Names) -> str:
    values = _field_values(field, "quick", names)
    present = [f"nullif(nullif({value}, ''), '-')" for value in values]
    if field.name == "user_agent" and values:
        # A name without a value: the client sent none. No name: it is not known.
        present.append(f"case when coalesce({', '.join(values)}) is not null then '' end")
    return f"coalesce({', '.join([*present, 'null::varchar'])})"


def _whole(field: Field, names: Names) -> str:
    """The first value that says something. A list, because its plan is far smaller than a coalesce's."""
    values = ", ".join(_field_values(field, "whole", names))
    says_nothing = "x in ('', '-') or starts_with(x, '{')"
    found = f"list_filter([{values}], lambda x: not ({says_nothing}))[1]"
    if field.name == "user_agent":
        found = f"coalesce({found}, case when len(list_filter([{values}], lambda x: x in ('', '-'))) > 0 then '' end)"
    return found


def _field_values(field: Field, struct: str, names: Names) -> list[str]:
    """Texts of a field: those that a program means by its names, then those of the contract's aliases."""
    values = []
    for writer in WRITERS:
        if struct == "quick" and not _may_be(writer, names):
            continue
        for text in writer.reads.get(field.name, ()):
            name, _, unit = text.partition(":")
            values += [_if(_flag(writer), v) for v in _values(Alias((name,), unit or None), struct, names)]
    for alias in field.aliases:
        avoid = [
            _flag(writer)
            for writer in WRITERS
            if alias.name.lower() in writer.ignores.get(field.name, ())
            and (struct == "whole" or _may_be(writer, names))
        ]
        for value in _values(alias, struct, names):
            values.append(_if(" or ".join(map(identifier, avoid)), value, is_not=True) if avoid else value)
    quoting = [w for w in WRITERS if w.quoted and (struct == "whole" or _may_be(w, names))]
    if field.name in ("referrer", "user_agent") and quoting:
        is_quoted = " or ".join(identifier(_flag(writer)) for writer in quoting)
        values = [f"case when {is_quoted} then trim({value}, '\"') else {value} end" for value in values]
    return values


def _may_be(writer: Writer, names: Names) -> bool:
    return all(any(name.lower() in names.quick for name in group) for group in writer.keys)


def _if(flag: str, value: str, *, is_not: bool = False) -> str:
    condition = f"not ({flag})" if is_not else identifier(flag)
    return f"case when {condition} then {value} end"


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


def _values(alias: Alias, struct: str, names: Names) -> list[str]:
    """Texts under which the alias may be found: as one (dotted) key, then as a path into an object."""
    values = []
    if column := names.column(struct, alias.name):
        values.append(column)
    if struct == "whole":
        values += [_item(_OTHERS, names.others, path) for path in names.spellings(alias.name)]
        if len(alias.path) > 1:
            root = names.whole[alias.path[0].lower()]
            column, paths = _inner(root), names.inside[root]
            values.append(f"coalesce({', '.join(_item(column, paths, end) for end in _ends(alias))})")
    return [in_milliseconds(value, alias.unit) for value in values]


def _item(column: str, paths: list[str], path: str) -> str:
    return f"{identifier(column)}[{paths.index(path) + 1}]"


def _list(paths: list[str]) -> str:
    return f"[{', '.join(paths)}]"


def _path(parts: tuple[str, ...], end: str = "") -> str:
    return literal("$" + "".join(f'."{part}"' for part in parts) + end)


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
