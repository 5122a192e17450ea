"""The facts of generated logs: what a reader must find in them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

FACTS_NAME: Final = "_facts.json"
"""Names that begin with `_` are not read as logs."""


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """One log file: its name in the folder and its number of lines, broken ones and copies too."""

    name: str
    lines: int


@dataclass(frozen=True, kw_only=True)
class Incident:
    """A stretch of trouble, from `start` up to `end` (RFC 3339, UTC); `what` is for people."""

    kind: str
    start: str
    end: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Exact figures of what was written.

    Books: `lines = good_events + broken_lines + duplicate_lines`. Everything named `good_` is of
    well-formed lines, each request once. `good_orders` counts confirmation pages answered with
    200, `good_orders_placed` the `POST /orders` answered with 201. Bots are those whose agent says
    so; both bot figures are null in formats without an agent.
    Bytes are of responses; times RFC 3339, UTC, with the precision of the format.
    """

    format: str
    compression: str
    seed: int
    events: int
    lines: int
    broken_lines: int
    broken_lines_by_kind: dict[str, int]
    duplicate_lines: int
    files: tuple[FileFacts, ...]
    good_events: int
    good_by_day: dict[str, int]
    good_by_status: dict[str, int]
    good_by_method: dict[str, int]
    good_bytes_sent: int
    good_client_addresses: int
    good_human_requests: int | None
    good_bot_requests: int | None
    good_orders: int
    good_orders_placed: int
    good_top_paths: tuple[tuple[str, int], ...]
    good_first_timestamp: str | None
    good_last_timestamp: str | None
    incidents: tuple[Incident, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and dictionaries, ready for JSON."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    def write(self, folder: Path) -> Path:
        """Write the facts beside the logs; returns the file's path."""
        path = folder / FACTS_NAME
        path.write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")
        return path
