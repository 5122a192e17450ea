"""Header lines of an object: for each line, the last header at or above it.

Some formats describe their columns in the log itself: once in the first line (CSV), or in directives
that may change in mid-file (`#Fields:` of W3C logs). The header travels beside each line as a
dictionary of few texts, and SQL reads the line by it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


class Headers:
    """The header of the lines of one object, a block at a time.

    A header is a line that begins with `prefix`; with b"" it is the object's first line; with None
    there are none. Lines above the first header, and lines below one that could not be read whole,
    have the header null: nothing is guessed.
    """

    def __init__(self, prefix: bytes | None) -> None:
        self._prefix = prefix
        self._current = pa.nulls(1, pa.string())

    def of(self, text: pa.StringArray, *, is_first: bool, is_whole: bool) -> pa.DictionaryArray:
        """The header of each line. `is_first`: they begin the object; `is_whole`: none was cut."""
        found = self._places(text, is_first=is_first)
        count = np.cumsum(found, dtype=np.int32)
        headers = pa.concat_arrays([self._current, text.take(pa.array(np.flatnonzero(found)))])
        if count[-1]:
            self._current = headers.slice(len(headers) - 1) if is_whole else pa.nulls(1, pa.string())
        indices = pa.Array.from_buffers(pa.int32(), len(count), [None, pa.py_buffer(count)])
        return pa.DictionaryArray.from_arrays(indices, headers)

    def _places(self, text: pa.StringArray, *, is_first: bool) -> npt.NDArray[np.bool_]:
        found = np.zeros(len(text), np.bool_)
        if self._prefix:
            found = pc.starts_with(text, self._prefix).to_numpy(zero_copy_only=False)
        elif self._prefix is not None:
            found[0] = is_first
        return found
