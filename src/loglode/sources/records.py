"""JSON values that are not one a line: arrays of objects, and objects one after the other.

Brackets outside strings are found with NumPy a block at a time, and every value becomes one record
of the stream that LineReader then cuts: newlines inside a record become spaces (in JSON they can only
stand between tokens), and each record but the first begins on a new line.
"""

from __future__ import annotations

import io
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

_BLOCK = 1 << 20
_QUOTE, _BACKSLASH, _COMMA, _NEWLINE, _SPACE = b'"\\,\n '
_OPEN, _CLOSE = (ord("{"), ord("[")), (ord("}"), ord("]"))
_ARRAY_OPEN, _ARRAY_CLOSE = ord("["), ord("]")


class RecordStream(io.RawIOBase):
    """A stream of records, one a line. `is_array`: the values are elements of top-level arrays."""

    def __init__(self, stream: BinaryIO, *, is_array: bool) -> None:
        self._stream = stream
        self._top = 1 if is_array else 0
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._has_begun = False

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._stream.close()
        super().close()

    def read(self, size: int = -1) -> bytes:
        """The next block, changed in place; never longer than what was read."""
        return self._convert(self._stream.read(size if size > 0 else _BLOCK))

    def _convert(self, block: bytes) -> bytes:
        if not block:
            return block
        data = np.frombuffer(block, np.uint8).copy()
        outside = ~self._strings(data)
        delta = np.zeros(len(data), np.int32)
        delta[outside & np.isin(data, _OPEN)] = 1
        delta[outside & np.isin(data, _CLOSE)] = -1
        depth = self._depth + np.cumsum(delta)
        self._depth = int(depth[-1])
        data[outside & (data == _NEWLINE)] = _SPACE
        self._depth = max(self._depth, 0)  # stray closing brackets: what follows is read afresh
        if self._top:
            data[outside & (data == _ARRAY_CLOSE) & (depth == 0)] = _SPACE
            data[outside & (data == _COMMA) & (depth == 1)] = _NEWLINE
            starts = outside & (data == _ARRAY_OPEN) & (depth == 1) & (delta == 1)
            data[starts] = self._separators(int(starts.sum()))
        else:
            starts = np.flatnonzero((delta == 1) & (depth == 1))
            data = np.insert(data, starts, self._separators(len(starts)))
        return data.tobytes()

    def _separators(self, count: int) -> npt.NDArray[np.uint8]:
        """A newline before each record or array, but a space before the very first."""
        separators = np.full(count, _NEWLINE, np.uint8)
        if count and not self._has_begun:
            separators[0], self._has_begun = _SPACE, True
        return separators

    def _strings(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """True inside string literals (the opening quote included), over block borders."""
        quotes = data == _QUOTE
        slashes = data == _BACKSLASH
        if self._escaped or slashes.any():
            quotes &= ~self._escapes(slashes)
        else:
            self._escaped = False
        inside = (np.cumsum(quotes) + self._in_string) % 2 == 1
        self._in_string = bool(inside[-1])
        return cast("npt.NDArray[np.bool_]", inside)

    def _escapes(self, slashes: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """True where an odd number of backslashes stands before."""
        places = np.arange(len(slashes))
        last_other = np.maximum.accumulate(np.where(slashes, -1, places))
        run = places - last_other  # backslashes up to and including here, since the last other byte
        carried = int(self._escaped)
        run = np.where(last_other < 0, run + carried, run)
        before = np.empty(len(slashes), np.int64)
        before[0], before[1:] = carried, np.where(slashes[:-1], run[:-1], 0)
        self._escaped = bool(slashes[-1] and run[-1] % 2 == 1)
        return cast("npt.NDArray[np.bool_]", before % 2 == 1)
