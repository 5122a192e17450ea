"""An object's bytes as they are stored: from a file, from standard input, or from S3.

Every error leaves here as one of ours and names the object, so that no layer above can take an I/O error
for the end of the data. An object is read in the state that was listed: on S3 every request names that
state, and a file is compared with it at its end.
"""

from __future__ import annotations

import contextlib
import io
import os
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, cast

from loglode.errors import ObjectChangedError, ObjectGrownError, StorageError
from loglode.sources.outcomes import CHANGED_HINT, read_error
from loglode.storage import S3Path, read_range

# Bytes of an object on S3 that come with the first request: most objects are no larger.
FIRST_BYTES = 1 << 20
_PIECE_BYTES = 8 << 20
# Of each block, so much of its beginning and of its end is read again to see whether it changed.
_SAMPLE = 1 << 14


class Mark(NamedTuple):
    """A checksum of stored bytes that were read from a file."""

    start: int
    size: int
    checksum: int


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it was listed. `inode` is 0 where it is not known; `marks` are of bytes read before."""

    size: int
    modified_ns: int
    inode: int = 0
    marks: tuple[Mark, ...] = ()


@contextlib.contextmanager
def reading(uri: str) -> Iterator[None]:
    """Raise errors of the system and of object storage as the object's own (see `read_error`)."""
    try:
        yield
    except (OSError, StorageError) as error:
        raise read_error(uri, error) from error


class RawFile(io.RawIOBase):
    """A file, as far as the size that was listed, or standard input, which has no `state`."""

    def __init__(self, uri: str, stream: io.RawIOBase, state: FileState | None = None) -> None:
        self._uri, self._stream, self._state = uri, stream, state
        self._place = 0
        self._marks = list(state.marks) if state else []

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Checksums of what was read so far."""
        return tuple(self._marks)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        if self._state is None:
            with reading(self._uri):
                return self._stream.readinto(view) or 0
        view = view[: self._state.size - self._place]
        if not len(view):
            return 0
        with reading(self._uri):
            count = self._stream.readinto(view) or 0
        if not count:
            raise _shorter(self._uri, self._state.size - self._place)
        for start in {0, max(count - _SAMPLE, 0)}:
            sample = view[start : min(start + _SAMPLE, count)]
            self._marks.append(Mark(self._place + start, len(sample), zlib.crc32(sample)))
        self._place += count
        return count

    def check(self) -> None:
        """Compare the file with the state that was listed, and with what was read.

        Raises ObjectGrownError if text was only appended, ObjectChangedError for every other change.
        """
        if self._state is None:
            return
        with reading(self._uri):
            file = self._stream.fileno()
            is_same = all(zlib.crc32(os.pread(file, m.size, m.start)) == m.checksum for m in self._marks)
            facts = os.fstat(file)
        listed = self._state
        if is_same and (facts.st_size, facts.st_mtime_ns) == (listed.size, listed.modified_ns):
            return
        if is_same and facts.st_size > listed.size and listed.inode in (0, facts.st_ino):
            raise ObjectGrownError(f"cannot load {self._uri}: it grew while it was read", hint=CHANGED_HINT)
        raise _changed(self._uri, "it changed after it was listed")

    def close(self) -> None:
        self._stream.close()
        super().close()


class FileReader(io.BufferedReader):
    """A file's bytes as they are stored; reading its end compares it with the state that was listed."""

    def __init__(self, raw: RawFile, buffer_size: int) -> None:
        super().__init__(raw, buffer_size)
        self._file = raw

    def read(self, size: int | None = -1, /) -> bytes:
        """As every reader; where nothing is left, raises as `check`."""
        data = super().read(size)
        if not data and size != 0:
            self.check()
        return data

    def check(self) -> None:
        """See `RawFile.check`."""
        self._file.check()


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


def _shorter(uri: str, missing: int) -> ObjectChangedError:
    return _changed(uri, f"it is {missing:,} bytes shorter than when it was listed")


def _changed(uri: str, what: str) -> ObjectChangedError:
    return ObjectChangedError(f"cannot load {uri}: {what}", hint=CHANGED_HINT)
