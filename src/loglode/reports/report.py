"""Write the report of a lake."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loglode.errors import UsageError
from loglode.html import Report
from loglode.reports.page.content import content
from loglode.reports.page.document import document
from loglode.settings import Settings


@dataclass(frozen=True, slots=True)
class PageReport(Report):
    """Where the page is, its size in bytes, and how many days and requests it shows."""

    path: str
    bytes: int
    days: int
    requests: int

    def as_dict(self) -> dict[str, Any]:
        return {"path": self.path, "bytes": self.bytes, "days": self.days, "requests": self.requests}


def write_report(settings: Settings, out: Path) -> PageReport:
    """Write gold as one HTML file, which replaces `out` at once. Raises LakeError, UsageError."""
    found = content(settings)
    text = document(found).encode()
    try:
        _replace(out, text)
    except OSError as error:
        raise UsageError(
            f"cannot write {out}: {error.strerror or error}", hint="choose another file with --out"
        ) from error
    days = found.parts["days"]
    return PageReport(str(out), len(text), len(days.get("day", [])), sum(days.get("requests", [])))


def _replace(out: Path, text: bytes) -> None:
    beside = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        beside.write_bytes(text)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
