"""Broken JSON between good records: it costs itself, at most the record that it touches, and no byte."""

from __future__ import annotations

import io
import json
import re
import time
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loglode.sources.records import RecordStream

_TEXTS = st.text(st.sampled_from('ab"\\{}[],:\n é'), max_size=8)
_VALUES = st.recursive(
    _TEXTS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=5,
)
_RECORDS = st.dictionaries(_TEXTS, _VALUES, min_size=1, max_size=3)
_INDENTS = st.sampled_from([None, 0, 2, "\t"])
# Text of one or more lines: brackets that do not match, quotes without an end, whatever else.
_GARBAGE = st.text(st.sampled_from('{}[]":,\\ \nax1'), min_size=1, max_size=14).filter(str.strip)
_SIZES = st.integers(1, 60)


def cut(text: str, size: int, *, is_array: bool) -> list[str]:
    """Records of a text that is read `size` bytes at a time."""
    stream = RecordStream(io.BytesIO(text.encode()), is_array=is_array)
    return b"".join(iter(lambda: stream.read(size), b"")).decode().split("\n")


def objects(records: list[str]) -> list[dict[str, Any]]:
    """The records that are JSON objects."""
    found = []
    for record in records:
        try:
            value = json.loads(record)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def visible(text: str) -> str:
    """The text without what stands between records."""
    return text.translate(str.maketrans("", "", " \n\t[],"))


@st.composite
def damaged(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[str], list[bool]]:
    """Records with an id, their texts, and which of them are garbage instead: whole, or with a piece of
    text removed, added or both."""
    records, texts, is_garbage = [], [], []
    indent = draw(_INDENTS)
    for number in range(draw(st.integers(2, 7))):
        record = {"id": number, **draw(_RECORDS)}
        text = json.dumps(record, indent=indent, ensure_ascii=False)
        kind = draw(st.sampled_from(["whole", "whole", "whole", "garbage", "cut", "changed"]))
        if kind != "whole":
            begin, end = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
            added = draw(_GARBAGE)
            text = {"garbage": added, "cut": text[:begin], "changed": text[:begin] + added + text[end:]}[kind]
        records.append(record)
        texts.append(text)
        is_garbage.append(kind != "whole")
    return records, texts, is_garbage


@given(case=damaged(), size=_SIZES)
def test_values(case: tuple[list[dict[str, Any]], list[str], list[bool]], size: int) -> None:
    """Each record that begins a line and follows a good one is read; one that follows garbage may be a part
    of it (`{"a":` and then the record is an object)."""
    records, texts, is_garbage = case
    text = "\n".join(texts)
    found = cut(text, size, is_array=False)
    read = objects(found)
    for number, record in enumerate(records):
        if not is_garbage[number] and not any(is_garbage[max(number - 1, 0) : number]):
            assert read.count(record) == 1
    assert visible("".join(found)) == visible(text)


def leaves_array_open(text: str) -> bool:
    """Whether a bracket `[` stays open at the end of a text, as far as anybody can say."""
    depth = 0
    for line in text.split("\n"):
        outside = re.sub(r'"(?:[^"\\]|\\.)*(?:"|$)', "", line)
        for character in outside:
            depth = max(0, depth + {"[": 1, "]": -1}.get(character, 0))
    return depth > 0


@given(case=damaged(), size=_SIZES)
def test_arrays(case: tuple[list[dict[str, Any]], list[str], list[bool]], size: int) -> None:
    """The same for elements of an array; one that stops inside an array of its own goes on in the next."""
    records, texts, is_garbage = case
    assume(not any(leaves_array_open(text) for text in texts))
    text = "[\n" + ",\n".join(texts) + "\n]"
    found = cut(text, size, is_array=True)
    read = objects(found)
    for number, record in enumerate(records):
        if not is_garbage[number] and not any(is_garbage[max(number - 1, 0) : number]):
            assert read.count(record) == 1
    assert visible("".join(found)) == visible(text)


@pytest.mark.parametrize(
    "broken",
    [
        '{"a": 1}}', '{"a": 1}]', "}", "]]}", '{"a": "never ends', '{"a": "never ends,\n  "b": [', '{"a": {"b": 1}', '{\n  "a": 1,',
        '{\n  "a": [\n    {"x": 1},', '{"a":', "{", "[", "[[", '"', "--- log rotated ---", "[2026-03-04 05:06] it's late",
        '{"a": [1, 2}', "{'a': 1}", '{"a" 1}', "\\", '\\"', ",", ":", '{"a": "\\', "{\n  {",
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [7, 1 << 20])
def test_good_records_around_a_broken_one(broken: str, size: int) -> None:
    good = [{"id": number, "list": [{"x": 1}, []], "text": '},{"'} for number in range(6)]
    text = "\n".join([*(json.dumps(v, indent=2) for v in good[:3]), broken, *map(json.dumps, good[3:])])
    found = cut(text, size, is_array=False)
    # At most the record that follows can be taken for a part of the broken one.
    assert [value for value in good if value in objects(found)] in (good, [*good[:3], *good[4:]])
    assert visible("".join(found)) == visible(text)


@pytest.mark.parametrize("broken", ['{"a": 1}}', '{"a": 1}]', "}", "]", "}}]", '{"a": {"b": 1}', '{"a": {},', '{"a": "x', "{", "text"])  # fmt: skip
@pytest.mark.parametrize("between", [",", ",\n", "\n, "])
def test_good_elements_around_a_broken_one(broken: str, between: str) -> None:
    good = [{"id": number, "list": [{"x": 1}, []], "text": "]},["} for number in range(6)]
    if broken.count('"') % 2 and "\n" not in between:
        between = ",\n"  # a string without an end takes the rest of its line
    text = f"[{between.join([*map(json.dumps, good[:3]), broken, *map(json.dumps, good[3:])])}]"
    found = cut(text, 16, is_array=True)
    assert [value for value in good if value in objects(found)] == good
    assert visible("".join(found)) == visible(text)


def test_text_on_the_line_of_a_record_belongs_to_it() -> None:
    assert cut('{"a":1}}\n{\n"b":2}\n{"c":\n3} x\n{"d":4}', 8, is_array=False) == ['{"a":1}} ', '{ "b":2} ', '{"c": 3} x ', '{"d":4}']  # fmt: skip


@pytest.mark.parametrize("is_array", [True, False])
@pytest.mark.parametrize("piece", ["{", "}", "[", "]", '"\n', "{\n", "\n{", ",\n{", '{"a":{},', "\\", '"', " ", "\n", ":[", "],["])  # fmt: skip
def test_any_text_costs_time_in_proportion(piece: str, *, is_array: bool) -> None:
    """Four times the text takes about four times as long; with anything quadratic it would be 16 times."""
    costs = []
    for size in (1 << 17, 1 << 19):
        text = piece * (size // len(piece))
        costs.append(min(_cost(text, is_array=is_array) for _ in range(3)))
    assert costs[1] < 10 * max(costs[0], 0.001)


def _cost(text: str, *, is_array: bool) -> float:
    begun = time.thread_time()
    cut(text, 1 << 15, is_array=is_array)
    return time.thread_time() - begun


@pytest.mark.parametrize("depth", [40, 63, 64, 65, 200])
def test_deep_values_go_over_blocks(depth: int) -> None:
    value = json.loads('{"a":[1,' * depth + '{"b":[]},{"b":[]}' + ',{"c":2}]}' * depth)
    for size in (50, 1 << 20):
        assert objects(cut(json.dumps([value, value]), size, is_array=True)) == [value, value]
