"""Putting a table of gold back to what it was."""

from __future__ import annotations

from loglode import logs
from loglode.errors import LakeError, UsageError
from loglode.lake import Commit, Snapshot, Table
from loglode.lake.committer import commit_when
from loglode.lake.table import as_it_stands
from loglode.pipeline.context import open_lake
from loglode.pipeline.settle import SILVER_VERSION
from loglode.pipeline.silver_to_gold import PROCESSED_AT
from loglode.settings import Settings
from loglode.storage import missing


def restore(settings: Settings, name: str, version: int) -> int:
    """Make a table of gold what it was at a version, by a commit of its own, whose number is returned.

    Its bookmark goes back with it: the next run brings the table up to silver again. Silver, quarantine
    and ops are one account and are not restored. Raises UsageError, LakeError where files are gone.
    """
    lake = open_lake(settings)
    lake.require()
    if name not in lake.gold_names:
        raise UsageError(
            f"{name}: only tables of gold can be restored; silver, quarantine and ops balance together",
            hint="mend the cause and load bronze into a new lake, or replay quarantine",
        )
    root = lake.gold_root(name)
    wanted = as_it_stands(name, root, version)
    gone = missing(root, [file.path for file in wanted.files()])
    if gone:
        raise LakeError(
            f"{name}: {len(gone)} files of version {version} were deleted by upkeep, such as {gone[0]}",
            hint="`loglode history` shows younger versions",
        )
    table = wanted.table
    with logs.bound(step="restore", correlation_id=settings.correlation_id):
        commit_when(table, lambda now: _back(now, wanted))
    return Table(table.spec, root).snapshot().version


def _back(now: Snapshot, wanted: Snapshot) -> Commit | None:
    there, then = {f.path for f in now.files()}, {f.path for f in wanted.files()}
    bookmarks = {name: wanted.transaction(name) or 0 for name in (SILVER_VERSION, PROCESSED_AT)}
    if there == then and all(now.transaction(name) == value for name, value in bookmarks.items()):
        return None
    return Commit(
        adds=[add for add in wanted.adds() if add["path"] not in there],
        removes=[f for f in now.files() if f.path not in then],
        transactions=bookmarks,
        metadata={"kind": "restore", "restored_version": wanted.version},
    )
