"""An object's bytes as they are stored: from a file, from standard input, or from S3.

Every error leaves here as one of ours and names the object, so that no layer above can take an I/O error
for the end of the data. An object that ends before its listed size is an error as well.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

from loglode.errors import ObjectGoneError, StorageError
from loglode.sources.outcomes import read_error
from loglode.storage import S3Path, read_range

# Bytes of an object on S3 that come with the first request: most objects are no larger.
FIRST_BYTES = 1 << 20
_PIECE_BYTES = 8 << 20


@contextlib.contextmanager
def reading(uri: str) -> Iterator[None]:
    """Raise errors of the system and of object storage as the object's own (see `read_error`)."""
    try:
        yield
    except (OSError, StorageError) as error:
        raise read_error(uri, error) from error


class RawFile(io.RawIOBase):
    """A file or standard input.

    A file ends at the size that was listed, so that a growing log is read in one state.
    """

    def __init__(self, uri: str, stream: io.RawIOBase, size: int | None) -> None:
        self._uri, self._stream, self._left = uri, stream, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))[: self._left]
        if not len(view):
            return 0
        with reading(self._uri):
            count = self._stream.readinto(view) or 0
        if self._left is not None:
            if not count:
                raise _shorter(self._uri, self._left)
            self._left -= count
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


@dataclass(frozen=True, slots=True)
class S3State:
    """One object on S3 in the state that was listed: every request asks for that state and no other."""

    uri: str
    size: int
    etag: str
    version: str

    def fetch(self, start: int, size: int) -> bytes:
        """Bytes from `start`, at most `size` of them. Raises LoglodeError, and if any are missing."""
        count = min(size, self.size - start)
        if count <= 0:
            return b""
        with reading(self.uri):
            path = S3Path.parse(self.uri)
            data = read_range(path, self.etag, self.version, start=start, size=count)
        if len(data) != count:
            raise _shorter(self.uri, count - len(data))
        return data


class RawOnS3(io.RawIOBase):
    """An object on S3, by ranged requests: its first bytes are given, the next piece is fetched ahead."""

    def __init__(self, state: S3State, first: bytes) -> None:
        self._state = state
        self._piece = memoryview(first)
        self._end = len(first)  # of what was fetched or is being fetched
        self._pool: ThreadPoolExecutor | None = None
        self._ahead: Future[bytes] | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        if not len(self._piece):
            self._piece = memoryview(self._next_piece())
        count = min(len(view), len(self._piece))
        view[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        super().close()

    def _next_piece(self) -> bytes:
        piece = self._ahead.result() if self._ahead is not None else self._fetch()
        self._ahead = None
        if self._end < self._state.size:
            self._pool = self._pool or ThreadPoolExecutor(1)
            self._ahead = self._pool.submit(self._fetch)
        return piece

    def _fetch(self) -> bytes:
        data = self._state.fetch(self._end, _PIECE_BYTES)
        self._end += len(data)
        return data


def _shorter(uri: str, missing: int) -> ObjectGoneError:
    return ObjectGoneError(
        f"cannot read {uri}: it is {missing:,} bytes shorter than when it was listed",
        hint="it was truncated or replaced; run again to load its present state",
    )
