"""Records of OTLP lines: one line for each, with the attributes as keys."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglode.formats import look
from loglode.sources import otlp
from loglode.sources.otlp import OtlpStream, records_of
from loglode.sources.records import RecordStream

TIME = "1776153600123456789"


def typed(value: Any) -> dict[str, Any]:
    """A value as OTLP writes it."""
    if isinstance(value, list):
        return {"arrayValue": {"values": [typed(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": pairs(value)}}
    return {
        {bool: "boolValue", float: "doubleValue", str: "stringValue", int: "intValue"}[type(value)]: value
    }


def pairs(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": typed(value)} for key, value in values.items()]


def otlp_line(*scopes: list[dict[str, Any]], **more: Any) -> str:
    """A line with a resource for each list of attributes; `more` is what else a record has."""
    return json.dumps(
        {
            "resourceLogs": [
                {
                    "resource": {"attributes": pairs({"service.name": "shop", "status": 7})},
                    "scopeLogs": [
                        {
                            "logRecords": [
                                {"timeUnixNano": TIME, "attributes": pairs(a), **more} for a in scope
                            ]
                        }
                    ],
                }
                for scope in scopes
            ]
        }
    )


def apart(data: bytes) -> list[dict[str, Any]]:
    stream = OtlpStream(RecordStream(io.BytesIO(data), is_array=False))  # type: ignore[arg-type]
    found = b"".join(iter(stream.read, b""))
    return [json.loads(line) for line in found.split(b"\n") if line.strip()]


_TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
_VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53).map(str) | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=4,
)  # fmt: skip
_KEYS = _TEXTS.filter(lambda key: key not in ("timestamp", "body"))
_SCOPES = st.lists(st.lists(st.dictionaries(_KEYS, _VALUES, max_size=4), max_size=4), max_size=3)


@given(lines=st.lists(_SCOPES, max_size=4), indent=st.booleans())
def test_each_record_is_one_line(lines: list[list[list[dict[str, Any]]]], *, indent: bool) -> None:
    texts = [otlp_line(*scopes) for scopes in lines]
    if indent:
        texts = [json.dumps(json.loads(text), indent=2) for text in texts]
    records = [[{**record, "timestamp": TIME} for scope in scopes for record in scope] for scopes in lines]
    # A line without a record stays, so that it is counted.
    wanted = [found or [json.loads(text)] for found, text in zip(records, texts, strict=True)]
    assert apart("\n".join(texts).encode()) == [record for found in wanted for record in found]


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, {"timestamp": TIME}),
        ({"timeUnixNano": "0", "observedTimeUnixNano": "17"}, {"timestamp": "17"}),
        ({"timeUnixNano": "0"}, {}),
        ({"timeUnixNano": 5}, {"timestamp": "5"}),
        ({"body": typed("said")}, {"timestamp": TIME, "body": "said"}),
        ({"body": typed({"status": "3", "a": "b"})}, {"timestamp": TIME, "a": "b", "status": "3"}),
    ],
)
def test_times_and_bodies(more: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert apart(otlp_line([{}], **more).encode()) == [wanted]


def test_the_method_that_was_sent_is_the_method() -> None:
    sent = {"http.request.method": "_OTHER", "http.request.method_original": "BREW"}
    assert apart(otlp_line([sent]).encode())[0]["http.request.method"] == "BREW"


@pytest.mark.parametrize(
    "line",
    [
        "", "no json", '{"a": 1}', '{"resourceLogs": 3}', '{"resourceLogs": [{"scopeLogs": [{"logRecords": [1]}]}]}',
        '{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": [{"no": "key"}]}]}]}]}', '{"resourceLogs"',
        '{"resourceLogs": [], "path": "/"}',
    ],
)  # fmt: skip
def test_what_is_no_otlp_stays_as_it_is(line: str) -> None:
    assert list(records_of(line.encode())) == [line.encode()]


def test_a_line_that_is_too_long_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "MAX_BYTES", 500)
    monkeypatch.setattr(otlp, "_BLOCK", 64)
    lines = [otlp_line([{"a": "b"}]), otlp_line([{"long": "x" * 900}]), otlp_line([{"c": "d"}])]
    stream = OtlpStream(io.BytesIO("\n".join(lines).encode()))
    found = b"".join(iter(stream.read, b"")).decode().split("\n")
    assert found[1] == lines[1] and len(found) == 3


def test_it_is_detected_with_the_keys_of_its_attributes() -> None:
    head = look(otlp_line([{"http.request.method": "GET", "url.path": "/"}]).encode()[:400])
    assert (head.format.name, head.layout) == ("json", "otlp")
    assert head.keys >= {"http.request.method", "timestamp"}
