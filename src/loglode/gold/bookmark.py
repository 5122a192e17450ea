"""The bookmark of a gold table: how much of silver it contains, and what decided its content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from loglode.batches.effects import SILVER_VERSION
from loglode.lake import Snapshot

_VERSION_BITS = 31


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A version of silver and a fingerprint (see `fingerprints`); zeros for a table without content.

    Both share one number of 63 bits, because the log keeps one number per application transaction: they
    change in one atomic commit, and reading them costs one request to the log. A bookmark of a release that
    recorded no fingerprint reads as fingerprint 0, which equals no other.
    """

    version: int = 0
    fingerprint: int = 0

    @classmethod
    def of(cls, snapshot: Snapshot | None) -> Self:
        """The bookmark of a table at a version; NONE for a table that does not exist."""
        number = 0 if snapshot is None else snapshot.transaction(SILVER_VERSION) or 0
        return cls(number & ((1 << _VERSION_BITS) - 1), number >> _VERSION_BITS)

    @property
    def number(self) -> int:
        """The number of the application transaction."""
        return self.fingerprint << _VERSION_BITS | self.version

    def has_reached(self, other: Bookmark) -> bool:
        """Whether a table with this bookmark contains all that one with the other does, computed alike."""
        return self.fingerprint == other.fingerprint and self.version >= other.version


NONE = Bookmark()
