"""What bronze holds that silver does not, for loads that come without a list of objects.

The identity in silver's log decides whether an object was loaded, never its time alone. The log keeps
identities for some weeks. An older object without one counts as loaded and is ignored, unless a bookmark
names it as new or the caller says how far to look back. If it is loaded twice all the same, its events
are counted as duplicates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from loglode.batches.plan import new_objects
from loglode.context import open_lake
from loglode.errors import SourceNotFoundError
from loglode.lake import Lake
from loglode.lake.heads import TRANSACTION_DAYS
from loglode.settings import Settings
from loglode.sources import SourceObject, discover
from loglode.sources.objects import Unlisted

# Returns the URIs below a prefix that a bookmark calls new.
Bookmark = Callable[[str], set[str]]
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """Objects to load; `ignored` counts those that are too old to decide and count as loaded."""

    objects: list[SourceObject]
    ignored: int


def backlog(
    settings: Settings, bronze: str, *, since: datetime | None = None, named: Bookmark | None = None
) -> Backlog:
    """Objects below `bronze` that are new. Raises StorageError, LakeError."""
    lake = open_lake(settings)
    try:
        found = discover([bronze.rstrip("/") + "/"])
    except SourceNotFoundError:
        return Backlog([], 0)  # an empty bronze is not an error
    for unlisted in found:
        if isinstance(unlisted, Unlisted):
            raise unlisted.error
    fresh = new_objects(lake, found)
    floor = (since or _forgotten_before(lake)).timestamp() * _NS
    # Read whenever there is something new, so that the bookmark moves on with the tables.
    new = named(bronze) if named is not None and fresh else set()
    chosen = [o for o in fresh if o.modified_ns >= floor or o.uri in new]
    return Backlog(chosen, len(fresh) - len(chosen))


def _forgotten_before(lake: Lake) -> datetime:
    """Until when silver's log may have forgotten objects; before all time for a lake that is younger."""
    horizon = datetime.now(UTC) - timedelta(days=TRANSACTION_DAYS)
    beginning = datetime.fromtimestamp(0, UTC)
    if not lake.silver.exists:
        return beginning
    created_ms = lake.silver.snapshot().created_ms
    return horizon if created_ms < horizon.timestamp() * 1000 else beginning
