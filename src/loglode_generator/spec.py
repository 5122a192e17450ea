"""What to generate: the specification and its checks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from loglode.errors import UsageError
from loglode.formats import FORMATS, LineTemplate

SUFFIXES: Final = {"none": "", "gzip": ".gz", "zstd": ".zst"}


@dataclass(frozen=True, kw_only=True)
class GenerateSpec:
    """Which logs to write.

    `events` counts distinct requests over `days` UTC days from `start`: exactly so many are
    written, `broken_share` of them damaged, and `duplicate_share` of them sent again (only in
    formats with a request id, which distinguishes a copy from a second request). `files` is the
    total over all `servers`; by default one a day and server, or more where one would pass about 100 MB.

    Raises UsageError for values out of range.
    """

    out: Path
    events: int = 100_000
    days: int = 7
    start: date = date(2026, 10, 5)
    seed: int = 1
    format: str = "json"
    files: int | None = None
    compression: str = "none"
    broken_share: float = 0.002
    duplicate_share: float = 0.001
    servers: int = 2

    def __post_init__(self) -> None:
        _one_of("format", self.format, tuple(FORMATS))
        _one_of("compression", self.compression, tuple(SUFFIXES))
        _between("events", self.events, 1, 10_000_000_000)
        _between("days", self.days, 1, 3_660)
        _between("servers", self.servers, 1, 100)
        _between("broken_share", self.broken_share, 0, 1)
        _between("duplicate_share", self.duplicate_share, 0, 0.5)
        if self.files is not None:
            _between("files", self.files, 1, 100_000)
        if self.start.year < 1970 or self.start.year > 9000:
            raise UsageError(f"start {self.start} is out of range", hint="use 1970 to 9000")

    @property
    def suffix(self) -> str:
        """The ending of every log file, such as `.json.gz`."""
        return self.template.suffix + SUFFIXES[self.compression]

    @property
    def template(self) -> LineTemplate:
        """How a line of the format is written."""
        return FORMATS[self.format].templates[self.format]

    @property
    def resends(self) -> bool:
        """Whether copies of lines are written: only where a request id identifies them."""
        return "source_event_id" in self.template.carries and self.duplicate_share > 0

    def day(self, index: int) -> date:
        """The UTC date of the day with this index, from 0."""
        return self.start + timedelta(days=index)

    def salt(self, name: str) -> int:
        """A number under 2**61 that makes one independent stream of random numbers."""
        digest = hashlib.blake2b(f"{self.seed}/{name}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") >> 3


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"{name} {value!r} is not known", hint=f"use one of {', '.join(allowed)}")


def _between(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UsageError(f"{name} {value} is out of range", hint=f"use {low} to {high}")
