"""Distinguishes objects that begin alike: logs of several servers, or one log in several states.

Lines without an id of their source are identified by the lines above them, so two logs share the ids of the lines
that both begin with. Where they go on with different lines, they are several logs, and the lines above are events
of each. Where one ends, it is an earlier state of the other. Content alone decides, never a name: logs are renamed,
moved and compressed.

Lines that follow the same lines are *siblings*. Of n siblings, one stands for the rows above under their own ids; each
of the others adds these rows once more, under ids that depend on it. What counts is how many were added, not which
came first: so the number of rows depends neither on how objects fall into batches nor on their order.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from loglode.silver.identity import APART, IN_HEAD, SHARED_DIGITS

# Place of a row: its object and its line.
Place = tuple[str, int]
# Rows of the table whose ids begin with one of these halves: their ids, and their times in microseconds.
Held = Callable[[Collection[str]], Iterable[tuple[str, int]]]
_DAY_MICROS = 86_400_000_000


class HeadRow(NamedTuple):
    """A staged row from the head of an object, with its time in microseconds."""

    object: str
    line: int
    id: str
    micros: int


_Head = list[HeadRow]


def own_ids(staged: Iterable[HeadRow], known: Iterable[str], held: Held) -> dict[Place, str]:
    """New ids for the staged rows that are events of their own, although others have their ids.

    `staged` are all head rows of the objects that may be concerned, `known` the ids in the table that begin as one
    of theirs. `held` is called at most once.
    """
    heads = _heads(staged)
    families = _families(heads, known)
    if not families:
        return {}
    rows = dict(held({half(one) for ids in families.values() for one in ids for half in _HALVES}))
    times = {row.id: row.micros for head in heads for row in head}
    facts = _Facts(rows, times, set(map(_half, (*rows, *times))))
    return _given(heads, set().union(*map(facts.adding, families.values())))


@dataclass(frozen=True, slots=True)
class _Facts:
    """Times of rows of the table and of staged ones, and the halves that their ids begin with."""

    held: Mapping[str, int]
    staged: Mapping[str, int]
    halves: AbstractSet[str]

    def adding(self, family: Iterable[str]) -> set[str]:
        """The staged siblings that are to add the rows above, so that all but one have."""
        found: set[str] = set()
        for siblings in self._by_day(family):
            added = {one for one in siblings if _half_added(one) in self.halves}
            logs = self._logs(siblings)
            # What the table has already may stay as it is, if something new can add the rows.
            able = sorted((one in self.held, one) for one in (logs & self.staged.keys()) - added)
            missing = max(len(logs) - 1 - len(added), 0)
            found |= {one for _, one in able[:missing]}
        return found

    def _by_day(self, ids: Iterable[str]) -> Iterable[set[str]]:
        """Only what is in the same partition is sure to be seen, whatever is loaded first."""
        days: dict[int, set[str]] = defaultdict(set)
        for one in ids:
            days[self._micros(one) // _DAY_MICROS].add(one)
        return days.values()

    def _logs(self, siblings: Iterable[str]) -> set[str]:
        """Those that are lines of different logs.

        A line that was read while it was half written is a sibling of the whole one. It has the same time, and
        nothing follows it. So of siblings with one time, only those count that lines follow, or else a single one.
        """
        instants: dict[int, set[str]] = defaultdict(set)
        for one in siblings:
            instants[self._micros(one)].add(one)
        found: set[str] = set()
        for ids in instants.values():
            found |= {one for one in ids if _half_below(one) in self.halves} or {min(ids)}
        return found

    def _micros(self, id: str) -> int:
        return self.held[id] if id in self.held else self.staged[id]


def _heads(rows: Iterable[HeadRow]) -> list[_Head]:
    """By object, in the order of names and lines."""
    found: dict[str, _Head] = defaultdict(list)
    for row in sorted(rows):
        found[row.object].append(row)
    return list(found.values())


def _families(heads: Iterable[_Head], known: Iterable[str]) -> dict[str, set[str]]:
    """Siblings that have rows above them, by the half that they share."""
    found: dict[str, set[str]] = defaultdict(set)
    for head in heads:
        for row in head[1:]:
            found[_half(row.id)].add(row.id)
    for other in known:
        if _half(other) in found:
            found[_half(other)].add(other)
    return {half: family for half, family in found.items() if len(family) > 1}


def _given(heads: Iterable[_Head], adding: AbstractSet[str]) -> dict[Place, str]:
    """New ids for the rows above each of these lines, in one object.

    An object adds rows for the last such line of its head alone. The lines above that have other objects, in which
    none follows.
    """
    found: dict[Place, str] = {}
    done: set[str] = set()
    for head in heads:
        last = next((row for row in reversed(head) if row.id in adding), None)
        if last is not None and last.id not in done:
            done.add(last.id)
            above = [row for row in head if row.line < last.line]
            found |= {(row.object, row.line): _apart(row.id, last.id) for row in above}
    return found


def _half(id: str) -> str:
    return id[:SHARED_DIGITS]


def _half_below(id: str) -> str:
    """What the ids of lines begin with that follow the line (see `silver.identity.line_id`)."""
    return IN_HEAD + id[SHARED_DIGITS : 2 * SHARED_DIGITS - 1]


def _half_added(id: str) -> str:
    """What the ids of rows begin with that the line adds."""
    return APART + id[SHARED_DIGITS : 2 * SHARED_DIGITS - 1]


_HALVES = (_half, _half_below, _half_added)


def _apart(id: str, sibling: str) -> str:
    """The id of a row that a line below it adds; both ids are keyed hashes."""
    digits = hashlib.md5(f"{id}{sibling}".encode(), usedforsecurity=False).hexdigest()
    return _half_added(sibling) + digits[:SHARED_DIGITS]
