"""Lines of JSON that are nested too deep, or hold too many values, found before anything parses them.

A parser takes many bytes for each value, and programs that read a value again may call themselves for each
level. Only long lines are looked at: a short one cannot hold enough of either.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MAX_DEPTH = 64
MAX_VALUES = 100_000
FAULT_TOO_DEEP, FAULT_TOO_WIDE = "json_too_deep", "json_too_wide"
_LONG = 4096
_NEWLINES = b"\r\n"
# A string that is not closed goes to the end of the line.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?$)', re.DOTALL)
_STEP = np.zeros(256, np.int32)
_STEP[list(b"{[")], _STEP[list(b"}]")] = 1, -1
_COMMA = ord(",")


def unbounded(data: bytes, offsets: npt.NDArray[np.int32]) -> pa.StringArray | None:
    """The faults of lines of a block, null for most of them; None where no line has one."""
    found = {}
    for index in np.flatnonzero(np.diff(offsets) > _LONG).tolist():
        line = data[offsets[index] : offsets[index + 1]]
        if fault := _fault(line):
            found[index] = f"{fault}:{len(line.rstrip(_NEWLINES))}"
    if not found:
        return None
    return pa.array([found.get(index) for index in range(len(offsets) - 1)], pa.string())


def _fault(line: bytes) -> str | None:
    is_suspect = line.count(b"[") + line.count(b"{") > MAX_DEPTH or line.count(b",") > MAX_VALUES
    if not is_suspect:
        return None
    bare = np.frombuffer(_STRING.sub(b"", line), np.uint8)
    if len(bare) and int(np.cumsum(_STEP[bare]).max()) > MAX_DEPTH:
        return FAULT_TOO_DEEP
    return FAULT_TOO_WIDE if np.count_nonzero(bare == _COMMA) > MAX_VALUES else None
