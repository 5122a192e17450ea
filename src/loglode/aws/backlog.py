"""What bronze holds that silver does not, for loads that come without a list of objects.

Whether an object was loaded is told by its identity in silver's log, never by its time alone. The log
keeps identities for some weeks: an older object without one was loaded, and is left aside, unless a
bookmark names it as new or the time to look back to is given. Should it come again all the same, its
events are known and counted as duplicates.
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

# Asked for a prefix, gives the URIs that a bookmark calls new.
Bookmark = Callable[[str], set[str]]
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """Objects to load; `left_aside` counts those that are too old to tell and were taken for loaded."""

    objects: list[SourceObject]
    left_aside: int


def backlog(
    settings: Settings, bronze: str, *, since: datetime | None = None, named: Bookmark | None = None
) -> Backlog:
    """Objects below `bronze` that are new. Raises StorageError, LakeError."""
    lake = open_lake(settings)
    try:
        found = discover([bronze.rstrip("/") + "/"])
    except SourceNotFoundError:
        return Backlog([], 0)  # an empty bronze is a quiet day
    fresh = new_objects(lake, found)
    floor = (since or _forgotten_before(lake)).timestamp() * _NS
    # Asked whenever there is something new, so that it moves on with the tables.
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
