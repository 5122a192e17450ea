"""JSON, one object a line (or a record): `from_json` into the contract's aliases, all as text.

The contract knows far more names than any one log uses, and each costs time on every line. So a
line is first read with the names seen at the start of its batch; where the number of keys counted by
the reader differs from the number found, something else is in the line (another name, a null, an
object) and it is read again with all names. The result is the same either way.
"""

from __future__ import annotations

import json

from loglode.contract import Alias, Contract, Field
from loglode.formats.base import literal


class JsonFormat:
    """NDJSON; arrays and concatenated values reach it cut into records already."""

    name = "json"
    counts_keys = True

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        every = _columns(contract)
        known = [key for key in every if key in known_keys] or every[:1]
        found = " + ".join(f"(quick.{_name(key)} is not null)::integer" for key in known)
        return [
            {"quick": _from_json(known)},
            # Here the CASE must be outside: all of the names cost as much for a null as for a text.
            {"whole": f"case when {found} <> key_count and quick is not null then {_from_json(every)} end"},
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
        is_object = "case when starts_with(text, '{') then true else starts_with(ltrim(text), '{') end"
        return f"(quick is null or not {is_object})"

    def invalid_reason(self) -> str:
        return "case when json_valid(text) then 'json_not_object' else 'json_invalid' end"


def _from_json(keys: list[str]) -> str:
    """A struct of texts; malformed text gives null (from_json alone would raise).

    TRY would go row by row once a vector has one malformed line, four times as dear as asking first.
    """
    structure = json.dumps(dict.fromkeys(keys, "VARCHAR"))
    return f"from_json(case when json_valid(text) then text end, {literal(structure)})"


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


def _values(alias: Alias, struct: str, columns: list[str]) -> list[str]:
    """Texts under which the alias may be found: as one (dotted) key, then as a path into an object."""
    values = []
    whole, root = alias.name, alias.path[0]
    if whole in columns:
        values.append(f"{struct}.{_name(whole)}")
    elif struct == "whole" and len(alias.path) == 1:
        values.append(f"json_extract_string(text, {_path((whole,))})")
    if struct == "whole" and len(alias.path) > 1 and root in columns:
        values.append(_nested(f"whole.{_name(root)}", alias.path[1:]))
    return [in_milliseconds(value, alias.unit) for value in values]


def _nested(column: str, path: tuple[str, ...]) -> str:
    """A value inside an object; headers come as arrays of one: ["curl/8"]."""
    first = f"json_extract_string({column}, {_path(path)[:-1]}[0]')"
    plain = f"json_extract_string({column}, {_path(path)})"
    return f"case when starts_with({column}, '{{') then coalesce({first}, {plain}) end"


def _name(key: str) -> str:
    return '"' + key.replace('"', '""') + '"'


def _path(parts: tuple[str, ...]) -> str:
    return literal("$" + "".join(f'."{part}"' for part in parts))


def in_milliseconds(text: str, unit: str | None) -> str:
    """Convert a duration given in `unit`; what is no number stays as it is and is refused later."""
    factors = {"s": "1000.0", "us": "0.001", "ns": "0.000001"}
    if unit not in factors:
        return text
    return f"coalesce(round(try_cast({text} as double) * {factors[unit]}, 6)::varchar, {text})"
