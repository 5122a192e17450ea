"""The keys of a JSON line: which are read for each field, and what the program that wrote it means by them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loglode.contract import Alias
from loglode.formats.durations import with_unit
from loglode.formats.writers import MARKERS, WRITERS, Writer
from loglode.sql import identifier, literal

if TYPE_CHECKING:
    from loglode.contract import Contract, Field

_SIMPLE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_MAX_UNREAD, _MAX_SPELLINGS = 64, 4


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
        # The contract's own spelling comes first: a name in another case never replaces it.
        exact = keys | MARKERS
        for key in sorted(known_keys, key=lambda key: (key not in exact, key)):
            if key.lower() in own or _SIMPLE.fullmatch(key):
                spelled.setdefault(key.lower(), []).append(key)
        read = {low: found for low, found in spelled.items() if low in own}
        # Names that nothing reads are counted: a line of known names alone is read with less work.
        unread = dict([(low, found) for low, found in spelled.items() if low not in own][:_MAX_UNREAD])
        quick = {low: found[0] for low, found in sorted((read | unread).items())}
        if not read:
            quick |= {low: found[0] for low, found in [*own.items()][:1]}
        every = {low: [*found, *read.get(low, ())[:_MAX_SPELLINGS]] for low, found in sorted(own.items())}
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


def flag(writer: Writer) -> str:
    """The column that says whether a line is of a program."""
    return f"by {writer.name}"


def is_writer(writer: Writer, names: Names) -> str:
    """Boolean expression, never null: the line has the keys of a program."""

    def spelled(name: str, struct: str) -> list[str]:
        return _values(Alias((name,), None), struct, names)

    def has(struct: str) -> str:
        groups = [
            [f"{v} is not null" for name in group for v in spelled(name, struct)] for group in writer.keys
        ]
        lacks = [f"{v} is null" for name in writer.lacks for v in spelled(name, struct)]
        return " and ".join([*(f"({' or '.join(group) or 'false'})" for group in groups), *lacks])

    quick = has("quick")
    return f"case when whole is null then {'false' if '(false)' in quick else quick} else {has('whole')} end"


def quick_of(field: Field, names: Names) -> str:
    """The first value that says something, among the keys seen before."""
    values = _field_values(field, "quick", names)
    present = [f"nullif(nullif({value}, ''), '-')" for value in values]
    if field.name == "user_agent" and values:
        # A name without a value: the client sent none. No name: it is not known.
        present.append(f"case when coalesce({', '.join(values)}) is not null then '' end")
    return f"coalesce({', '.join([*present, 'null::varchar'])})"


def whole_of(field: Field, names: Names) -> str:
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
            read = _measured(field, Alias((name,), unit or None), struct, names)
            values += [_if(flag(writer), v) for v in read]
    for alias in field.aliases:
        avoid = [
            flag(writer)
            for writer in WRITERS
            if alias.name.lower() in writer.ignores.get(field.name, ())
            and (struct == "whole" or _may_be(writer, names))
        ]
        for value in _measured(field, alias, struct, names):
            values.append(_if(" or ".join(map(identifier, avoid)), value, is_not=True) if avoid else value)
    quoting = [w for w in WRITERS if w.quoted and (struct == "whole" or _may_be(w, names))]
    if field.name in ("referrer", "user_agent") and quoting:
        is_quoted = " or ".join(identifier(flag(writer)) for writer in quoting)
        values = [f"case when {is_quoted} then trim({value}, '\"') else {value} end" for value in values]
    return values


def _measured(field: Field, alias: Alias, struct: str, names: Names) -> list[str]:
    """The alias's texts, beside their unit where the field's names carry one."""
    values = _values(alias, struct, names)
    has_units = any(other.unit for other in field.aliases)
    return [with_unit(value, alias.unit) for value in values] if has_units else values


def _may_be(writer: Writer, names: Names) -> bool:
    return all(any(name.lower() in names.quick for name in group) for group in writer.keys)


def _if(flag: str, value: str, *, is_not: bool = False) -> str:
    condition = f"not ({flag})" if is_not else identifier(flag)
    return f"case when {condition} then {value} end"


OTHERS = "other keys"


def inner(root: str) -> str:
    """The column that contains a list of what is inside the object under a key."""
    return f"inside {root}"


def _ends(alias: Alias) -> tuple[str, str]:
    return _path(alias.path[1:], "[0]"), _path(alias.path[1:])


def extracted(text: str, paths: list[str]) -> str:
    """Texts at paths inside of an object, by one call: each parses the text, and keeps the memory that this takes.

    A text that only begins like an object is none; the engine would raise.
    """
    valid = f"case when starts_with({text}, '{{') then case when json_valid({text}) then {text} end end"
    return f"json_extract_string({valid}, {list_of(paths)})"


def _values(alias: Alias, struct: str, names: Names) -> list[str]:
    """Texts under which the alias may be found: as one (dotted) key, then as a path into an object."""
    values = []
    if column := names.column(struct, alias.name):
        values.append(column)
    if struct == "whole":
        values += [_item(OTHERS, names.others, path) for path in names.spellings(alias.name)]
        if len(alias.path) > 1:
            root = names.whole[alias.path[0].lower()]
            column, paths = inner(root), names.inside[root]
            values.append(f"coalesce({', '.join(_item(column, paths, end) for end in _ends(alias))})")
    return values


def _item(column: str, paths: list[str], path: str) -> str:
    return f"{identifier(column)}[{paths.index(path) + 1}]"


def list_of(paths: list[str]) -> str:
    """A list of expressions."""
    return f"[{', '.join(paths)}]"


def _path(parts: tuple[str, ...], end: str = "") -> str:
    return literal("$" + "".join(f'."{part}"' for part in parts) + end)
