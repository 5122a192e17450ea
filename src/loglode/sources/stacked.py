"""Streams that read from a stream below them."""

from __future__ import annotations

import io
from typing import BinaryIO


class Stacked(io.RawIOBase):
    """A stream over another one, which it closes with itself."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._stream.close()
        super().close()
