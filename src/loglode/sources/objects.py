"""A bronze object: where it is, which state of it we mean, and its bytes as a stream."""

from __future__ import annotations

import functools
import hashlib
import io
import os
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Self, cast

from loglode.errors import LoglodeError, SourceError
from loglode.sources.decompress import decompress, is_compressed
from loglode.sources.kinds import DamageError
from loglode.sources.raw import (
    FIRST_BYTES,
    FileReader,
    FileState,
    Mark,
    RawFile,
    RawOnS3,
    S3State,
    reading,
)
from loglode.storage import SCHEME

_BUFFER = 1 << 20
# Of a file whose state could not be read when it was listed.
UNKNOWN_SIZE = -1


@dataclass(frozen=True, slots=True)
class FirstBytes:
    """The beginning of an object: the first bytes, decompressed as far as they are sound.

    `kept` is a file with its first bytes as stored, where those were fetched from S3; `marks` are
    checksums of them, where they were read from a file.
    """

    sample: bytes
    is_compressed: bool
    kept: Path | None = None
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceObject:
    """One object in one state. `size` is in bytes as stored, `modified_ns` in nanoseconds since 1970."""

    uri: str
    size: int
    modified_ns: int
    is_stream: bool = False
    # On S3: the hash that identifies the content, and the version to read where one is known.
    etag: str = ""
    version: str = ""
    # Of a file: what replaces it under its name has another one.
    inode: int = 0

    @property
    def identity(self) -> str:
        """Equal exactly when it is the same object in the same state.

        On disk path, size and time of change; on S3 URI and ETag, which listings and events both know.
        The same content put again under the same key is the same state.
        """
        if self.etag:
            return hashlib.sha256(f"{self.uri}\0{self.etag}".encode("utf-8", "surrogateescape")).hexdigest()[
                :32
            ]
        text = f"{self.uri}\0{self.size}\0{self.modified_ns}"
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]

    @property
    def display_uri(self) -> str:
        """The uri as text that any table can hold: file names may be any bytes."""
        return self.uri.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

    def head(self, count: int, folder: Path | None = None) -> FirstBytes:
        """Read the beginning. Of standard input it stays in place, so that `open` gives it again.

        Of an object on S3 the first bytes are stored in `folder`, for `open`: they are fetched once.
        Raises LoglodeError for every error but damage to compressed data.
        """
        if self.is_stream:
            if standard_input().closed:
                raise SourceError("standard input was read before", hint="a process can read it once")
            return _first_bytes(io.BytesIO(standard_input().peek(count)), count)
        if not self.uri.startswith(SCHEME):
            raw = self._open_file()
            with _buffered(raw) as stream:
                return replace(_first_bytes(stream, count), marks=raw.marks)
        data = self._on_s3.fetch(0, FIRST_BYTES if folder else count)
        found = _first_bytes(io.BytesIO(data), count)
        if folder is None:
            return found
        kept = folder / self.identity
        with reading(self.display_uri):
            folder.mkdir(exist_ok=True)
            kept.write_bytes(data)
        return replace(found, kept=kept)

    def open(self, kept: Path | None = None, marks: tuple[Mark, ...] = ()) -> BinaryIO:
        """Open for reading, decompressed, exactly as far as the size that was listed.

        With the first bytes that `head` has `kept`, nothing is fetched again; with its `marks`, a file that
        has changed since is noticed. Raises LoglodeError, as does every read from it, and DamageError where
        the compressed data proves to be damaged. At the end of a file ObjectChangedError says that it is no
        longer what was listed, and ObjectGrownError that text was appended.
        """
        if self.is_stream:
            return decompress(standard_input())
        if not self.uri.startswith(SCHEME):
            return decompress(FileReader(self._open_file(marks), _BUFFER))
        first = self._take(kept) if kept else self._on_s3.fetch(0, FIRST_BYTES)
        return decompress(io.BufferedReader(RawOnS3(self._on_s3, first), _BUFFER))

    @property
    def _on_s3(self) -> S3State:
        return S3State(self.uri, self.size, self.etag, self.version)

    def _take(self, kept: Path) -> bytes:
        """The stored first bytes, once; fetched when they are needed a second time."""
        with reading(self.display_uri):
            if kept.exists():
                data = kept.read_bytes()
                kept.unlink()
                return data
        return self._on_s3.fetch(0, FIRST_BYTES)

    def _open_file(self, marks: tuple[Mark, ...] = ()) -> RawFile:
        with reading(self.display_uri):
            if self.size == UNKNOWN_SIZE:
                os.stat(self.uri)  # as a rule it fails as it did before
                raise SourceError(f"cannot read {self.display_uri}: it could not be listed", hint="run again")
            file = open(self.uri, "rb", buffering=0)  # noqa: SIM115 - closed with the reader
        return RawFile(self.display_uri, file, FileState(self.size, self.modified_ns, self.inode, marks))


@dataclass(frozen=True, slots=True)
class Unlisted(SourceObject):
    """A folder or a prefix that could not be listed: it fails with the error of its listing."""

    error: LoglodeError = field(kw_only=True, compare=False)

    @classmethod
    def of(cls, uri: str, error: LoglodeError) -> Self:
        return cls(uri, UNKNOWN_SIZE, time.time_ns(), error=error)

    def head(self, count: int, folder: Path | None = None) -> FirstBytes:
        del count, folder
        raise self.error

    def open(self, kept: Path | None = None, marks: tuple[Mark, ...] = ()) -> BinaryIO:
        del kept, marks
        raise self.error


def _first_bytes(stream: io.BufferedReader | io.BytesIO, count: int) -> FirstBytes:
    raw = stream if isinstance(stream, io.BufferedReader) else _buffered(stream)
    packed = is_compressed(raw)
    with decompress(raw) as plain:
        try:
            return FirstBytes(plain.read(count), packed)
        except DamageError:
            return FirstBytes(b"", packed)


def _buffered(stream: object) -> io.BufferedReader:
    return io.BufferedReader(cast(io.RawIOBase, stream), _BUFFER)


@functools.cache
def standard_input() -> io.BufferedReader:
    """One reader for the process, because what it has read ahead is nowhere else."""
    raw = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
    return io.BufferedReader(RawFile("standard input", cast(io.RawIOBase, raw)), _BUFFER)
