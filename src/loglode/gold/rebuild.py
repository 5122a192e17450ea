"""Rebuilding gold tables from silver on request."""

from __future__ import annotations

from collections.abc import Sequence

from loglode import logs
from loglode.batches.effects import SILVER_VERSION
from loglode.context import Context, open_context, open_lake
from loglode.engines.base import Progress
from loglode.errors import UsageError
from loglode.gold.bookmark import NONE, Bookmark
from loglode.gold.progress import forget
from loglode.gold.silver_to_gold import GoldReport, silver_to_gold
from loglode.lake import Commit, Snapshot
from loglode.lake.committer import commit_when
from loglode.lake.table import as_it_stands
from loglode.settings import Settings

REBUILD = "rebuild"


def rebuild_gold(
    settings: Settings, names: Sequence[str] = (), *, progress: Progress | None = None
) -> GoldReport:
    """Compute gold tables from all of silver, the named ones or every one.

    First each table's bookmark is reset, in a commit that leaves its rows alone; then gold runs as usual.
    The request therefore survives a killed process: the next `run` or `gold rebuild` continues. Readers see
    the old rows until one atomic commit per table replaces them. Raises UsageError, LakeError.
    """
    lake = open_lake(settings)
    lake.require()
    if unknown := [name for name in names if name not in lake.gold_names]:
        raise UsageError(f"{unknown[0]}: not a gold table", hint=f"gold tables: {', '.join(lake.gold_names)}")
    with logs.bound(step=REBUILD), open_context(settings, progress, lake) as context:
        new = [name for name in names or lake.gold_names if Bookmark.of(lake.gold(name).newest()) != NONE]
        if new:
            # Only a request that was made before continues where it was interrupted.
            forget(lake)
        for name in new:
            _request(context, name)
        return silver_to_gold(context)


def _request(context: Context, name: str) -> None:
    found = as_it_stands(name, context.lake.gold_root(name))
    metadata = {"kind": "rebuild requested", "correlation_id": context.settings.correlation_id or None}

    def decide(snapshot: Snapshot) -> Commit | None:
        if Bookmark.of(snapshot) == NONE:
            return None
        return Commit(transactions={SILVER_VERSION: NONE.number}, metadata=metadata)

    commit_when(found.table, decide)
