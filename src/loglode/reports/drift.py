"""Drift: which fields lines began or ceased to carry, or carry with another type, batch by batch.

Works on what batches recorded of a sample of their lines; nothing here can hold up or refuse a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from loglode.sources.shape import OTHER

# Lines looked at before anything is called usual, and the share of them that makes a field steady.
LEAST_LINES, STEADY = 12, 0.5


@dataclass(frozen=True, slots=True)
class Sighting:
    """A field with a type in a batch: lines of the sample that carry it, the first and last of them."""

    name: str
    type: str
    lines: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class BatchFields:
    """What one batch carried; `looked_at` is the size of the sample."""

    batch_id: str
    started_at: str
    looked_at: int
    sightings: tuple[Sighting, ...]

    def of(self, name: str) -> Sighting:
        """All types of a field together; `type` names them in the order of their first sight."""
        found = sorted((s for s in self.sightings if s.name == name), key=lambda s: s.first)
        return Sighting(
            name,
            ", ".join(s.type for s in found),
            sum(s.lines for s in found),
            found[0].first,
            max(s.last for s in found),
        )


@dataclass(frozen=True, slots=True)
class Drift:
    """One change. `field` is the name in the logs; `before` and `after` are types, or names if renamed."""

    batch_id: str
    started_at: str
    change: Literal["new", "missing", "retyped", "renamed"]
    field: str
    before: str
    after: str


@dataclass(slots=True)
class _History:
    """All batches so far."""

    looked_at: int = 0
    lines: dict[str, int] = field(default_factory=dict)
    types: dict[str, list[str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    @property
    def is_enough(self) -> bool:
        return self.looked_at >= LEAST_LINES

    def is_steady(self, name: str) -> bool:
        return self.is_enough and self.lines.get(name, 0) >= STEADY * self.looked_at

    def add(self, batch: BatchFields) -> None:
        self.looked_at += batch.looked_at
        for seen in batch.sightings:
            self.lines[seen.name] = self.lines.get(seen.name, 0) + seen.lines
            if seen.type not in self.types.setdefault(seen.name, []):
                self.types[seen.name].append(seen.type)


def drifts(batches: Iterable[BatchFields]) -> list[Drift]:
    """Changes in the order of the batches, each reported once; the first batch shows changes within it."""
    history = _History()
    found: list[Drift] = []
    for batch in batches:
        found += _changes(batch, history)
        history.add(batch)
    return found


def _changes(batch: BatchFields, history: _History) -> Iterator[Drift]:
    names = {s.name for s in batch.sightings} - {OTHER}
    new = {n for n in names if n not in history.types and _is_new(batch.of(n), batch, history)}
    stopped = {n for n in names if _stops(batch.of(n), batch)}
    absent = {n for n in history.types if n not in names and n != OTHER and history.is_steady(n)}
    absent = absent - history.gone if batch.looked_at >= LEAST_LINES else set()
    history.gone = (history.gone - names) | absent | stopped
    missing = stopped | absent
    if len(new) == len(missing) == 1 and _types(batch, history, *new) == _types(batch, history, *missing):
        yield _drift(batch, "renamed", *missing, before=next(iter(missing)), after=next(iter(new)))
        new, missing = set(), set()
    for name in sorted(new):
        yield _drift(batch, "new", name, after=batch.of(name).type)
    for name in sorted(missing):
        yield _drift(batch, "missing", name, before=_types(batch, history, name))
    for name in sorted(names):
        known = history.types.get(name, [])
        types = batch.of(name).type.split(", ")
        added = [t for t in types if t not in known]
        if known and added:
            yield _drift(batch, "retyped", name, before=", ".join(known), after=", ".join(added))
        elif not known and len(types) > 1:
            yield _drift(batch, "retyped", name, before=types[0], after=", ".join(types[1:]))


def _is_new(seen: Sighting, batch: BatchFields, history: _History) -> bool:
    """Known batches lacked it; in a first batch, it was not there for a while and then steadily was."""
    if history.is_enough:
        return True
    return seen.first > LEAST_LINES and seen.lines >= STEADY * (batch.looked_at - seen.first + 1)


def _stops(seen: Sighting, batch: BatchFields) -> bool:
    """Steadily there, and then not for a while, to the end of the batch."""
    return seen.last >= LEAST_LINES <= batch.looked_at - seen.last and seen.lines >= STEADY * seen.last


def _types(batch: BatchFields, history: _History, name: str) -> str:
    known = history.types.get(name)
    return ", ".join(known) if known else batch.of(name).type


def _drift(
    batch: BatchFields,
    change: Literal["new", "missing", "retyped", "renamed"],
    name: str,
    *,
    before: str = "",
    after: str = "",
) -> Drift:
    return Drift(batch.batch_id, batch.started_at, change, name, before, after)
