"""A bronze object: where it is, which state of it we mean, and its bytes as a stream."""

from __future__ import annotations

import copy
import functools
import hashlib
import io
import sys
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

import zstandard

from loglode.errors import SourceError, StorageBusyError, StorageError
from loglode.storage import SCHEME, S3Path, download, read_range

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BUFFER = 1 << 20
DAMAGE = (EOFError, zlib.error, zstandard.ZstdError)
# Compressed bytes taken at once. A zstd block of four bytes may stand for 128 KiB.
_GZIP_PIECE, _ZSTD_PIECE = 1 << 16, 1 << 11


class _Decompressor(Protocol):
    """What zlib's and zstandard's objects for one member or frame have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class SourceObject:
    """One object in one state. `size` is in bytes as stored, `modified_ns` in nanoseconds since 1970."""

    uri: str
    size: int
    modified_ns: int
    is_stream: bool = False
    # On S3: what the content is told by, and the version to read where one is known.
    etag: str = ""
    version: str = ""

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
        """The first bytes of standard input, decompressed as far as they go, and left in place."""
        first = io.BytesIO(self._open_raw().peek(count))
        with decompress(io.BufferedReader(cast(io.RawIOBase, first))) as stream:
            try:
                return stream.read(count)
            except DAMAGE:
                return b""

    def _open_raw(self) -> io.BufferedReader:
        if self.is_stream:
            return _standard_input()
        if self.uri.startswith(SCHEME):
            return io.BufferedReader(_OnS3(self), _BUFFER)
        try:
            return io.BufferedReader(_Limited(open(self.uri, "rb", buffering=0), self.size), _BUFFER)
        except OSError as error:
            raise SourceError(f"cannot read {self.display_uri}: {error.strerror}") from error


@functools.cache
def _standard_input() -> io.BufferedReader:
    """One reader for the process, because what it has read ahead is nowhere else."""
    raw = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
    return io.BufferedReader(cast(io.RawIOBase, raw), _BUFFER)


class _OnS3(io.RawIOBase):
    """An object on S3: its beginning, and if more is wanted all of it in a temporary file.

    The SDK's own download in parts repeats what breaks off; a stream would break with its connection.
    """

    def __init__(self, source: SourceObject) -> None:
        self._source, self._place = source, 0
        self._path = S3Path.parse(source.uri)
        try:
            self._first = (
                read_range(self._path, source.etag, source.version, size=min(source.size, _BUFFER))
                if source.size
                else b""
            )
        except StorageBusyError:
            raise
        except StorageError as error:
            raise SourceError(error.message, hint=error.hint) from error
        self._file: BinaryIO | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))[: self._source.size - self._place]
        piece = self._first[self._place : self._place + len(view)]
        if piece:
            view[: len(piece)] = piece
            count = len(piece)
        elif len(view):
            count = cast(io.RawIOBase, self._whole()).readinto(view) or 0
        else:
            count = 0
        self._place += count
        return count

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()

    def _whole(self) -> BinaryIO:
        if self._file is None:
            file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - closed with this
            self._file = file
            download(self._path, self._source.etag, self._source.version, file)
            file.seek(self._place)
        return self._file


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


def _gunzip() -> _Decompressor:
    return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)


def _unzstd() -> _Decompressor:
    return cast(_Decompressor, zstandard.ZstdDecompressor().decompressobj())


class Decompressed(io.RawIOBase):
    """Members or frames one after the other as one stream of bytes.

    The libraries' own readers drop what they hold when the input ends too early, or hide that it
    does. This one first gives all that can be read, and then raises EOFError or the library's error.
    """

    def __init__(self, stream: BinaryIO, make: Callable[[], _Decompressor], piece: int) -> None:
        self._stream, self._make, self._piece = stream, make, piece
        self._member: _Decompressor | None = None
        self._rest = b""  # compressed, not looked at yet
        self._held = bytearray()
        self._damage: BaseException | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all by default; nothing at the end."""
        while (size < 0 or len(self._held) < size) and self._damage is None and self._step():
            pass
        if not self._held and self._damage is not None:
            raise self._damage
        taken = bytes(self._held if size < 0 else self._held[:size])
        del self._held[: len(taken)]
        return taken

    def close(self) -> None:
        self._stream.close()
        super().close()

    def _step(self) -> bool:
        """Decompress a piece; False at the end."""
        piece = self._rest or self._stream.read(self._piece)
        self._rest = b""
        if self._member is None:
            piece = piece.lstrip(b"\0")  # padding between members
            if not piece:
                return bool(self._stream.peek(1)) if isinstance(self._stream, io.BufferedReader) else False
            self._member = self._make()
        elif not piece:
            self._damage = EOFError("the compressed data ends too early")
            return False
        self._feed(self._member, piece)
        return True

    def _feed(self, member: _Decompressor, piece: bytes) -> None:
        spare = copy.copy(member) if hasattr(member, "copy") else None
        try:
            self._held += member.decompress(piece)
        except DAMAGE as error:
            self._damage = error
            if spare is not None:
                self._held += _until_damage(spare, piece)
            return
        if member.eof:
            self._rest, self._member = member.unused_data, None


def _until_damage(member: _Decompressor, piece: bytes) -> bytes:
    """Byte by byte, because an error takes with it all that its call had decompressed."""
    found = bytearray()
    for byte in piece:
        try:
            found += member.decompress(bytes([byte]))
        except DAMAGE:
            break
    return bytes(found)


def decompress(stream: io.BufferedReader) -> BinaryIO:
    """Undo gzip or zstd, told by the first bytes and not by the name."""
    head = stream.peek(4)[:4]
    if head.startswith(_GZIP):
        return cast(BinaryIO, Decompressed(stream, _gunzip, _GZIP_PIECE))
    if head.startswith(_ZSTD):
        return cast(BinaryIO, Decompressed(stream, _unzstd, _ZSTD_PIECE))
    return cast(BinaryIO, stream)
