"""Layers: projections over projections, so that every value is computed once and has a name.

A name is `<stage>:<name>`, such as `raw:path` or `ok:status`. No contract field and no column of a format
can have such a name, because theirs hold no colon; so the contract's fields may have any name that the
contract allows. Each layer lists the columns that the layers above it read, and no others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from loglode.sql import identifier

# String literals are skipped: what looks like a name in them is none.
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"((?:[^"]|"")*)"|([A-Za-z_]\w*)""")
_WORD = re.compile(r"\w+")
_FAILED = "is-failed"


def column(stage: str, name: str) -> str:
    """A column of a stage, quoted, for use in an expression."""
    return identifier(f"{stage}:{name}")


@dataclass(frozen=True, slots=True)
class Layer:
    """Columns {name: expression} that a layer adds.

    `join` is a join to what is below. `plain` are names that the expressions of this layer alone may use, for
    those that a user wrote. `made_of` are expressions of all that a column is made of, where its own
    expression reads more: of texts that are worked on together.
    """

    columns: Mapping[str, str]
    join: str = ""
    plain: Mapping[str, str] = field(default_factory=dict)
    made_of: Mapping[str, str] = field(default_factory=dict)

    def named(self, expressions: Iterable[str]) -> dict[str, str]:
        """Those of `plain` whose names are words of the expressions, in whatever case."""
        words = {word.lower() for sql in expressions for word in _WORD.findall(sql)} if self.plain else set()
        return {name: sql for name, sql in self.plain.items() if name in words}


@dataclass(frozen=True)
class Layers:
    """Layers over a relation (its SQL) or over other layers. The first layer alone sees what is below all."""

    below: str | Layers
    layers: tuple[Layer, ...]
    _known: tuple[Mapping[str, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known: list[dict[str, int]] = [{}]
        for layer in self.layers:
            names = dict.fromkeys([*known[-1], *layer.columns])
            known.append({name: place for place, name in enumerate(names)})
        object.__setattr__(self, "_known", tuple(known))

    def add(self, *layers: Layer | Mapping[str, str]) -> Layers:
        """These layers with more on top; those without a column are left out."""
        more = (layer if isinstance(layer, Layer) else Layer(layer) for layer in layers)
        return Layers(self.below, (*self.layers, *(layer for layer in more if layer.columns)))

    def guarded(self) -> tuple[Layers, str]:
        """These layers with no expression that raises, and a boolean expression over them: one would have."""
        below, failed = self.below.guarded() if isinstance(self.below, Layers) else (self.below, "")
        layers: list[Layer] = []
        for layer in self.layers:
            tried = {name: f"try(struct_pack(v := {sql}))" for name, sql in layer.columns.items()}
            values = {name: f"struct_extract({identifier(name)}, 'v')" for name in tried}
            terms = [*([failed] if failed else []), *(f"{identifier(name)} is null" for name in tried)]
            carried = {_FAILED: failed} if failed else {}
            layers += [
                replace(layer, columns=tried | carried),
                Layer({**values, _FAILED: " or ".join(terms)}),
            ]
            failed = identifier(_FAILED)
        return Layers(below, tuple(layers)), failed

    def select(self, outputs: Mapping[str, str]) -> str:
        """The SELECT of these columns {name: expression}, each read from the topmost layer."""
        needed = self._named(outputs.values(), len(self.layers))
        floors: list[tuple[dict[str, str], str]] = [(dict(outputs), "")]
        for place in range(len(self.layers) - 1, -1, -1):
            layer = self.layers[place]
            made = {name: sql for name, sql in layer.columns.items() if name in needed}
            if not made:
                continue
            carried = needed - made.keys()
            kept = {name: identifier(name) for name in sorted(carried, key=self._known[place].__getitem__)}
            needed = carried | self._reads(layer, made.values(), place)
            floors.append((kept | made, layer.join))
            if plain := layer.named(made.values()):
                used = self._named(made.values(), place) - carried
                floors.append((kept | {name: identifier(name) for name in sorted(used)} | plain, ""))
        return self._nested(floors)

    def _nested(self, floors: list[tuple[dict[str, str], str]]) -> str:
        columns, _ = floors.pop()
        if isinstance(self.below, Layers):
            sql = self.below.select(columns)
        else:
            sql = f"select {_items(columns)} from {self.below}"
        for above, join in reversed(floors):
            sql = f"select {_items(above)} from ({sql}){join}"
        return sql

    def trace(self, outputs: Iterable[str], leaf: str) -> tuple[frozenset[str], tuple[str, ...]]:
        """What expressions over the topmost layer are computed from: the names that begin with `leaf`,
        and every expression on the way, the last one first, without those that pass a column on."""
        leaves: set[str] = set()
        made: dict[str, None] = dict.fromkeys(outputs)
        top = len(self.layers)
        waiting = [(top, name) for name in sorted(self._named(made, top))]
        seen = set(waiting)
        while waiting:
            above, name = waiting.pop(0)
            if name.startswith(leaf):
                leaves.add(name)
                continue
            place = max(p for p in range(above) if name in self.layers[p].columns)
            layer = self.layers[place]
            expression = layer.columns[name]
            made.setdefault(expression)
            read = layer.made_of.get(name, expression)
            found = {(place, below) for below in self._reads(layer, [read], place)} - seen
            seen |= found
            waiting += sorted(found)
        passed_on = {identifier(name) for name in self._known[-1]}
        return frozenset(leaves), tuple(sql for sql in made if sql not in passed_on)

    def _reads(self, layer: Layer, expressions: Collection[str], place: int) -> set[str]:
        return self._named([*expressions, *layer.named(expressions).values(), layer.join], place)

    def _named(self, expressions: Iterable[str], place: int) -> set[str]:
        """Columns below a place whose names are in the expressions."""
        known = self._known[place]
        return {name for sql in expressions for name in _names(sql) if name in known}


def _names(sql: str) -> Iterator[str]:
    for quoted, plain in _TOKEN.findall(sql):
        if name := plain or quoted.replace('""', '"'):
            yield name


def _items(columns: Mapping[str, str]) -> str:
    return ", ".join(
        sql if sql == identifier(name) else f"{sql} as {identifier(name)}" for name, sql in columns.items()
    )
