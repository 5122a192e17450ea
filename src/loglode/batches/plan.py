"""Which objects are new, and how they are cut into batches."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from loglode.errors import SourceError
from loglode.formats import Format, Head, look
from loglode.lake import Lake
from loglode.lake.log import recorded_transactions
from loglode.sources import SourceObject

SAMPLE_BYTES = 1 << 16
COMPRESSED_FACTOR = 10
OBJECT_PREFIX = "object/"


@dataclass(frozen=True, slots=True)
class PlannedObject:
    """An object, and what its first bytes say about it."""

    source: SourceObject
    head: Head

    @property
    def format(self) -> Format:
        return self.head.format

    def open(self) -> BinaryIO:
        """Its bytes, one record a line. Raises SourceError."""
        return self.head.cut(self.source.open())

    @property
    def app_id(self) -> str:
        """Name of the application transaction that records it as consumed."""
        return OBJECT_PREFIX + self.source.identity


@dataclass(frozen=True, slots=True)
class Batch:
    """Objects of one format that are loaded and committed together."""

    objects: tuple[PlannedObject, ...]

    @property
    def format(self) -> Format:
        return self.objects[0].format

    @property
    def known_keys(self) -> frozenset[str]:
        return frozenset().union(*(o.head.keys for o in self.objects))

    @property
    def batch_id(self) -> str:
        """Hash of the objects' identities: the same batch has the same name wherever it is cut."""
        names = "\n".join(sorted(o.source.identity for o in self.objects))
        return hashlib.sha256(names.encode()).hexdigest()[:20]


def new_objects(lake: Lake, objects: Sequence[SourceObject]) -> list[SourceObject]:
    """Objects that silver has not consumed yet."""
    if not lake.silver.exists:
        return list(objects)
    ids = {OBJECT_PREFIX + o.identity for o in objects}
    done = recorded_transactions(lake.silver.root, ids)
    return [o for o in objects if OBJECT_PREFIX + o.identity not in done]


def cut_batches(
    objects: Sequence[SourceObject],
    *,
    wanted_format: str,
    batch_bytes: int,
    on_failure: Callable[[SourceObject, SourceError], None],
) -> Iterator[Batch]:
    """Batches of one format each, in the objects' order, cut where `batch_bytes` is passed.

    A stream is a batch of its own: others may load a part of a batch, and the rest is then read
    again, which a stream cannot be.

    An object that cannot be opened is reported and left out, so that it never holds up the others.
    """
    open_batches: dict[str, list[PlannedObject]] = {}
    sizes: dict[str, int] = {}
    for source in objects:
        try:
            planned, weight = _look_at(source, wanted_format)
        except SourceError as error:
            on_failure(source, error)
            continue
        if source.is_stream:
            yield Batch((planned,))
            continue
        name = planned.format.name
        open_batches.setdefault(name, []).append(planned)
        sizes[name] = sizes.get(name, 0) + weight
        if sizes[name] >= batch_bytes:
            yield Batch(tuple(open_batches.pop(name)))
            sizes[name] = 0
    for planned_objects in open_batches.values():
        yield Batch(tuple(planned_objects))


def _look_at(source: SourceObject, wanted_format: str) -> tuple[PlannedObject, int]:
    if source.is_stream:
        # A stream can be read once only; its first bytes are looked at without taking them.
        sample = source.peek(SAMPLE_BYTES)
        weight = 0
    else:
        sample, is_compressed = source.head(SAMPLE_BYTES)
        weight = source.size * (COMPRESSED_FACTOR if is_compressed else 1)
    return PlannedObject(source, look(sample, wanted_format)), weight
