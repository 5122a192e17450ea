"""Lines of objects, one object after the other, as every engine reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

import pyarrow as pa

from loglode.engines.base import LineObject, Progress, Read
from loglode.errors import LoglodeError, SourceError, StorageError
from loglode.limits import DEFAULT, Limits
from loglode.sources.lines import HEAD_LINES, SCHEMA, LineReader
from loglode.sources.outcomes import Damaged, Failed, Loaded, Outcome, failure
from loglode.sources.shape import Shape


class ObjectBrokeOffError(Exception):
    """An object could not be read to its end, after lines of it were handed to the engine."""

    def __init__(self, identity: str, error: LoglodeError) -> None:
        super().__init__(error.message)
        self.identity, self.error = identity, error


class Reading:
    """One pass over objects, which notes what became of each. Those that `failed` before are left out."""

    def __init__(
        self,
        objects: Sequence[LineObject],
        progress: Progress,
        failed: Mapping[str, Failed] | None = None,
        *,
        head_lines: int = HEAD_LINES,
        limits: Limits = DEFAULT,
    ) -> None:
        self._outcomes: dict[str, Outcome] = dict(failed or {})
        self._objects = [o for o in objects if o.source.identity not in self._outcomes]
        self._progress = progress
        self._head_lines = head_lines
        self._limits = limits
        self._shape = Shape()
        self._total = sum(o.source.size for o in self._objects)
        self._done = 0

    def lines(self) -> pa.RecordBatchReader:
        """All lines. Raises ObjectBrokeOffError when it is too late to leave an object out."""
        return pa.RecordBatchReader.from_batches(SCHEMA, self._batches())

    def result(self) -> Read:
        """What was read, after the last line."""
        read = [outcome for outcome in self._outcomes.values() if isinstance(outcome, Loaded)]
        return Read(sum(r.lines for r in read), sum(r.bytes for r in read), self._shape, self._outcomes)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for planned in self._objects:
            yield from self._object(planned)
            self._done += planned.source.size

    def _object(self, planned: LineObject) -> Iterator[pa.RecordBatch]:
        has_begun = False
        try:
            with planned.open() as stream:
                reader = self._reader(planned, stream)
                for arrow in reader.batches():
                    self._note(planned, reader, arrow)
                    has_begun = True
                    yield arrow
        except (SourceError, StorageError) as error:
            if has_begun:
                raise ObjectBrokeOffError(planned.source.identity, error) from error
            self._outcomes[planned.source.identity] = failure(error)
        else:
            read = Loaded(reader.lines, reader.bytes)
            outcome = Damaged(read.lines, read.bytes, reader.damage) if reader.damage else read
            self._outcomes[planned.source.identity] = outcome

    def _note(self, planned: LineObject, reader: LineReader, arrow: pa.RecordBatch) -> None:
        self._progress("bronze to silver", self._done + min(reader.bytes, planned.source.size), self._total)
        if planned.format.counts_keys:
            self._shape.look(arrow)

    def _reader(self, planned: LineObject, stream: BinaryIO) -> LineReader:
        fmt, source = planned.format, planned.source

        def check(reader: LineReader) -> None:
            stored = 0 if source.is_stream else source.size
            found = {"size": reader.bytes, "lines": reader.lines, "blank": reader.blank}
            self._limits.check(source.display_uri, stored, **found)

        return LineReader(
            planned.source.display_uri,
            stream,
            counts_keys=fmt.counts_keys,
            header_prefix=fmt.header_prefix,
            head_lines=self._head_lines,
            check=check,
        )
