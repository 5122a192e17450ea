"""A bronze object: where it is, which state of it we mean, and its bytes as a stream."""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import sys
import zlib
from dataclasses import dataclass
from typing import BinaryIO, cast

import zstandard

from loglode.errors import SourceError

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BUFFER = 1 << 20
DAMAGE = (EOFError, zlib.error, zstandard.ZstdError)


@dataclass(frozen=True, slots=True)
class SourceObject:
    """One object in one state. `size` is in bytes as stored, `modified_ns` in nanoseconds since 1970."""

    uri: str
    size: int
    modified_ns: int
    is_stream: bool = False

    @property
    def identity(self) -> str:
        """Equal exactly when it is the same object in the same state (path, size, time of change)."""
        text = f"{self.uri}\0{self.size}\0{self.modified_ns}"
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]

    @property
    def display_uri(self) -> str:
        """The uri as text that any table can hold: file names may be any bytes."""
        return self.uri.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

    def open(self) -> BinaryIO:
        """Open for reading, decompressed. Reads no further than the size seen when it was found.

        Raises SourceError if it cannot be opened.
        """
        return decompress(self._open_raw())

    def head(self, count: int) -> tuple[bytes, bool]:
        """The first bytes, decompressed as far as they can be, and whether the object is compressed."""
        raw = self._open_raw()
        is_compressed = raw.peek(4)[:4].startswith((_GZIP, _ZSTD))
        with decompress(raw) as stream:
            try:
                return stream.read(count), is_compressed
            except (*DAMAGE, OSError):
                return b"", is_compressed

    def peek(self, count: int) -> bytes:
        """The first bytes of standard input, left in place; compressed input is read as JSON lines."""
        return self._open_raw().peek(count)[:count]

    def _open_raw(self) -> io.BufferedReader:
        if self.is_stream:
            return _standard_input()
        try:
            return io.BufferedReader(_Limited(open(self.uri, "rb", buffering=0), self.size), _BUFFER)
        except OSError as error:
            raise SourceError(f"cannot read {self.display_uri}: {error.strerror}") from error


@functools.cache
def _standard_input() -> io.BufferedReader:
    """One reader for the process, because what it has read ahead is nowhere else."""
    return io.BufferedReader(sys.stdin.buffer.raw if hasattr(sys.stdin.buffer, "raw") else sys.stdin.buffer, _BUFFER)


class _Limited(io.RawIOBase):
    """A file that ends where it ended when it was listed, so a growing log is read in one state."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._left = stream, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))[: self._left]
        count = cast(io.RawIOBase, self._stream).readinto(view) if len(view) else 0
        self._left -= count or 0
        return count or 0

    def close(self) -> None:
        self._stream.close()
        super().close()


def decompress(stream: io.BufferedReader) -> BinaryIO:
    """Undo gzip or zstd, told by the first bytes and not by the name."""
    head = stream.peek(4)[:4]
    if head.startswith(_GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb"))
    if head.startswith(_ZSTD):
        return cast(BinaryIO, zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True))
    return cast(BinaryIO, stream)
