"""Arrays and values one after the other as records, against the standard library's reader."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglode.sources import records as module
from loglode.sources.records import RecordStream

_TEXTS = st.text(st.sampled_from('ab"\\{}[],:\n \u00e9\U0001f600'), max_size=12)
_VALUES = st.recursive(
    _TEXTS | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)
_OBJECTS = st.lists(st.dictionaries(_TEXTS, _VALUES, max_size=4), max_size=6)
_SIZES = st.integers(1, 40)


def cut(text: str, size: int, *, is_array: bool) -> list[str]:
    """Records of a text that is read `size` bytes at a time."""
    stream = RecordStream(io.BytesIO(text.encode()), is_array=is_array)
    found = b""
    while block := stream.read(size):
        found += block
    return [record for record in found.decode().split("\n") if record.strip()]


def values(records: list[str]) -> list[Any]:
    return [json.loads(record) for record in records]


@given(objects=_OBJECTS, size=_SIZES, indent=st.sampled_from([None, 0, 2]), ascii_only=st.booleans())
def test_arrays(objects: list[Any], size: int, indent: int | None, *, ascii_only: bool) -> None:
    text = json.dumps(objects, indent=indent, ensure_ascii=ascii_only)
    assert values(cut(text, size, is_array=True)) == objects


@given(
    objects=_OBJECTS,
    size=_SIZES,
    indent=st.sampled_from([None, 2]),
    between=st.sampled_from(["", "\n", " ", "\n\n"]),
)
def test_values_one_after_the_other(objects: list[Any], size: int, indent: int | None, between: str) -> None:
    text = between.join(json.dumps(value, indent=indent) for value in objects)
    assert values(cut(text, size, is_array=False)) == objects


@given(first=_OBJECTS, second=_OBJECTS, size=_SIZES)
def test_several_arrays(first: list[Any], second: list[Any], size: int) -> None:
    text = json.dumps(first) + "\n" + json.dumps(second)
    assert values(cut(text, size, is_array=True)) == first + second


@given(data=st.binary(max_size=200), size=_SIZES, is_array=st.booleans())
def test_nothing_but_separators_is_changed(data: bytes, size: int, *, is_array: bool) -> None:
    """Whatever comes in: no byte that says something is lost."""
    stream = RecordStream(io.BytesIO(data), is_array=is_array)
    found = b""
    while block := stream.read(size):
        found += block
    drop = b" \n[],"
    assert found.translate(None, drop) == data.removeprefix(b"\xef\xbb\xbf").translate(None, drop)


@pytest.mark.parametrize("count", range(1, 8))
def test_backslashes_over_the_border_of_blocks(count: int) -> None:
    value = [{"a": "\\" * count + '"]},{["'}, {"b": "x"}]
    text = json.dumps(value)
    for size in range(1, len(text) + 1):
        assert values(cut(text, size, is_array=True)) == value


def test_blocks_are_read_whole_by_default() -> None:
    stream = RecordStream(io.BytesIO(b'[{"a":1},{"b":2}]'), is_array=True)
    assert stream.read().count(b"\n") == 1
    assert module._BLOCK >= 1 << 16


def test_closing_closes_what_it_reads() -> None:
    inner = io.BytesIO(b"{}")
    with RecordStream(inner, is_array=False):
        assert not inner.closed
    assert inner.closed


@pytest.mark.parametrize("is_array", [True, False])
@pytest.mark.parametrize("begin", ["\ufeff", "\ufeff \n", "\r\n\t ", ""])
def test_what_may_stand_before_the_first_value(begin: str, *, is_array: bool) -> None:
    texts = ['{"a": 1}', '{"a": 2}']
    text = begin + (f"[{','.join(texts)}]" if is_array else "\n".join(texts))
    for size in (1, 4, 1 << 20):
        assert values(cut(text, size, is_array=is_array)) == [
            {"a": 1},
            {"a": 2},
        ]
