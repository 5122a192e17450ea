"""Compressed objects as one stream of plain bytes, and the damage that their bytes prove."""

from __future__ import annotations

import bz2
import copy
import io
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, NamedTuple, Protocol, cast

import zstandard

from loglode.errors import ObjectChangedError, ObjectGrownError
from loglode.sources import zips
from loglode.sources.kinds import SAMPLE_BYTES, DamageError, as_text
from loglode.sources.raw import FileReader
from loglode.sources.stacked import Stacked

MAGIC_BYTES, _ENOUGH = 10, 4
# What the libraries raise about the bytes they were given. They do no I/O.
_LIBRARY_ERRORS = (zlib.error, zstandard.ZstdError, lzma.LZMAError, OSError, EOFError)


class _Decompressor(Protocol):
    """What zlib's and zstandard's objects for one member or frame have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


class _Packing(NamedTuple):
    """How objects that begin with `magic` are decompressed: `piece` bytes at once."""

    magic: tuple[bytes, ...]
    make: Callable[[], _Decompressor]
    piece: int
    is_single: bool = False  # what follows the first member is passed over


# An empty one holds no block, but the end of the stream.
_BZIP2 = tuple(b"BZh%d%s" % (n, block) for n in range(1, 10) for block in (b"1AY&SY", b"\x17rE8P\x90"))
_PACKINGS = (
    _Packing((b"\x1f\x8b",), lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS), 1 << 16),
    # A zstd block of four bytes may expand to 128 KiB, one of bzip2 of 45 bytes to 900 kB.
    _Packing(
        (b"\x28\xb5\x2f\xfd",),
        lambda: cast(_Decompressor, zstandard.ZstdDecompressor().decompressobj()),
        1 << 11,
    ),
    _Packing(_BZIP2, bz2.BZ2Decompressor, 1 << 11),
    _Packing((b"\xfd7zXZ\0",), lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, zips.XZ_MEMORY), 1 << 12),
    _Packing((zips.MAGIC, zips.EMPTY), zips.Unzipper, 1 << 16, is_single=True),
)


class Decompressed(Stacked):
    """Members or frames one after the other as one stream of bytes.

    The libraries' own readers drop what they hold when the input ends too early, or hide that it
    does. This one first gives all that can be read, and then raises DamageError. What the stream below
    raises passes through unchanged: an I/O error is never damage.
    """

    def __init__(self, stream: BinaryIO, packing: _Packing) -> None:
        super().__init__(stream)
        self._packing = packing
        self._member: _Decompressor | None = None
        self._rest = b""  # compressed, not looked at yet
        self._held = bytearray()
        self._is_over = False
        self._end: Exception | None = None  # raised when all before it was given

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all by default; nothing at the end."""
        while (size < 0 or len(self._held) < size) and self._end is None and self._step():
            pass
        if not self._held and self._end is not None:
            raise self._end
        taken = bytes(self._held if size < 0 else self._held[:size])
        del self._held[: len(taken)]
        return taken

    def peek(self, size: int) -> bytes:
        """The next bytes, which stay in the stream; fewer than `size` at the end, or before damage."""
        while len(self._held) < size and self._end is None and self._step():
            pass
        return bytes(self._held[:size])

    def _step(self) -> bool:
        """Decompress a piece; False at the end."""
        try:
            piece = self._rest or self._stream.read(self._packing.piece)
        except ObjectGrownError as grown:
            self._end = grown if self._member is None else _changed(grown)
            return False
        self._rest = b""
        if self._is_over:
            return bool(piece)
        if self._member is None:
            piece = piece.lstrip(b"\0")  # padding between members
            if not piece:
                return bool(self._stream.peek(1)) if isinstance(self._stream, io.BufferedReader) else False
            self._member = self._packing.make()
        elif not piece:
            self._end = DamageError("the compressed data ends too early")
            return False
        self._feed(self._member, piece)
        return True

    def _feed(self, member: _Decompressor, piece: bytes) -> None:
        spare = copy.copy(member) if hasattr(member, "copy") else None
        try:
            self._held += member.decompress(piece)
        except DamageError as damage:
            self._held += damage.held
            self._end = self._checked(damage)
            return
        except _LIBRARY_ERRORS as error:
            self._end = self._checked(DamageError(f"the compressed data is damaged: {error}"))
            if spare is not None:
                self._held += _until_damage(spare, piece)
            return
        if member.eof:
            self._rest, self._member = member.unused_data, None
            self._is_over = self._packing.is_single

    def _checked(self, damage: DamageError) -> Exception:
        """What changed while it was read proves nothing."""
        try:
            if isinstance(self._stream, FileReader):
                self._stream.check()
        except ObjectGrownError as grown:
            return _changed(grown)
        except ObjectChangedError as changed:
            return changed
        return damage


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
    """Whether the first bytes are those of compressed data; they stay in the stream."""
    return _packing(stream) is not None


def decompress(stream: io.BufferedReader) -> BinaryIO:
    """Undo compression, and other encodings than UTF-8. The first bytes decide, not the name.

    Closes the stream if they cannot be read.
    """
    try:
        packing = _packing(stream)
        if packing is None:
            return as_text(stream, stream.peek(SAMPLE_BYTES)[:SAMPLE_BYTES])
        plain = Decompressed(stream, packing)
        return as_text(cast(BinaryIO, plain), plain.peek(SAMPLE_BYTES))
    except BaseException:
        stream.close()
        raise


def _packing(stream: io.BufferedReader) -> _Packing | None:
    head = stream.peek(MAGIC_BYTES)[:MAGIC_BYTES]

    def may_be(magic: bytes) -> bool:
        """A pipe may give less at first."""
        return head.startswith(magic) or (len(head) >= _ENOUGH and magic.startswith(head))

    return next((packing for packing in _PACKINGS if any(map(may_be, packing.magic))), None)
