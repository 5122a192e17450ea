"""Lines of an object as Arrow batches: number, text and fault, streamed a block at a time.

A block is cut into lines by NumPy on the raw bytes; the text buffer is handed to Arrow as it is, so
no line ever becomes a Python object. A line's text keeps its newline.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from loglode.errors import ObjectGrownError
from loglode.sources.headers import Headers
from loglode.sources.kinds import FAULT_COMPRESSION, FAULT_DAMAGED, FAULT_ENCRYPTED, FAULT_FORMAT, DamageError
from loglode.sources.nesting import FAULT_TOO_DEEP, FAULT_TOO_WIDE, unbounded
from loglode.sources.records import separated

BLOCK_BYTES = 1 << 20
MAX_LINE_BYTES = 1 << 20
# Lines at the head of an object that tell it from others; see `_Head`.
HEAD_LINES = 128
FINGERPRINT_DIGITS = 32
FAULT_TOO_LONG = "line_too_long"
# The engine raised an error for the line.
FAULT_ENGINE = "engine_error"
# Lines with one of these are refused without a look at their text.
UNPARSED = (FAULT_ENGINE, FAULT_TOO_DEEP, FAULT_TOO_WIDE)
# Reasons that readers give, not rules: the line is not whole, or no line.
FAULTS = (
    FAULT_TOO_LONG,
    FAULT_DAMAGED,
    FAULT_ENCRYPTED,
    FAULT_COMPRESSION,
    FAULT_FORMAT,
    FAULT_TOO_DEEP,
    FAULT_TOO_WIDE,
)
_SHORT_LINE = 16
_BOM = b"\xef\xbb\xbf"
_NEWLINE, _QUOTE, _COLON, _SPACE, _N = b'\n": n'
SCHEMA = pa.schema(
    [
        ("source_object", pa.dictionary(pa.int32(), pa.string())),
        ("fingerprint", pa.dictionary(pa.int32(), pa.string())),
        ("source_line", pa.int64()),
        ("text", pa.string()),
        # The last header line at or above the line, or null.
        ("header", pa.dictionary(pa.int32(), pa.string())),
        ("key_count", pa.int32()),  # how often `":` occurs in the line
        ("line_id", pa.string()),  # null, or the id that the line got when it was first read
        ("fault", pa.string()),  # null, or a reason and the line's true length: "line_too_long:123"
    ]
)


class LineReader:
    """Reads one object; counts lines and bytes as it goes. `uri` must be valid text.

    Without `counts_keys`, `key_count` is 0. `check` is called for every block and may raise.
    `header_prefix`: sources.headers; `head_lines`: `_Head`.
    """

    def __init__(
        self,
        uri: str,
        stream: BinaryIO,
        *,
        counts_keys: bool = True,
        header_prefix: bytes | None = None,
        head_lines: int = HEAD_LINES,
        check: Callable[[LineReader], None] = lambda _: None,
    ) -> None:
        self._headers = Headers(header_prefix)
        self._counts_keys = counts_keys
        self.uri = uri
        self.lines = 0
        self.bytes = 0
        self.blank = 0  # blank lines in blocks of very short lines
        self._check = check
        self._stream = stream
        self._object = _text(uri)
        self._head = _Head(head_lines)
        # What the decompressed bytes prove to be wrong with the object; known at the end.
        self.damage = ""
        self._fault: tuple[str, bytes] = (FAULT_DAMAGED, b"")
        self._has_grown = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Arrow batches of SCHEMA. Damage to compressed data becomes a last, faulty line.

        A last line without a newline is left out if text was appended to the object since it was listed:
        it may be a part of a line, and belongs to the next state. Every other error of the stream is
        raised: it says nothing about the object.
        """
        pending, long_length = b"", 0
        for chunk in self._chunks():
            data = chunk
            if long_length:
                end = chunk.find(b"\n")
                if end < 0:
                    long_length += len(chunk)
                    continue
                yield self._faulty(pending, FAULT_TOO_LONG, long_length + end)
                pending, long_length, data = b"", 0, chunk[end + 1 :]
            data = pending + data
            cut = data.rfind(b"\n") + 1
            if cut:
                yield from self._block(data[:cut])
            pending = data[cut:]
            if len(pending) > MAX_LINE_BYTES:
                long_length, pending = len(pending), pending[:MAX_LINE_BYTES]
        if self._has_grown:
            self.bytes -= long_length or len(pending)
        elif long_length:
            yield self._faulty(pending, FAULT_TOO_LONG, long_length)
        elif self.damage:
            reason, excerpt = self._fault
            yield self._faulty(pending or excerpt, reason, len(pending or excerpt))
        elif pending:
            yield from self._block(pending)
        self._check(self)

    def _chunks(self) -> Iterator[bytes]:
        while True:
            try:
                chunk = self._stream.read(BLOCK_BYTES)
            except DamageError as error:
                self.damage, self._fault = str(error), (error.reason, error.excerpt)
                return
            except ObjectGrownError:
                self._has_grown = True
                return
            if not chunk:
                return
            is_first = not self.bytes
            self.bytes += len(chunk)
            self._check(self)
            yield chunk[len(_BOM) :] if is_first and chunk.startswith(_BOM) else chunk

    def _block(self, data: bytes) -> Iterator[pa.RecordBatch]:
        """Whole lines; only the very last one of an object may lack its newline."""
        if self._counts_keys and (b"}{" in data or b"} {" in data):
            data = separated(data)
        ends = _line_ends(data)
        lengths = np.diff(ends, prepend=0)
        too_long = np.flatnonzero(lengths > MAX_LINE_BYTES)
        if not len(too_long):
            yield self._batch(data, ends)
            return
        start = 0
        for index in too_long:  # at most two a block
            first, last = int(ends[index] - lengths[index]), int(ends[index])
            if first > start:
                yield self._batch(data[start:first])
            length = last - first - (data[last - 1] == _NEWLINE)
            yield self._faulty(data[first : first + MAX_LINE_BYTES], FAULT_TOO_LONG, length)
            start = last
        if start < len(data):
            yield self._batch(data[start:])

    def _batch(self, data: bytes, ends: npt.NDArray[np.int64] | None = None) -> pa.RecordBatch:
        valid = data if data.isascii() else _valid_utf8(data)
        if ends is None or valid is not data:
            ends = _line_ends(valid)
        offsets = np.empty(len(ends) + 1, np.int32)
        offsets[0], offsets[1:] = 0, ends
        text = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(valid))
        raw = np.frombuffer(valid, np.uint8)
        self.blank += _count_blank(raw, offsets)
        keys, faults = np.zeros(len(ends), np.int32), None
        if self._counts_keys:
            keys, faults = _count_keys(raw, offsets), unbounded(valid, offsets)
        return self._to_batch(text, _array(pa.int32(), keys), faults)

    def _faulty(self, head: bytes, fault: str, length: int) -> pa.RecordBatch:
        text = _text(_valid_utf8(head).decode("utf-8"))
        return self._to_batch(text, _array(pa.int32(), np.zeros(1, np.int32)), _text(f"{fault}:{length}"))

    def _to_batch(
        self, text: pa.StringArray, keys: pa.Int32Array, faults: pa.StringArray | None
    ) -> pa.RecordBatch:
        count = len(text)
        first = self.lines + 1
        self.lines += count
        headers = self._headers.of(text, is_first=first == 1, is_whole=faults is None or count > 1)
        zeros = _array(pa.int32(), np.zeros(count, np.int32))
        return pa.RecordBatch.from_arrays(
            [
                pa.DictionaryArray.from_arrays(zeros, self._object),
                self._head.fingerprints(text),
                _array(pa.int64(), np.arange(first, first + count)),
                text,
                headers,
                keys,
                pa.nulls(count, pa.string()),
                pa.nulls(count, pa.string()) if faults is None else faults,
            ],
            schema=SCHEMA,
        )


class _Head:
    """Fingerprints of the lines of an object: of each, a hash of the lines at the object's head up to it.

    The head are the first `left` lines that are not blank. Others have that of the head above or "".
    So renaming, compressing or growing an object changes none, and of two objects that begin alike the
    fingerprints differ from the first line on that differs. A line of the head has that of the line above
    before its own, the first one a value that no other line has; but not where the head is one line.
    """

    def __init__(self, left: int) -> None:
        self._left = left
        self._has_pairs = left > 1
        self._hash = hashlib.sha256()
        self._last = ""

    def fingerprints(self, text: pa.StringArray) -> pa.DictionaryArray:
        """Of the next lines."""
        found, places, place = [self._last], np.zeros(len(text), np.int32), 0
        while self._left and place < len(text):
            for value in text[place : place + self._left].to_pylist():
                line = value.strip(" \t\r\n")  # what the silver statement calls blank
                if line:
                    found += self._next(line.encode())
                places[place] = len(found) - 2 if line and self._has_pairs else len(found) - 1
                place += 1
        places[place:] = len(found) - 1
        return pa.DictionaryArray.from_arrays(_array(pa.int32(), places), _texts(found))

    def _next(self, line: bytes) -> tuple[str, ...]:
        """Of a line of the head, and of lines below it."""
        above = self._last or _short(hashlib.sha256(b"\n" + line))
        self._hash.update(b"\n" + line if self._last else line)
        self._last = _short(self._hash)
        self._left -= 1
        return (above + self._last, self._last) if self._has_pairs else (self._last,)


def _short(digest: hashlib._Hash) -> str:
    return digest.hexdigest()[:FINGERPRINT_DIGITS]


def _count_blank(raw: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int32]) -> int:
    """Blank lines of a block whose lines are very short; in others they do not matter."""
    if len(raw) >= _SHORT_LINE * (len(offsets) - 1):
        return 0
    return int(np.count_nonzero(np.maximum.reduceat(raw, offsets[:-1]) <= _SPACE))


def _line_ends(data: bytes) -> npt.NDArray[np.int64]:
    """Where each line ends, behind its newline; the last one may have none."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE) + 1
    return ends if len(ends) and ends[-1] == len(data) else np.append(ends, len(data))


def _array(kind: pa.DataType, values: npt.NDArray[Any]) -> pa.Array:
    """The values as they lie. pa.array would import pandas, where it is installed, just to ask about it."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _text(value: str) -> pa.StringArray:
    """An array of one text, for the same reason."""
    return _texts([value])


def _texts(values: list[str]) -> pa.StringArray:
    data = [value.encode() for value in values]
    offsets = np.cumsum([0, *map(len, data)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(data), pa.py_buffer(offsets), pa.py_buffer(b"".join(data)))


def _count_keys(raw: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """How often `":` or `" :` occurs in each line without a null behind it: the keys of a flat object.

    Text that looks like it inside a value, or objects in objects, only make the count too high.
    """
    colons = np.flatnonzero(raw == _COLON)
    before = raw[np.maximum(colons - 1, 0)]
    colons = colons[(before == _QUOTE) | (before <= _SPACE)]
    after = raw[np.minimum(colons + 1, len(raw) - 1)]
    after = np.where(after == _SPACE, raw[np.minimum(colons + 2, len(raw) - 1)], after)
    colons = colons[after != _N]
    return np.diff(np.searchsorted(colons, offsets)).astype(np.int32)


def _valid_utf8(data: bytes) -> bytes:
    r"""Bytes that are not UTF-8 are shown as \xNN, as nginx writes them, and so stay visible."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("utf-8", "backslashreplace").encode("utf-8")
    return data
