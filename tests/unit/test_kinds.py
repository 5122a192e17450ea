"""Kinds of files: compression and encoding by content, and a name for what is no log."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import os
import random
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from loglode.sources import discover
from loglode.sources.decompress import decompress
from loglode.sources.kinds import DamageError
from loglode.sources.lines import LineReader

NOISE = random.Random(5)
TEXT = "".join(f"{n} caf\u00e9 \u65e5 \U0001f600 {NOISE.random()}\n" for n in range(5_000))
PLAIN = TEXT.encode()
LETTERS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufeff"), min_size=1
)


class Trickle(io.RawIOBase):
    """Gives at most so many bytes at once."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = io.BytesIO(data), size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._data.readinto(memoryview(buffer)[: self._size])


def read(data: bytes) -> bytes:
    return decompress(io.BufferedReader(io.BytesIO(data))).read()


def lines(data: bytes) -> tuple[list[str], list[str], str]:
    """Texts, faults and damage."""
    stream = decompress(io.BufferedReader(io.BytesIO(data)))
    reader = LineReader("x", stream)
    batches = list(reader.batches())
    faults = [fault for b in batches for fault in b.column("fault").to_pylist() if fault]
    return [text for b in batches for text in b.column("text").to_pylist()], faults, reader.damage


def zipped(
    members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, *, is_streamed: bool = False
) -> bytes:
    target = io.BytesIO()

    class Unseekable(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            return target.write(data)

    with zipfile.ZipFile(Unseekable() if is_streamed else target, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target.getvalue()


PACKED = {
    "gzip": gzip.compress(PLAIN),
    "zstd": zstandard.compress(PLAIN),
    "bzip2": bz2.compress(PLAIN),
    "xz": lzma.compress(PLAIN),
    "bzip2, two streams": bz2.compress(PLAIN[:5000]) + bz2.compress(PLAIN[5000:]),
    "xz, two streams": lzma.compress(PLAIN[:5000]) + b"\0" * 8 + lzma.compress(PLAIN[5000:]),
    "zip": zipped({"a.log": PLAIN}),
    "zip, stored": zipped({"a.log": PLAIN}, zipfile.ZIP_STORED),
    "zip, bzip2": zipped({"a.log": PLAIN}, zipfile.ZIP_BZIP2),
    "zip, written as a stream": zipped({"a.log": PLAIN}, is_streamed=True),
    "zip, with folders and files of tools": zipped({"logs/": b"", "__MACOSX/._a": b"\0\1", "logs/.x": b"x", "logs/a": PLAIN}),
}  # fmt: skip


@pytest.mark.parametrize("kind", PACKED)
def test_compression_is_undone_by_content(kind: str) -> None:
    assert read(PACKED[kind]) == PLAIN
    for size in (1, 7, 4096):
        some = PACKED[kind] if size > 1 else PACKED[kind][: len(PACKED[kind]) // 1]
        stream = decompress(io.BufferedReader(Trickle(some, max(size, 7)), 4096))
        assert stream.read() == PLAIN


@pytest.mark.parametrize("kind", [kind for kind in PACKED if "streams" not in kind and "tools" not in kind])
def test_what_is_cut_or_damaged_gives_what_comes_before(kind: str) -> None:
    whole = PACKED[kind]
    texts, faults, damage = lines(whole[: len(whole) // 2])
    assert damage and faults[0].startswith("object_damaged:")
    assert "".join(texts[:-1]) == TEXT[: len("".join(texts[:-1]))]


def test_members_follow_each_other_on_lines_of_their_own() -> None:
    archive = zipped({"b": b"1\n2", "a": b"\xef\xbb\xbf3\n", "empty": b"", "../../etc/passwd": b"4"})
    assert read(archive) == b"1\n2\n3\n4\n"
    assert read(zipped({})) == b""


def encrypted() -> bytes:
    archive = bytearray(zipped({"a.log": PLAIN}))
    archive[6] |= 1
    return bytes(archive)


def with_wrong_checksum() -> bytes:
    archive = bytearray(zipped({"a.log": b"1\n"}))
    archive[14] ^= 1
    return bytes(archive)


def parquet() -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2, 3], "b": ["x", "y", "z"]}), target)
    return target.getvalue()


BINARY = bytes(range(256)) * 64
REFUSED = {
    "lz4": (b"\x04\x22\x4d\x18" + BINARY, "compression_unsupported", "lz4"),
    "snappy": (b"\xff\x06\x00\x00sNaPpY" + BINARY, "compression_unsupported", "snappy"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + BINARY, "compression_unsupported", "7z"),
    "rar": (b"Rar!\x1a\x07\x01" + BINARY, "compression_unsupported", "rar"),
    "tar": (b"a.log".ljust(257, b"\0") + b"ustar\x0000" + PLAIN, "compression_unsupported", "tar"),
    "gzip in gzip": (gzip.compress(gzip.compress(PLAIN)), "compression_unsupported", "gzip"),
    "gzip in zip": (zipped({"a.gz": gzip.compress(PLAIN)}), "compression_unsupported", "'a.gz'"),
    "zip in zip": (zipped({"a.zip": zipped({"b": PLAIN})}), "compression_unsupported", "'a.zip'"),
    "encrypted zip": (encrypted(), "object_encrypted", "encrypted"),
    "damaged zip": (with_wrong_checksum(), "object_damaged", "checksum"),
    "office": (zipped({"[Content_Types].xml": b"<x/>"}), "format_unknown", "document"),
    "parquet": (parquet(), "format_unknown", "Parquet"),
    "parquet in gzip": (gzip.compress(parquet()), "format_unknown", "Parquet"),
    "orc": (b"ORC" + BINARY, "format_unknown", "ORC"),
    "avro": (b"Obj\x01" + BINARY, "format_unknown", "Avro"),
    "binary": (BINARY, "format_unknown", "no text"),
    "random": (random.Random(1).randbytes(5000), "format_unknown", "no text"),
    "utf-16 without a mark": (TEXT.encode("utf-16-le"), "format_unknown", "no text"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_log_is_one_line_with_its_name(kind: str) -> None:
    data, reason, name = REFUSED[kind]
    texts, faults, damage = lines(data)
    assert name in damage
    assert [fault.partition(":")[0] for fault in faults] == [reason]
    assert len(texts) == 1 + (kind == "damaged zip") and len(texts[-1]) < 2000


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-8-sig"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_encodings_are_told_by_their_mark(encoding: str, is_packed: bool) -> None:  # noqa: FBT001
    mark = "" if encoding == "utf-8-sig" else "\ufeff"
    data = (mark + TEXT).encode(encoding)
    texts, faults, damage = lines(gzip.compress(data) if is_packed else data)
    assert ("".join(texts).removeprefix("\ufeff"), faults, damage) == (TEXT, [], "")


def test_bytes_that_are_no_character_stay_visible() -> None:
    texts, faults, _ = lines(
        codecs.BOM_UTF16_LE + "a".encode("utf-16-le") + b"\x00\xd8" + "b\n".encode("utf-16-le") + b"c"
    )
    assert (texts, faults) == (["\ufeffa\\x00\\xd8b\n", "\\x63"], []) or texts[0].endswith("a\\x00\\xd8b\n")


@given(st.lists(LETTERS, min_size=1), st.sampled_from(["utf-8", "utf-16", "utf-32", "utf-8-sig"]))
def test_text_is_never_taken_for_something_else(words: list[str], encoding: str) -> None:
    text = "{" + "\n".join(words)
    found, faults, damage = lines(text.encode(encoding))
    assert ("".join(found).removeprefix("\ufeff"), faults, damage) == (text, [], "")


@pytest.mark.parametrize(
    "text",
    [b"BZh is a word\n", b"ORC 1\n", b"PAR1 GET /\n", b"GIF89a in a text\n", b"bvx\n", b"\0" * 5000 + b"1 GET /\n", b"\0", b"a\0b\n",
     b"\x1b[31mred\x1b[0m\n" * 50, "caf\u00e9 \u00fc\n".encode("latin-1") * 50, b"\x16\x03\x01\x00", b"PK", b"BZh", b""],
)  # fmt: skip
def test_odd_text_stays_text(text: bytes) -> None:
    texts, faults, damage = lines(text)
    assert (faults, damage) == ([], "") and len(texts) == text.count(b"\n") + (
        text != b"" and not text.endswith(b"\n")
    )


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"PK\x03\x04", b"BZh91AY&SY", b"\xfd7zXZ\0", b"\x1f\x8b", b"\xff\xfe"]),
)
def test_no_bytes_raise_anything_else_than_damage(data: bytes, magic: bytes) -> None:
    lines(magic + data)
    for members in ({"a": b"1\n"}, {"a": b"1\n", "b": b"2"}):
        for is_streamed in (False, True):
            whole = zipped(members, is_streamed=is_streamed)
            place = len(data) % 60
            lines(whole[:place] + data + whole[place + len(data) :])


def test_a_zip64_size_in_the_header() -> None:
    data = zlib.compress(b"1\n2\n", wbits=-15)
    extra = struct.pack("<2H2Q", 1, 16, 4, len(data))
    header = struct.pack(
        "<4s5H3I2H", b"PK\3\4", 45, 0, 8, 0, 0, zlib.crc32(b"1\n2\n"), 2**32 - 1, 2**32 - 1, 1, len(extra)
    )
    assert read(header + b"a" + extra + data + b"PK\1\2" + b"\0" * 42) == b"1\n2\n"


def test_a_file_of_each_kind_is_read_by_its_source(tmp_path: Path) -> None:
    for kind, data in PACKED.items():
        path = tmp_path / kind.replace(" ", "-")
        path.write_bytes(data)
        (source,) = discover([str(path)])
        head = source.head(1000)
        assert head.is_compressed and head.sample == PLAIN[:1000]
        with source.open(marks=head.marks) as stream:
            assert stream.read() == PLAIN and stream.read() == b""
    (tmp_path / "x").write_bytes(os.urandom(4000))
    (source,) = discover([str(tmp_path / "x")])
    assert source.head(1000).sample == b""
    with source.open() as stream, pytest.raises(DamageError):
        stream.read()


def test_an_xz_header_cannot_ask_for_gigabytes() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 28}]
    packed = lzma.compress(b"a line\n", format=lzma.FORMAT_XZ, filters=filters)
    with pytest.raises(DamageError):
        read(packed)
