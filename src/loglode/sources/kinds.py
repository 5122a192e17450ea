"""What an object is, by its first bytes: text in some encoding, or something that is no log at all.

Nothing is guessed from names. What cannot be read is one refused line that says what it is.
"""

from __future__ import annotations

import codecs
from typing import BinaryIO, cast

from loglode.sources.stacked import Stacked

FAULT_DAMAGED, FAULT_ENCRYPTED = "object_damaged", "object_encrypted"
FAULT_COMPRESSION, FAULT_FORMAT = "compression_unsupported", "format_unknown"
# Bytes that are looked at.
SAMPLE_BYTES = 1 << 16
_EXCERPT_BYTES = 256
_PACKED = {
    b"\x1f\x8b": "gzip data",
    b"\x28\xb5\x2f\xfd": "zstd data",
    b"BZh": "bzip2 data",
    b"\xfd7zXZ\0": "xz data",
    b"PK\x03\x04": "a zip archive",
    b"\x04\x22\x4d\x18": "lz4 data",
    b"\x02\x21\x4c\x18": "lz4 data (old)",
    b"\xff\x06\x00\x00sNaPpY": "snappy data",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a rar archive",
    b"LZIP": "lzip data",
    b"\x89LZO\0": "lzop data",
    b"\x1f\x9d": "data of compress (.Z)",
    b"\x1f\xa0": "data of compress (.Z)",
    b"\x5d\0\0": "lzma data",
    b"bvx": "lzfse data",
    b"MSCF": "a cabinet file",
}
_OTHER = {
    b"PAR1": "a Parquet file",
    b"PARE": "an encrypted Parquet file",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3\0": "an SQLite database",
    b"%PDF-": "a PDF document",
    b"\x7fELF": "a program",
    b"\x89PNG": "a PNG image",
    b"GIF8": "a GIF image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x89HDF": "an HDF5 file",
    b"\x80\x04\x95": "a Python pickle",
    b"ElfFile\0": "a Windows event log",
    b"LPKSHHRH": "a systemd journal",
    b"\xd4\xc3\xb2\xa1": "a capture of packets",
    b"\xa1\xb2\xc3\xd4": "a capture of packets",
    b"\x0a\x0d\x0d\x0a": "a capture of packets",
}
# Longer marks first: that of UTF-32 begins with that of UTF-16.
_ENCODINGS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# Control characters that text does not have; that of terminal colours is in some logs.
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b")) + b"\x7f"
_MAX_CONTROL_SHARE, _FEW = 0.05, 4


class DamageError(Exception):
    """The bytes of an object prove that it cannot be read (on): reading it again would give the same bytes.

    `reason` is that of the line that says so, `excerpt` its text; `held` was decompressed before.
    """

    def __init__(
        self, text: str, reason: str = FAULT_DAMAGED, *, excerpt: bytes = b"", held: bytes = b""
    ) -> None:
        super().__init__(text)
        self.reason, self.excerpt, self.held = reason, excerpt, held


def unreadable(head: bytes) -> DamageError | None:
    """What is wrong with an object, or a member of an archive, that begins so; None for what may be text."""
    excerpt = head[:_EXCERPT_BYTES]
    if head[257:262] == b"ustar":
        return DamageError("it holds a tar archive", FAULT_COMPRESSION, excerpt=excerpt)
    is_text = bool(encoding_of(head)) or _is_text(head)
    for kinds, text, reason in (
        (_PACKED, "it holds {}", FAULT_COMPRESSION),
        (_OTHER, "it is {}", FAULT_FORMAT),
    ):
        for magic, what in kinds.items():
            if head.startswith(magic) and not (magic.isalnum() and is_text):
                return DamageError(text.format(what), reason, excerpt=excerpt)
    if is_text:
        return None
    return DamageError("it is no text", FAULT_FORMAT, excerpt=excerpt)


def encoding_of(head: bytes) -> str:
    """The encoding that a byte order mark names; empty for UTF-8 and without a mark."""
    return next((name for mark, name in _ENCODINGS.items() if head.startswith(mark)), "")


def _is_text(head: bytes) -> bool:
    """A file that was truncated under its writer begins with a hole of zeros, which says nothing."""
    visible = head[:SAMPLE_BYTES].lstrip(b"\0")
    control = len(visible) - len(visible.translate(None, _CONTROL))
    return control <= max(_MAX_CONTROL_SHARE * len(visible), _FEW)


class Transcoded(Stacked):
    """A stream of another encoding as UTF-8. Bytes that are no character of it stay visible."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        super().__init__(stream)
        self._decoder = codecs.getincrementaldecoder(encoding)("backslashreplace")
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all by default; nothing at the end."""
        found = bytearray(self._rest)
        while size < 0 or len(found) < size:
            block = self._stream.read(SAMPLE_BYTES)
            found += self._decoder.decode(block, final=not block).encode("utf-8")
            if not block:
                self._decoder.reset()
                break
        taken = bytes(found if size < 0 else found[:size])
        self._rest = bytes(found[len(taken) :])
        return taken


class Unreadable(Stacked):
    """A stream that gives nothing but what is wrong with it."""

    def __init__(self, stream: BinaryIO, error: DamageError) -> None:
        super().__init__(stream)
        self._error = error

    def read(self, size: int = -1) -> bytes:
        del size
        raise self._error


def as_text(stream: BinaryIO, head: bytes) -> BinaryIO:
    """A stream that begins with `head`, as UTF-8; what cannot be read raises DamageError."""
    error = unreadable(head)
    if error is not None:
        return cast(BinaryIO, Unreadable(stream, error))
    encoding = encoding_of(head)
    return cast(BinaryIO, Transcoded(stream, encoding)) if encoding else stream
