"""OpenTelemetry logs in OTLP's JSON, of which one line holds many records: each becomes a line of its own.

Format: https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/. A record's attributes, a list of
keys and typed values, become the keys of one JSON object, as the contract's aliases name them
(`http.request.method`). Its time becomes `timestamp`, and a body of text `body`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from loglode.sources.stacked import Stacked

MAX_BYTES = 16 << 20  # of a line that is taken apart; a longer one stays as it is, and is refused
_BLOCK = 1 << 20
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_SCALARS = ("stringValue", "boolValue", "intValue", "doubleValue", "bytesValue")


class OtlpStream(Stacked):
    """A stream of the records of OTLP lines, one a line. Lines of any other kind stay as they are."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream)
        self._rest = b""
        self._is_long = False  # whether a line that is too long goes on

    def read(self, size: int = -1) -> bytes:
        """The records of the next lines, however many bytes they take; nothing at the end."""
        del size
        while block := self._stream.read(_BLOCK):
            data, self._rest = self._rest + block, b""
            if self._is_long:
                end, newline, self._rest = data.partition(b"\n")
                self._is_long = not newline
                return end + newline
            whole, newline, rest = data.rpartition(b"\n")
            if not newline and len(rest) > MAX_BYTES:
                self._is_long = True
                return rest
            self._rest = rest
            if newline:
                return _apart(whole) + newline
        rest, self._rest = self._rest, b""
        return _apart(rest)


def _apart(lines: bytes) -> bytes:
    return b"\n".join(record for line in lines.split(b"\n") for record in records_of(line))


def records_of(line: bytes) -> Iterator[bytes]:
    """The log records of a line, each as flat JSON; the line itself where it has none."""
    try:
        flat = [_flat(record) for record in _records(json.loads(line))] if b'"resourceLogs"' in line else []
    except (ValueError, RecursionError, TypeError, AttributeError, KeyError):
        flat = []
    if not flat:
        yield line
        return
    for record in flat:
        yield _encoded(record).encode("utf-8", "backslashreplace")


def _records(value: Any) -> Iterator[dict[str, Any]]:
    for resource in value["resourceLogs"]:
        # Before version 0.15 of the protocol scopes were libraries.
        for scope in resource.get("scopeLogs") or resource.get("instrumentationLibraryLogs") or ():
            yield from scope.get("logRecords") or scope.get("logs") or ()


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    body = _value(record.get("body") or {})
    found: dict[str, Any] = dict(body) if isinstance(body, dict) else {}
    found |= _attributes(record.get("attributes") or ())
    if isinstance(body, str):
        found.setdefault("body", body)
    if (sent := found.get("http.request.method_original")) is not None:
        found["http.request.method"] = sent  # in its place stands `_OTHER`
    time, observed = (str(record.get(name) or "0") for name in ("timeUnixNano", "observedTimeUnixNano"))
    if time != "0":
        found["timestamp"] = time
    elif observed != "0":
        found.setdefault("timestamp", observed)
    return found


def _attributes(pairs: Any) -> dict[str, Any]:
    return {str(pair["key"]): _value(pair.get("value") or {}) for pair in pairs}


def _value(value: dict[str, Any]) -> Any:
    for name in _SCALARS:
        if name in value:
            return value[name]
    if "arrayValue" in value:
        return [_value(item) for item in value["arrayValue"].get("values") or ()]
    if "kvlistValue" in value:
        return _attributes(value["kvlistValue"].get("values") or ())
    return None
