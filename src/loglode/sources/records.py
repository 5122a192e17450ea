"""JSON values that are not one a line: arrays of objects, and objects one after the other.

Brackets outside strings are found with NumPy a block at a time, and every value becomes one record of
the stream that LineReader then cuts: newlines inside a record become spaces (in JSON they can only
occur between tokens), and each record but the first begins on a new line.

A broken value must not swallow the ones after it. These rules cut it off, and never cut valid JSON:

- A string ends at the end of its line at the latest; where it does not end by itself, the newline stays.
- Inside a value, an opening bracket follows `:` or `[`, or in an array `,`. Any other one begins a new
  record, however deep the value before it seems to be.
- A closing bracket too many closes nothing.
- Text that begins a line between records is a record of its own.

What no rule can see is a value that stops inside an array of its own, in a file that is an array: the
elements after it are valid there.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from loglode.sources.stacked import Stacked

_BLOCK = 1 << 20
_BOM = b"\xef\xbb\xbf"
_QUOTE, _BACKSLASH, _COMMA, _COLON, _NEWLINE, _SPACE = b'"\\,:\n '
_BRACE, _BRACKET, _END_BRACKET = b"{[]"
_END_BRACE = ord("}")
_OTHER = ord("x")  # of the byte before a token: a scalar, a string, or text that is not JSON
_NOTHING = 0
_GOES_ON = np.zeros(256, np.bool_)
_GOES_ON[list(b":,[")] = True
_STRUCTURAL = np.zeros(256, np.bool_)
_STRUCTURAL[list(b"{}[],:")] = True
_DELTA = np.zeros(256, np.int64)
_DELTA[list(b"{[")], _DELTA[list(b"}]")] = 1, -1
_FAR = 1 << 40  # more than any depth
_INDEX_BITS = 22  # enough for the brackets of a block
_LEVELS = 64  # as deep as containers are known from one block to the next

_Places = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]
_Bytes = npt.NDArray[np.uint8]


class _Tokens(NamedTuple):
    """A block: its bytes, its newlines, its other bytes that are not blank, and its structural characters
    outside of strings, as places and kinds. `is_odd` marks newlines inside a string."""

    data: _Bytes
    newlines: _Places
    is_odd: _Flags
    visible: _Places
    places: _Places
    kinds: _Bytes


class _Brackets(NamedTuple):
    """Brackets outside of strings, and the depth before and after each."""

    places: _Places
    kinds: _Bytes
    before: _Places
    after: _Places


@dataclass(slots=True)
class _State:
    """What a block needs to know of those before it."""

    depth: int
    in_string: bool = False
    is_escaped: bool = False
    is_blank: bool = True  # whether the line is blank so far
    is_separated: bool = True  # whether the output holds nothing visible since its last newline
    last: int = _NOTHING  # the last visible byte, _OTHER where it is not structural
    containers: _Bytes = field(default_factory=lambda: np.zeros(_LEVELS, np.uint8))  # open brackets by depth


def separated(data: bytes) -> bytes:
    """Whole lines, with a newline between objects that one line holds one after the other: `{…}{…}`.

    Within an object a bracket never follows another one so, except in a string.
    """
    stream = RecordStream(io.BytesIO(), is_array=False)
    tokens = stream._tokens(np.frombuffer(data, np.uint8))  # noqa: SLF001 - of this module
    is_glued = (tokens.kinds[:-1] == _END_BRACE) & (tokens.kinds[1:] == _BRACE)
    ends, begins = tokens.places[:-1][is_glued], tokens.places[1:][is_glued]
    # Nothing but blanks between them, and no end of a line.
    visible = np.searchsorted(tokens.visible, begins) - np.searchsorted(tokens.visible, ends)
    lines = np.searchsorted(tokens.newlines, begins) - np.searchsorted(tokens.newlines, ends)
    begins = begins[(visible == 1) & (lines == 0)]
    return np.insert(np.frombuffer(data, np.uint8), begins, _NEWLINE).tobytes() if len(begins) else data


class RecordStream(Stacked):
    """A stream of records, one a line. `is_array`: the values are elements of top-level arrays."""

    def __init__(self, stream: BinaryIO, *, is_array: bool) -> None:
        super().__init__(stream)
        self._is_array = is_array
        self._top = int(is_array)  # the depth between records
        self._state = _State(self._top)
        self._has_begun = False

    def read(self, size: int = -1) -> bytes:
        """The next block, one record a line."""
        block = self._stream.read(min(size, _BLOCK) if size > 0 else _BLOCK)
        if not self._has_begun:
            self._has_begun = True
            block = self._without_mark(block)
        return self._convert(np.frombuffer(block, np.uint8)) if block else block

    def _without_mark(self, block: bytes) -> bytes:
        """The first block with spaces for a byte order mark, which is not a part of the first value."""
        while len(block) < len(_BOM) and (more := self._stream.read(len(_BOM) - len(block))):
            block += more
        return b" " * len(_BOM) + block[len(_BOM) :] if block.startswith(_BOM) else block

    def _convert(self, block: _Bytes) -> bytes:
        tokens = self._tokens(block)
        brackets = self._brackets(tokens)
        data = block.copy()
        data[tokens.newlines[~tokens.is_odd]] = _SPACE
        is_start = (_DELTA[brackets.kinds] > 0) & (brackets.before == self._top)
        starts = np.sort(np.append(brackets.places[is_start], self._loose(tokens, brackets)))
        if self._is_array:
            self._take_arrays_apart(data, tokens, brackets)
        starts = self._unseparated(starts, data)
        self._remember(tokens, brackets)
        return np.insert(data, starts, _NEWLINE).tobytes()

    def _tokens(self, data: _Bytes) -> _Tokens:
        """Find strings line by line: in JSON none goes over the end of a line."""
        quotes = data == _QUOTE
        slashes = data == _BACKSLASH
        if self._state.is_escaped or slashes.any():
            quotes &= ~self._escapes(slashes)
        count = np.cumsum(quotes, dtype=np.int32)
        newlines = np.flatnonzero(data == _NEWLINE)
        before_line = np.append(np.int32(-self._state.in_string), count[newlines])
        is_odd = (count[newlines] - before_line[:-1]) % 2 == 1
        self._state.in_string = bool((count[-1] - before_line[-1]) % 2)
        places = np.flatnonzero(_STRUCTURAL[data])
        places = places[(count[places] - before_line[np.searchsorted(newlines, places)]) % 2 == 0]
        return _Tokens(data, newlines, is_odd, np.flatnonzero(data > _SPACE), places, data[places])

    def _escapes(self, slashes: _Flags) -> _Flags:
        """True at each byte that follows an odd number of backslashes."""
        places = np.arange(len(slashes))
        last_other = np.maximum.accumulate(np.where(slashes, -1, places))
        run = places - last_other  # backslashes up to and including here, since the last other byte
        carried = int(self._state.is_escaped)
        run = np.where(last_other < 0, run + carried, run)
        before = np.empty(len(slashes), np.int64)
        before[0], before[1:] = carried, np.where(slashes[:-1], run[:-1], 0)
        self._state.is_escaped = bool(slashes[-1] and run[-1] % 2 == 1)
        return cast("_Flags", before % 2 == 1)

    def _brackets(self, tokens: _Tokens) -> _Brackets:
        """Depths, counted anew at every bracket that cannot be inside a value, and never below the top."""
        is_bracket = _DELTA[tokens.kinds] != 0
        places, kinds = tokens.places[is_bracket], tokens.kinds[is_bracket]
        last = self._preceding(tokens, np.searchsorted(tokens.visible, places) - 1)
        is_opening = _DELTA[kinds] > 0
        is_anew = is_opening & ~_GOES_ON[last]
        is_array = is_anew & (kinds == _BRACKET) & ((last == _NOTHING) | (last == _END_BRACKET))
        is_array &= self._is_array
        brackets = self._counted(places, kinds, is_anew, is_array)
        listed = np.flatnonzero(is_opening & (last == _COMMA) & (brackets.before > self._top))
        is_member = self._containers(brackets, brackets.before[listed], listed) == _BRACE
        if is_member.any():
            is_anew[listed[is_member]] = True
            brackets = self._counted(places, kinds, is_anew, is_array)
        return brackets

    def _counted(self, places: _Places, kinds: _Bytes, is_anew: _Flags, is_array: _Flags) -> _Brackets:
        delta = _DELTA[kinds]
        count = np.cumsum(delta)
        base = np.where(is_array, 0, self._top)[is_anew]
        section = np.cumsum(is_anew)
        depth = count + np.append(self._state.depth, base - count[is_anew] + 1)[section]
        lowest = np.minimum.accumulate(depth - section * _FAR) + section * _FAR
        after = depth - np.minimum(lowest - self._top, 0)
        before = np.append(self._state.depth, after)[:-1]
        before[is_anew] = base
        return _Brackets(places, kinds, before, after)

    def _containers(self, brackets: _Brackets, depths: _Places, index: _Places) -> _Bytes:
        """The kind of the bracket that is open at a depth, before the bracket of an index."""
        openings = np.flatnonzero(_DELTA[brackets.kinds] > 0)
        # By depth, then by place: the last opening before a place has not been closed at that depth.
        ordered = np.append(-1, np.sort((brackets.after[openings] << _INDEX_BITS) + openings))
        found = ordered[np.searchsorted(ordered, (depths << _INDEX_BITS) + index) - 1]
        kinds = np.append(brackets.kinds, _NOTHING)[np.maximum(found, 0) & ((1 << _INDEX_BITS) - 1)]
        carried = self._state.containers[np.minimum(depths, _LEVELS - 1)]
        return cast("_Bytes", np.where(found >> _INDEX_BITS == depths, kinds, carried).astype(np.uint8))

    def _preceding(self, tokens: _Tokens, index: _Places) -> _Bytes:
        """What the visible bytes of these indices are; -1 is the last one of the blocks before."""
        place = np.append(tokens.visible, -1)[index]
        token = np.searchsorted(tokens.places, place)
        is_token = np.append(tokens.places, -2)[token] == place
        kinds = np.append(tokens.kinds, np.uint8(_NOTHING))[token]
        return np.where(index < 0, np.uint8(self._state.last), np.where(is_token, kinds, np.uint8(_OTHER)))

    def _loose(self, tokens: _Tokens, brackets: _Brackets) -> _Places:
        """Where text begins a line between records and is neither a value's beginning nor a separator."""
        lines = tokens.newlines + 1
        if self._state.is_blank:
            lines = np.append(0, lines)
        index = np.searchsorted(tokens.visible, lines)
        index = index[(np.diff(index, prepend=-1) > 0) & (index < len(tokens.visible))]
        places = tokens.visible[index]
        index = index[self._depth_at(brackets, places) == self._top]
        kind = self._preceding(tokens, index)
        excluded = b"{[,]" if self._is_array else b"{["
        is_loose = ~np.isin(kind, list(excluded))
        if self._is_array:  # an element that is no object begins after its comma
            last = self._preceding(tokens, index - 1)
            is_loose &= ~np.isin(last, (_COMMA, _BRACKET))
        return cast("_Places", tokens.visible[index[is_loose]])

    def _depth_at(self, brackets: _Brackets, places: _Places) -> _Places:
        return np.append(self._state.depth, brackets.after)[np.searchsorted(brackets.places, places)]

    def _take_arrays_apart(self, data: _Bytes, tokens: _Tokens, brackets: _Brackets) -> None:
        """Replace what separates elements and arrays by newlines and spaces."""
        commas = tokens.places[tokens.kinds == _COMMA]
        data[commas[self._depth_at(brackets, commas) == self._top]] = _NEWLINE
        is_end = (brackets.kinds == _END_BRACKET) & (brackets.before == self._top)
        data[brackets.places[is_end]] = _SPACE
        begins = brackets.places[brackets.before < self._top]
        data[begins] = _NEWLINE
        if len(begins) and self._state.last == _NOTHING and begins[0] == tokens.visible[0]:
            data[begins[0]] = _SPACE

    def _unseparated(self, starts: _Places, data: _Bytes) -> _Places:
        """Those of the places that do not begin a line of the output yet."""
        visible, newlines = np.flatnonzero(data > _SPACE), np.flatnonzero(data == _NEWLINE)
        # A visible byte precedes this block, and a newline may follow it.
        last_visible = np.append(-2, visible)
        last_newline = np.append(-1 if self._state.is_separated else -3, newlines)
        is_separated = (
            last_newline[np.searchsorted(newlines, starts)] > last_visible[np.searchsorted(visible, starts)]
        )
        self._state.is_separated = bool(last_newline[-1] > last_visible[-1])
        return starts[~is_separated]

    def _remember(self, tokens: _Tokens, brackets: _Brackets) -> None:
        state, line = self._state, -1
        if len(tokens.newlines):
            line, state.is_blank = int(tokens.newlines[-1]), True
        if len(tokens.visible):
            state.last = int(self._preceding(tokens, np.array([len(tokens.visible) - 1]))[0])
            state.is_blank &= bool(tokens.visible[-1] < line)
        if len(brackets.after):
            depths = np.arange(_LEVELS)
            state.containers = self._containers(brackets, depths, np.full(_LEVELS, len(brackets.after)))
            state.containers[-1] = _NOTHING  # the place of all deeper ones
            state.depth = int(brackets.after[-1])
