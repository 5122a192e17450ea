"""Which objects are new, and how they are cut into batches."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from loglode.batches.ledger import Ledger
from loglode.errors import SourceError, StorageError
from loglode.formats import Format, Head, look
from loglode.lake import Lake
from loglode.sources import SourceObject
from loglode.sources.outcomes import Failed, Left, failure
from loglode.sources.raw import Mark

SAMPLE_BYTES = 1 << 16
COMPRESSED_FACTOR = 10
OBJECT_PREFIX = "object/"


@dataclass(frozen=True, slots=True)
class PlannedObject:
    """An object, and what its first bytes say about it.

    `weight` is about its size in bytes when decompressed; `kept` and `marks` are for `SourceObject.open`.
    """

    source: SourceObject
    head: Head
    weight: int
    kept: Path | None = None
    marks: tuple[Mark, ...] = ()

    @property
    def format(self) -> Format:
        return self.head.format

    def open(self) -> BinaryIO:
        """Its bytes, one record a line. Raises LoglodeError, as does every read."""
        return self.head.cut(self.source.open(self.kept, self.marks))


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
    silver = lake.silver.newest()
    if silver is None:
        return list(objects)
    done = silver.recorded({app_id(o) for o in objects})
    return [o for o in objects if app_id(o) not in done]


def app_id(source: SourceObject) -> str:
    """Name of the application transaction that records an object as consumed."""
    return OBJECT_PREFIX + source.identity


class Plan:
    """Cuts objects into batches, each only when it is requested: no object is opened before that.

    A batch has one format, takes objects in their order, and ends where `batch_bytes` is passed. A stream
    is a batch of its own: others may load a part of a batch, and the rest is then read again, which a
    stream cannot be. `folder` stores the first bytes of objects on S3 until they are read. `own_format` is
    the one that the contract describes.
    """

    def __init__(
        self,
        objects: Sequence[SourceObject],
        *,
        wanted_format: str,
        batch_bytes: int,
        folder: Path | None = None,
        own_format: Format | None = None,
    ) -> None:
        self._waiting = deque(objects)
        self._own_format = own_format
        self._wanted_format, self._batch_bytes, self._folder = wanted_format, batch_bytes, folder
        self._open: dict[str, list[PlannedObject]] = {}
        self._weights: Counter[str] = Counter()

    @property
    def is_done(self) -> bool:
        """Whether every object was given out or failed."""
        return not self._waiting and not self._open

    def next_batch(self) -> tuple[Batch | None, Ledger]:
        """The next batch, and the objects that could not be opened on the way. None when no more are left."""
        failed: dict[SourceObject, Failed] = {}
        while self._waiting:
            source = self._waiting.popleft()
            try:
                planned = self._look_at(source)
            except (SourceError, StorageError) as error:
                failed[source] = failure(error)
                continue
            if batch := self._put(planned):
                return batch, Ledger(failed)
        for name in self._open:
            return Batch(tuple(self._open.pop(name))), Ledger(failed)
        return None, Ledger(failed)

    def left(self) -> Ledger:
        """What was not given out yet."""
        opened = [planned.source for group in self._open.values() for planned in group]
        return Ledger({source: Left() for source in (*opened, *self._waiting)})

    def _look_at(self, source: SourceObject) -> PlannedObject:
        first = source.head(SAMPLE_BYTES, self._folder)
        weight = source.size * (COMPRESSED_FACTOR if first.is_compressed else 1)
        head = look(first.sample, self._wanted_format, self._own_format)
        return PlannedObject(source, head, weight, first.kept, first.marks)

    def _put(self, planned: PlannedObject) -> Batch | None:
        """Add to the batch of its format; the batch when it is complete."""
        if planned.source.is_stream:
            return Batch((planned,))
        name = planned.format.name
        self._open.setdefault(name, []).append(planned)
        self._weights[name] += planned.weight
        if self._weights[name] < self._batch_bytes:
            return None
        del self._weights[name]
        return Batch(tuple(self._open.pop(name)))
