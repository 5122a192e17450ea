"""What follows from a silver commit: its quarantine files and its rows of ops.runs and ops.quality.

The commit's metadata contain all of it, so any process can apply it, at any later time, any number of
times: each table records, in the commit that applies it, the version of silver it has followed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from loglode.batches.quality_counts import quality_rows
from loglode.errors import LakeError
from loglode.lake import ActiveFile, Commit, Lake, Snapshot, Table
from loglode.lake.committer import adds, commit_when, publish
from loglode.lake.log import oldest_commit
from loglode.lake.rows import write_rows
from loglode.lake.staging import scratch

SILVER_VERSION = "silver"
# Commits that bring nothing for a table are looked at again each time, up to this many.
MAX_EMPTY = 20
# A silver commit's metadata and its version, as rows of a table.
RowsOf = Callable[[Mapping[str, Any], int], list[dict[str, Any]]]


def settle(lake: Lake, silver: Snapshot) -> None:
    """Apply all of silver's commits up to the snapshot to quarantine, ops.runs and ops.quality.

    Raises LakeError when the log no longer holds commits that were never applied.
    """
    if silver.version <= lake.settled:
        return
    commit_when(lake.quarantine, lambda snapshot: _quarantine_commit(lake, silver.version, snapshot))
    for table, rows_of in ((lake.runs, run_rows), (lake.quality, quality_rows)):
        commit_when(table, partial(_rows_commit, lake, silver.version, table, rows_of))
    for table in (lake.quarantine, lake.runs, lake.quality):
        table.follow(silver.version)
    lake.settled = silver.version


def records_after(lake: Lake, after: int, until: int) -> dict[int, dict[str, Any]] | None:
    """Metadata of our silver commits after one version until another; None when the log lost some.

    Commits that only write silver's rows into other files change no other table.
    """
    found = lake.silver.metadata_after(after, until)
    return None if found is None else {v: data for v, data in found.items() if "quarantine" in data}


def owed(lake: Lake, done: int, version: int) -> dict[int, dict[str, Any]] | None:
    """Records that a table lacks which has applied all until `done`; None when the log no longer has them.

    Delta removes old commits from the log. Those were applied long ago, also where the table never recorded
    it because there was nothing to do: no writer commits before it has applied all earlier commits.
    """
    if done >= version:
        return {}
    found = records_after(lake, done, version)
    if found is None:
        found = records_after(lake, max(done, oldest_commit(lake.silver.root) - 1), version)
    return found


def applied(lake: Lake, snapshot: Snapshot) -> int:
    """The version of silver up to which a table has applied the effects of its commits.

    Checkpoints of earlier releases dropped a bookmark that no commit had renewed for 60 days. The newest row
    of ops.runs or ops.quality still gives the version, and quarantine is always applied before ops.runs.
    """
    version = snapshot.transaction(SILVER_VERSION)
    if version is not None or not snapshot.version:
        return version or 0
    is_quarantine = snapshot.table.spec.name == lake.quarantine.spec.name
    source = lake.runs.newest() if is_quarantine else snapshot
    return source.largest("silver_version") if source else 0


def _pending(lake: Lake, version: int, snapshot: Snapshot) -> tuple[int, dict[int, dict[str, Any]]]:
    done = applied(lake, snapshot)
    pending = owed(lake, max(done, snapshot.table.followed), version)
    if pending is None:
        raise LakeError(
            f"table {snapshot.table.spec.name} is behind silver, whose log was cleaned since version {done}",
            hint="restore the log files of silver from a backup, or load bronze into a new lake",
        )
    return done, pending


def _quarantine_commit(lake: Lake, version: int, snapshot: Snapshot) -> Commit | None:
    done, pending = _pending(lake, version, snapshot)
    added: dict[str, dict[str, Any]] = {}
    removed: set[str] = set()
    for data in (pending[v] for v in sorted(pending)):
        for path in data["quarantine_removed"]:
            if added.pop(path, None) is None:
                removed.add(path)
        added |= {add["path"]: add for add in data["quarantine"]}
    if not added and not removed and version - done <= MAX_EMPTY:
        return None
    return Commit(
        adds=list(added.values()),
        removes=_active(snapshot, removed),
        transactions={SILVER_VERSION: version},
        metadata={"silver_version": version},
    )


def _active(snapshot: Snapshot, paths: set[str]) -> list[ActiveFile]:
    return [f for f in snapshot.files() if f.path in paths] if paths else []


def run_rows(record: Mapping[str, Any], version: int) -> list[dict[str, Any]]:
    """The row of ops.runs for one silver commit; none for maintenance."""
    # The number of the commit is known for sure only here, after it was made.
    return [{**record["run"], "silver_version": version}] if record["run"] else []


def _rows_commit(
    lake: Lake, version: int, table: Table, rows_of: RowsOf, snapshot: Snapshot
) -> Commit | None:
    done, pending = _pending(lake, version, snapshot)
    rows = [row for number, data in sorted(pending.items()) for row in rows_of(data, number)]
    if not rows and version - done <= MAX_EMPTY:
        return None
    return Commit(
        adds=_publish_rows(table, rows),
        transactions={SILVER_VERSION: version},
        metadata={"silver_version": version},
    )


def _publish_rows(table: Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    with scratch(table.root) as folder:
        return adds(publish(table, write_rows(table.spec, rows, folder, day_of="started_at")))
