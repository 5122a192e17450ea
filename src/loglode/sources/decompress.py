"""gzip and zstd as one stream of plain bytes, and the damage that their bytes prove."""

from __future__ import annotations

import copy
import io
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

import zstandard

from loglode.errors import ObjectChangedError, ObjectGrownError
from loglode.sources.raw import FileReader

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
MAGIC_BYTES = 4
# What the libraries raise about the bytes they were given. They do no I/O.
_LIBRARY_ERRORS = (zlib.error, zstandard.ZstdError)
# Compressed bytes taken at once. A zstd block of four bytes may expand to 128 KiB.
_GZIP_PIECE, _ZSTD_PIECE = 1 << 16, 1 << 11


class DamageError(Exception):
    """The bytes of an object prove that it is damaged: reading it again would give the same bytes."""


class _Decompressor(Protocol):
    """What zlib's and zstandard's objects for one member or frame have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def _gunzip() -> _Decompressor:
    return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)


def _unzstd() -> _Decompressor:
    return cast(_Decompressor, zstandard.ZstdDecompressor().decompressobj())


class Decompressed(io.RawIOBase):
    """Members or frames one after the other as one stream of bytes.

    The libraries' own readers drop what they hold when the input ends too early, or hide that it
    does. This one first gives all that can be read, and then raises DamageError. What the stream below
    raises passes through unchanged: an I/O error is never damage.
    """

    def __init__(self, stream: BinaryIO, make: Callable[[], _Decompressor], piece: int) -> None:
        self._stream, self._make, self._piece = stream, make, piece
        self._member: _Decompressor | None = None
        self._rest = b""  # compressed, not looked at yet
        self._held = bytearray()
        self._end: Exception | None = None  # raised when all before it was given

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all by default; nothing at the end."""
        while (size < 0 or len(self._held) < size) and self._end is None and self._step():
            pass
        if not self._held and self._end is not None:
            raise self._end
        taken = bytes(self._held if size < 0 else self._held[:size])
        del self._held[: len(taken)]
        return taken

    def close(self) -> None:
        self._stream.close()
        super().close()

    def _step(self) -> bool:
        """Decompress a piece; False at the end."""
        try:
            piece = self._rest or self._stream.read(self._piece)
        except ObjectGrownError as grown:
            self._end = grown if self._member is None else _changed(grown)
            return False
        self._rest = b""
        if self._member is None:
            piece = piece.lstrip(b"\0")  # padding between members
            if not piece:
                return bool(self._stream.peek(1)) if isinstance(self._stream, io.BufferedReader) else False
            self._member = self._make()
        elif not piece:
            self._end = DamageError("the compressed data ends too early")
            return False
        self._feed(self._member, piece)
        return True

    def _feed(self, member: _Decompressor, piece: bytes) -> None:
        spare = copy.copy(member) if hasattr(member, "copy") else None
        try:
            self._held += member.decompress(piece)
        except _LIBRARY_ERRORS as error:
            self._end = self._damage(f"the compressed data is damaged: {error}")
            if spare is not None:
                self._held += _until_damage(spare, piece)
            return
        if member.eof:
            self._rest, self._member = member.unused_data, None

    def _damage(self, text: str) -> Exception:
        """What changed while it was read proves nothing."""
        try:
            if isinstance(self._stream, FileReader):
                self._stream.check()
        except ObjectGrownError as grown:
            return _changed(grown)
        except ObjectChangedError as changed:
            return changed
        return DamageError(text)


def _changed(grown: ObjectGrownError) -> ObjectChangedError:
    """For an object that cannot be used as far as it was listed."""
    return ObjectChangedError(grown.message, hint=grown.hint)


def _until_damage(member: _Decompressor, piece: bytes) -> bytes:
    """Byte by byte, because an error takes with it all that its call had decompressed."""
    found = bytearray()
    for byte in piece:
        try:
            found += member.decompress(bytes([byte]))
        except _LIBRARY_ERRORS:
            break
    return bytes(found)


def is_compressed(stream: io.BufferedReader) -> bool:
    """Whether the first bytes are those of gzip or zstd; they stay in the stream."""
    return stream.peek(MAGIC_BYTES)[:MAGIC_BYTES].startswith((GZIP, ZSTD))


def decompress(stream: io.BufferedReader) -> BinaryIO:
    """Undo gzip or zstd. The first bytes decide, not the name. Closes the stream if they cannot be read."""
    try:
        head = stream.peek(MAGIC_BYTES)[:MAGIC_BYTES]
    except BaseException:
        stream.close()
        raise
    if head.startswith(GZIP):
        return cast(BinaryIO, Decompressed(stream, _gunzip, _GZIP_PIECE))
    if head.startswith(ZSTD):
        return cast(BinaryIO, Decompressed(stream, _unzstd, _ZSTD_PIECE))
    return cast(BinaryIO, stream)
