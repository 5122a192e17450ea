"""Cutting bytes into lines: against `bytes.split`, over any border between reads."""

from __future__ import annotations

import gzip
import io
import itertools
import json
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from loglode.sources import lines as module
from loglode.sources.decompress import decompress
from loglode.sources.lines import LineReader
from loglode.sources.records import separated


class Pieces(io.RawIOBase):
    """A stream that hands out bytes in pieces of given sizes, whatever is asked for."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data, self._sizes = data, itertools.cycle(sizes)

    def read(self, size: int = -1) -> bytes:
        count = min(next(self._sizes), size if size >= 0 else len(self._data))
        taken, self._data = self._data[:count], self._data[count:]
        return taken


def read(data: bytes, sizes: list[int] | None = None) -> list[dict[str, Any]]:
    reader = LineReader("uri", Pieces(data, sizes or [1 << 20]))  # type: ignore[arg-type]
    rows = [row for batch in reader.batches() for row in batch.to_pylist()]
    assert reader.lines == len(rows)
    assert reader.bytes == len(data)
    return rows


def expected(data: bytes) -> list[str]:
    texts = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    ended = [text + b"\n" for text in texts[:-1]] + ([texts[-1]] if texts[-1] else [])
    return [text.decode("utf-8", "backslashreplace") for text in ended]


_BYTES = st.lists(
    st.sampled_from(
        [b"\n", b"\r\n", b"a", b'{"a":1}', b"\xff", "\u00e9".encode(), b"\x00", b"\xef\xbb\xbf", b'"']
    )
    | st.binary(max_size=4),
    max_size=30,
).map(b"".join)


@given(data=_BYTES, sizes=st.lists(st.integers(4, 9), min_size=1, max_size=4))
def test_lines_are_those_of_split(data: bytes, sizes: list[int]) -> None:
    rows = read(data, sizes)
    # Objects in one line are lines of their own.
    assert [row["text"] for row in rows] == expected(separated(data) if b"}{" in data else data)
    assert [row["source_line"] for row in rows] == list(range(1, len(rows) + 1))
    assert {row["source_object"] for row in rows} <= {"uri"}
    assert {row["fault"] for row in rows} <= {None}


_VALUES = st.recursive(
    st.integers() | st.sampled_from(["", "}{", "} {", '"}{', "\\}{", "{"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "}{"]), inner, max_size=3)
    ),
    max_leaves=6,
)
_OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "}{"]), _VALUES, max_size=3)


@given(
    lines=st.lists(st.lists(_OBJECTS, min_size=1, max_size=3), min_size=1),
    between=st.sampled_from(["", " ", "\t "]),
)
def test_objects_in_one_line_become_lines_and_texts_stay_whole(
    lines: list[list[dict[str, Any]]], between: str
) -> None:
    data = "".join(between.join(map(json.dumps, line)) + "\n" for line in lines)
    cut = separated(data.encode()).decode().splitlines()
    assert [json.loads(text) for text in cut] == [value for line in lines for value in line]


@given(
    data=_BYTES, one=st.lists(st.integers(4, 9), min_size=1), other=st.lists(st.integers(4, 9), min_size=1)
)
def test_how_an_object_is_read_does_not_change_its_fingerprint(
    data: bytes, one: list[int], other: list[int]
) -> None:
    first, second = ([row["fingerprint"] for row in read(data, sizes)] for sizes in (one, other))
    assert first == second


@given(
    one=st.lists(st.sampled_from(["a", "b", "", " "]), max_size=6),
    more=st.lists(st.sampled_from(["a", "b", "", " "]), max_size=6),
    head=st.integers(1, 4),
)
def test_a_line_has_the_fingerprint_of_the_head_above_it(one: list[str], more: list[str], head: int) -> None:
    def fingerprints(lines: list[str]) -> list[str]:
        data = "".join(f"{line}\n" for line in lines).encode()
        reader = LineReader("uri", Pieces(data, [4]), head_lines=head)  # type: ignore[arg-type]
        return [row["fingerprint"] for batch in reader.batches() for row in batch.to_pylist()]

    def heads(lines: list[str]) -> list[tuple[bool, list[str]]]:
        """Whether each line is one of the head, which distinguishes it from what follows it, and the lines up to it."""
        full = [[line for line in lines[: n + 1] if line.strip()] for n in range(len(lines))]
        return [
            (1 < head >= len(above) and bool(line.strip()), above[:head])
            for line, above in zip(lines, full, strict=True)
        ]

    grown = [*one, *more]
    assert fingerprints(grown)[: len(one)] == fingerprints(one)
    found, wanted = [*fingerprints(grown), *fingerprints(more)], [*heads(grown), *heads(more)]
    assert [[a == b for b in found] for a in found] == [[a == b for b in wanted] for a in wanted]


@pytest.mark.parametrize("blank", [b"\n", b"  \t\n", b"\r\n \n"])
def test_a_blank_line_at_the_top_is_no_fingerprint(blank: bytes) -> None:
    one, other = (read(blank + line + b"\n")[-1]["fingerprint"] for line in (b"x", b"y"))
    assert one and other and one != other
    assert one == read(b"x\n")[0]["fingerprint"]


def test_a_grown_object_keeps_its_fingerprint() -> None:
    small, grown = read(b"\n first \nsecond\n"), read(b"\n first \nsecond\nthird\n")
    assert grown[1]["fingerprint"] == small[1]["fingerprint"]
    assert grown[1]["fingerprint"] != read(b"other\nsecond\n")[1]["fingerprint"]


@given(
    lengths=st.lists(st.integers(0, 40), max_size=12),
    sizes=st.lists(st.integers(4, 25), min_size=1, max_size=4),
)
def test_lines_that_are_too_long(lengths: list[int], sizes: list[int]) -> None:
    limit = 10
    data = b"".join(b"%c" % (97 + n % 26) * length + b"\n" for n, length in enumerate(lengths))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_LINE_BYTES", limit)
        rows = read(data, sizes)
    assert len(rows) == len(lengths)
    for row, length, text in zip(rows, lengths, data.split(b"\n"), strict=False):
        if row["fault"]:
            assert row["fault"] == f"line_too_long:{length}"
            assert text.decode().startswith(row["text"].rstrip("\n"))
            assert length >= limit
        else:
            assert row["text"] == text.decode() + "\n"
            assert length <= limit


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ('{"a":1,"b":"x"}', 2), ('{"a" : 1, "b"\t: 2}', 2), ('{"a":null,"b": null,"c":1}', 1), ("{}", 0), ("", 0),
        ('{"t":"12:30"}', 1), ('{"u":"http://x"}', 1), ('{"n":"null"}', 1),
    ],
)  # fmt: skip
def test_keys_are_counted(text: str, keys: int) -> None:
    data = f"{text}\n{text}\n".encode()
    assert [row["key_count"] for row in read(data)] == [keys, keys]


def test_objects_in_objects_never_make_the_count_too_low() -> None:
    assert read(b'{"a":{"b":1},"c":"\\":"}\n')[0]["key_count"] >= 2


def _damaged(kind: str, text: bytes) -> bytes:
    whole = gzip.compress(text) if kind == "gzip" else zstandard.ZstdCompressor().compress(text)
    return whole[: len(whole) // 2]


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_all_that_can_be_decompressed_is_given_before_the_damage(kind: str) -> None:
    text = b"".join(b"%d %x\n" % (n, n * 2654435761 % 2**32) for n in range(50_000))
    stream = decompress(io.BufferedReader(io.BytesIO(_damaged(kind, text))))
    reader = LineReader("uri", stream)
    rows = [row for batch in reader.batches() for row in batch.to_pylist()]
    *good, last = rows
    assert len(good) > 10_000
    assert "".join(row["text"] for row in good) == text[: sum(len(row["text"]) for row in good)].decode()
    assert last["fault"].startswith("object_damaged:")


def test_changed_bytes_are_damage() -> None:
    packed = bytearray(gzip.compress(b"a\n" * 50_000 + b"b\n" * 50_000))
    packed[-6] ^= 0xFF  # a part of the checksum
    reader = LineReader("uri", decompress(io.BufferedReader(io.BytesIO(bytes(packed)))))
    rows = [row for batch in reader.batches() for row in batch.to_pylist()]
    assert len(rows) == 100_001
    assert rows[-1]["fault"] == "object_damaged:0"


@given(
    parts=st.lists(st.text("ab\n\r\u00e9\u65e5", max_size=50).map(str.encode), min_size=1, max_size=4),
    kind=st.sampled_from(["gzip", "zstd"]),
    size=st.integers(1, 70),
)
def test_members_one_after_the_other(parts: list[bytes], kind: str, size: int) -> None:
    pack = gzip.compress if kind == "gzip" else zstandard.ZstdCompressor().compress
    stream = decompress(io.BufferedReader(io.BytesIO(b"".join(pack(part) for part in parts))))
    found = b""
    while piece := stream.read(size):
        assert len(piece) <= size
        found += piece
    assert found == b"".join(parts)
