"""One version of each table, of versions that belong together, beside running writers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from loglode.batches.effects import applied, owed
from loglode.gold.bookmark import NONE, Bookmark
from loglode.gold.fingerprint import fingerprints
from loglode.lake import Lake, Snapshot, Table
from loglode.lake.committer import pause

# A writer that has committed to silver needs moments for the tables that follow it.
_LOOKS = 12


@dataclass(frozen=True)
class Versions:
    """Tables that exist, by name. Those that follow silver were read before it, so none is ahead of it."""

    lake: Lake
    tables: Mapping[str, Snapshot]

    @property
    def silver(self) -> Snapshot:
        return self.tables[self.lake.silver.spec.name]

    @cached_property
    def behind(self) -> list[str]:
        """Names of quarantine, runs and quality that lack what a silver commit carries for them."""
        carried = {
            "quarantine": ("quarantine", "quarantine_removed"),
            "runs": ("run",),
            "quality": ("quality",),
        }
        return [name for name, parts in carried.items() if self._lacks(name, parts)]

    def _lacks(self, name: str, parts: tuple[str, ...]) -> bool:
        found, version = self.tables.get(name), self.silver.version
        done = 0 if found is None else applied(self.lake, found)
        records = owed(self.lake, done, version)
        return records is None or any(r.get(part) for r in records.values() for part in parts)

    @property
    def gold(self) -> int:
        """The version of silver that every gold table contains; 0 where one is empty."""
        return min(Bookmark.of(self.tables.get(name)).version for name in self.lake.gold_names)

    @property
    def has_wanted_gold(self) -> bool:
        """Whether each gold table was computed as the contract and the models demand."""
        known = fingerprints(self.lake.contract)
        found = {name: Bookmark.of(self.tables.get(name)) for name in self.lake.gold_names}
        return all(mark == NONE or mark.fingerprint == known[name] for name, mark in found.items())


def settled_versions(lake: Lake) -> Versions:
    """Versions among which quarantine, runs and quality have followed silver.

    Looks again while they have not, because a writer may be about to, at most _LOOKS times.
    """
    found = _look(lake)
    for attempt in range(1, _LOOKS):
        if not found.behind:
            break
        time.sleep(pause(attempt))
        found = _look(lake)
    return found


def _look(lake: Lake) -> Versions:
    """Followers first, in the opposite order to that in which they follow; from the logs, not from memory."""
    logs = [Table(table.spec, table.root) for table in reversed(lake.tables)]
    found = {log.spec.name: snapshot for log in logs if (snapshot := log.newest())}
    return Versions(lake, {t.spec.name: found[t.spec.name] for t in lake.tables if t.spec.name in found})
