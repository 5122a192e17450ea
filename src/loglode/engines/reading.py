"""Lines of objects, one object after the other, as every engine reads them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa

from loglode.engines.base import LineObject, Progress, Read
from loglode.errors import SourceError
from loglode.sources.lines import LineReader

SAMPLE_BATCHES = 1


def sample_lines(objects: Sequence[LineObject]) -> list[pa.RecordBatch]:
    """The first lines of each object, to learn the agents from."""
    found = []
    for planned in objects:
        if planned.source.is_stream:
            continue
        with contextlib.suppress(SourceError), planned.open() as stream:
            for arrow, _ in zip(_reader(planned, stream).batches(), range(SAMPLE_BATCHES), strict=False):
                found.append(arrow)
    return found


def read_lines(objects: Sequence[LineObject], read: Read, progress: Progress) -> Iterator[pa.RecordBatch]:
    """All lines; `read` is kept while they stream through the engine."""
    total = sum(o.source.size for o in objects)
    read_before = 0
    for planned in objects:
        try:
            opened = planned.open()
        except SourceError as error:
            read.gone[planned.source.identity] = error
            continue
        with opened as stream:
            reader = _reader(planned, stream)
            for arrow in reader.batches():
                progress("bronze to silver", read_before + min(reader.bytes, planned.source.size), total)
                if planned.format.counts_keys:
                    read.shape.look(arrow)
                yield arrow
        read.lines += reader.lines
        read.bytes += reader.bytes
        read_before += planned.source.size


def _reader(planned: LineObject, stream: BinaryIO) -> LineReader:
    fmt = planned.format
    return LineReader(
        planned.source.display_uri, stream, counts_keys=fmt.counts_keys, header_prefix=fmt.header_prefix
    )
