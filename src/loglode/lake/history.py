"""What a table's commits changed, from its log alone, as far back as the log reaches.

Format: https://github.com/delta-io/delta/blob/master/PROTOCOL.md (commitInfo, add, remove).
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from loglode.errors import LakeError
from loglode.lake.log import LOG, METADATA, actions
from loglode.storage import Location

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Entry:
    """One commit. Rows are None where the log no longer records how many a removed file held."""

    version: int
    committed_at: datetime | None = None
    operation: str = ""
    batch_id: str | None = None
    correlation_id: str | None = None
    silver_version: int | None = None
    files_added: int = 0
    files_removed: int = 0
    rows_added: int | None = 0
    rows_removed: int | None = 0


def history(root: Location) -> list[Entry]:
    """Commits that the log still holds, newest first."""
    entries: dict[int, Entry] = {}
    rows: dict[str, int | None] = {}
    rewrites: dict[int, bool] = {}
    for version, action in actions(root / LOG, 0):
        entry = entries.setdefault(version, Entry(version))
        if added := action.get("add"):
            count = json.loads(added.get("stats") or "{}").get("numRecords")
            rows[added["path"]] = count
            entry.files_added += 1
            entry.rows_added = _sum(entry.rows_added, count)
        elif removed := action.get("remove"):
            entry.files_removed += 1
            entry.rows_removed = _sum(entry.rows_removed, rows.get(removed["path"]))
        elif info := action.get("commitInfo"):
            _describe(entry, info)
        changed = action.get("add") or action.get("remove")
        if changed:
            rewrites[version] = rewrites.get(version, True) and not changed["dataChange"]
    for version, is_rewrite in rewrites.items():
        if is_rewrite:
            entries[version].operation = "upkeep"
    return [entries[version] for version in sorted(entries, reverse=True)]


def version_at(root: Location, moment: datetime) -> int | None:
    """Newest version committed until a moment; None before the first. Raises LakeError.

    Versions are in the order of their commits, their times only if no clock was set back. Where a version
    before the found one carries a later time than the moment, a warning says so.
    """
    entries = history(root)
    times = {entry.version: entry.committed_at for entry in entries if entry.committed_at is not None}
    found = max((version for version, at in times.items() if at <= moment), default=None)
    if found is not None:
        if late := [version for version, at in times.items() if version < found and at > moment]:
            _log.warning(
                f"the clock was set back between versions {max(late)} and {found} of {root}; as of"
                f" {moment.isoformat()} is version {found}, which contains later commits, too"
            )
        return found
    if entries[-1].version:
        raise LakeError(f"the log of {root} no longer reaches back to {moment.isoformat()}")
    return None


def _describe(entry: Entry, info: dict[str, Any]) -> None:
    told = info.get(METADATA) or {}
    run = told.get("run") or {}
    if "timestamp" in info:
        entry.committed_at = datetime.fromtimestamp(info["timestamp"] / 1000, UTC)
    entry.operation = told.get("kind") or run.get("kind") or str(info.get("operation", "")).lower()
    entry.batch_id = run.get("batch_id")
    entry.correlation_id = run.get("correlation_id") or told.get("correlation_id")
    entry.silver_version = told.get("silver_version")


def _sum(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right
