"""A stream of lines in slices, each of which one statement reads.

While a statement runs, DuckDB 1.5 holds on to most Arrow batches that it has read; they are freed
at its end. So a long stream is read by several statements, or it would fill the memory.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator

import pyarrow as pa

_PATIENCE_SECONDS = 2


class Slices:
    """A stream of lines in slices of some bytes.

    DuckDB reports an error of the stream as one of its own, without its class: `error` is the original.
    """

    def __init__(self, lines: Iterable[pa.RecordBatch], size: int) -> None:
        self._lines = iter(lines)
        self.size = size
        self._waiting: deque[pa.RecordBatch] = deque()
        self.error: BaseException | None = None
        # The engine's threads read the stream.
        self.lock = threading.RLock()

    @property
    def is_done(self) -> bool:
        """Whether there are no more lines."""
        return not self._waiting and not self._read_on()

    def beginning(self, size: int) -> list[pa.RecordBatch]:
        """The first lines, about `size` bytes, which stay in the stream."""
        while sum(batch.nbytes for batch in self._waiting) < size and self._read_on():
            pass
        return list(self._waiting)

    def next_slice(self) -> Slice:
        """The next lines."""
        return Slice(self)

    def take(self) -> pa.RecordBatch | None:
        """The next batch; None at the end."""
        return None if self.is_done else self._waiting.popleft()

    def _read_on(self) -> bool:
        """Read a batch; False at the end."""
        try:
            found = next(self._lines, None)
        except BaseException as error:
            self.error = error
            raise
        if found is not None:
            self._waiting.append(found)
        return found is not None


class Slice:
    """Lines that one statement reads, once; they are remembered.

    When a statement fails, a thread of the engine may still be reading: it must have left before this
    process goes on, or ends.
    """

    def __init__(self, slices: Slices) -> None:
        self._slices = slices
        self._taken: list[pa.RecordBatch] = []
        self._bytes = 0
        self._is_stopped = False

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while (batch := self._next()) is not None:
            yield batch

    def stop(self) -> None:
        """Wait for the engine's threads to leave the stream, and let none come back."""
        # Not for ever: a thread may wait for input that never comes.
        is_free = self._slices.lock.acquire(timeout=_PATIENCE_SECONDS)
        self._is_stopped = True
        if is_free:
            self._slices.lock.release()

    @property
    def is_broken(self) -> bool:
        """Whether the stream itself has failed."""
        return self._slices.error is not None

    def read(self) -> list[pa.RecordBatch]:
        """What the statement has read."""
        return self._taken

    def whole(self) -> list[pa.RecordBatch]:
        """All lines, also those that the statement did not get to read."""
        self._is_stopped = False
        for _ in self:
            pass
        self.stop()
        return self._taken

    def _next(self) -> pa.RecordBatch | None:
        with self._slices.lock:
            if self._is_stopped or self._bytes >= self._slices.size:
                return None
            batch = self._slices.take()
            if batch is not None:
                self._bytes += batch.nbytes
                self._taken.append(batch)
            return batch
