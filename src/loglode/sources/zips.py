"""A zip archive as one stream: its members one after the other, each beginning on a new line.

The archive is read from its beginning, as it comes, so also from S3 and standard input. Nothing is written
to the disk, so the names of members are only names; those of tools (`__MACOSX/`, `.x`) are left out.
Source: APPNOTE.TXT 6.3.10, 4.3.7 to 4.3.9.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable
from typing import Any

import zstandard

from loglode.sources.folders import is_hidden
from loglode.sources.kinds import FAULT_COMPRESSION, FAULT_ENCRYPTED, FAULT_FORMAT, DamageError, unreadable

MAGIC, EMPTY = b"PK\x03\x04", b"PK\x05\x06"
_DESCRIPTOR = b"PK\x07\x08"
_HEADER = struct.Struct("<4s5H3I2H")
_ENCRYPTED, _HAS_DESCRIPTOR = 0x1, 0x8
_STORED = 0
# Twice what `xz -9` needs: a header of a few bytes may ask for 4 GiB.
XZ_MEMORY = 128 << 20
_METHODS: dict[int, Callable[[], Any]] = {
    8: lambda: zlib.decompressobj(wbits=-zlib.MAX_WBITS),
    12: bz2.BZ2Decompressor,
    93: lambda: zstandard.ZstdDecompressor().decompressobj(),
    95: lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY),
}
_LIBRARY_ERRORS = (zlib.error, zstandard.ZstdError, lzma.LZMAError, OSError, EOFError)
_ZIP64, _FULL = 1, 0xFFFFFFFF
_LONGEST_DESCRIPTOR = 24
_BOM = b"\xef\xbb\xbf"
_OFFICE = ("[Content_Types].xml", "META-INF/", "mimetype")


class _Stored:
    """A member that is not compressed, by its size."""

    def __init__(self, size: int) -> None:
        self._left = size
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        return not self._left

    def decompress(self, data: bytes) -> bytes:
        taken = data[: self._left]
        self._left -= len(taken)
        self.unused_data = data[len(taken) :]
        return taken


class Unzipper:
    """The decompressor of one archive. What follows the last member (the directory) is passed over."""

    def __init__(self) -> None:
        self.eof = False
        self.unused_data = b""
        self._waiting = b""
        self._member: Any = None
        self._name = ""
        self._flags = self._checksum = self._declared = 0
        self._is_first = self._is_left_out = False
        self._last = b"\n"

    def decompress(self, data: bytes) -> bytes:
        """What the next bytes of the archive hold. Raises DamageError."""
        if self.eof:
            return b""
        self._waiting += data
        found = bytearray()
        try:
            while self._waiting and not self.eof:
                if self._member is None:
                    if not self._begin():
                        break
                    continue
                if self._member.eof:
                    if not self._finish(found):
                        break
                    continue
                self._inflate(found)
        except DamageError as error:
            error.held = bytes(found)
            raise
        return bytes(found)

    def _begin(self) -> bool:
        """Read a member's header; False where more bytes are needed."""
        if not self._waiting.startswith(MAGIC[: len(self._waiting)]):
            if not self._waiting.startswith(b"PK"[: len(self._waiting)]):
                raise DamageError("the zip archive is damaged: no member begins where one ended")
            self.eof = True
            return True
        if len(self._waiting) < _HEADER.size:
            return False
        _, _, flags, method, _, _, checksum, packed, _, name, extra = _HEADER.unpack_from(self._waiting)
        end = _HEADER.size + name + extra
        if len(self._waiting) < end:
            return False
        self._name = self._waiting[_HEADER.size : _HEADER.size + name].decode("utf-8", "backslashreplace")
        size = _zip64_size(self._waiting[_HEADER.size + name : end]) if packed == _FULL else packed
        self._flags, self._declared, self._checksum = flags, checksum, 0
        self._waiting = self._waiting[end:]
        self._member = self._decompressor(method, size)
        self._is_first, self._is_left_out = True, is_hidden(self._name)
        return True

    def _decompressor(self, method: int, size: int) -> Any:
        if self._flags & _ENCRYPTED:
            raise DamageError(f"member {self._name!r} of the zip archive is encrypted", FAULT_ENCRYPTED)
        if self._name.startswith(_OFFICE):
            raise DamageError("it is a document or a program in a zip archive", FAULT_FORMAT)
        if method == _STORED and (size or not self._flags & _HAS_DESCRIPTOR):
            return _Stored(size)
        if method not in _METHODS:
            text = f"member {self._name!r} of the zip archive is packed by method {method}"
            raise DamageError(text, FAULT_COMPRESSION)
        return _METHODS[method]()

    def _inflate(self, found: bytearray) -> None:
        try:
            plain = self._member.decompress(self._waiting)
        except _LIBRARY_ERRORS as error:
            raise DamageError(f"member {self._name!r} of the zip archive is damaged: {error}") from error
        self._waiting = self._member.unused_data if self._member.eof else b""
        self._checksum = zlib.crc32(plain, self._checksum)
        if self._is_left_out or not plain:
            return
        if self._is_first:
            self._is_first = False
            if wrong := unreadable(plain):
                text = f"member {self._name!r} of the zip archive: {wrong}"
                raise DamageError(text, wrong.reason, excerpt=wrong.excerpt)
            plain = plain.removeprefix(_BOM)
        found += plain
        self._last = plain[-1:] or self._last

    def _finish(self, found: bytearray) -> bool:
        """Check a member's checksum and end its last line; False where more bytes are needed."""
        if self._flags & _HAS_DESCRIPTOR:
            if len(self._waiting) < _LONGEST_DESCRIPTOR + 2:  # a directory follows, longer than this
                return False
            start = len(_DESCRIPTOR) * self._waiting.startswith(_DESCRIPTOR)
            ends = [start + 12, start + 20]
            end = next((e for e in ends if self._waiting[e : e + 2] == MAGIC[:2]), ends[0])
            self._declared = int.from_bytes(self._waiting[start : start + 4], "little")
            self._waiting = self._waiting[end:]
        if self._checksum != self._declared:
            raise DamageError(f"member {self._name!r} of the zip archive is damaged: wrong checksum")
        if self._last != b"\n":
            found += b"\n"
            self._last = b"\n"
        self._member = None
        return True


def _zip64_size(extra: bytes) -> int:
    """The compressed size that a header's extra fields hold."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<2H", extra)
        if kind == _ZIP64 and size >= 16:
            return int(struct.unpack_from("<Q", extra, 12)[0])
        extra = extra[4 + size :]
    raise DamageError("the zip archive is damaged: a member has no size")
