"""Putting a table of gold back to what it was."""

from __future__ import annotations

import os
from pathlib import Path

from loglode import logs
from loglode.batches.effects import SILVER_VERSION
from loglode.context import open_lake
from loglode.errors import LakeError, UsageError
from loglode.lake import Commit, Snapshot
from loglode.lake.committer import commit_when
from loglode.lake.table import as_it_stands
from loglode.settings import Settings, in_range
from loglode.storage import missing
from loglode.telemetry.steps import RESTORE, Step, Written, open_reporter, restore_step


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
            hint="fix the cause and load bronze into a new lake, or replay quarantine",
        )
    root = lake.gold_root(name)
    in_range("version", version, 0)
    wanted = as_it_stands(name, root, version)
    if isinstance(root, Path) and not os.access(root, os.W_OK):
        raise LakeError(f"cannot write to lake {lake.root}", hint="check permissions and the mount")
    with (
        logs.bound(step=RESTORE, correlation_id=settings.correlation_id),
        restore_step(open_reporter(settings, lake), wanted) as step,
    ):
        return _put_back(wanted, step, settings.correlation_id)


def _put_back(wanted: Snapshot, step: Step, correlation_id: str) -> int:
    """The version that is as wanted: a new one, or the newest where that is."""
    table = wanted.table
    gone = missing(table.root, [file.path for file in wanted.files()])
    if gone:
        raise LakeError(
            f"{table.spec.name}: {len(gone)} files of version {wanted.version} were deleted by maintenance,"
            f" such as {gone[0]}",
            hint="`loglode history` shows younger versions",
        )
    origin = {"correlation_id": correlation_id or None}
    commit: Commit | None = None

    def decide(now: Snapshot) -> Commit | None:
        nonlocal commit
        commit = _back(now, wanted, origin)
        return commit

    before = commit_when(table, decide, keeps_columns=False)
    if commit is None:
        return before.version
    version, spec = before.version + 1, table.spec
    step.written.append(Written(spec.name, table.root, spec.columns, commit.metadata["rows"], version))
    return version


def _back(now: Snapshot, wanted: Snapshot, origin: dict[str, str | None]) -> Commit | None:
    there, then = {f.path for f in now.files()}, {f.path for f in wanted.files()}
    bookmark = wanted.transaction(SILVER_VERSION) or 0
    if there == then and now.transaction(SILVER_VERSION) == bookmark:
        return None
    rows = sum(file.rows for file in wanted.files() if file.path not in there)
    # A rebuild may have changed columns, and replaced all files with them: then all come back.
    replaces_columns = not _types(wanted).items() <= _types(now).items()
    return Commit(
        adds=[add for add in wanted.adds() if add["path"] not in there],
        removes=[f for f in now.files() if f.path not in then],
        replaces_columns=replaces_columns,
        transactions={SILVER_VERSION: bookmark},
        metadata={"kind": "restore", "restored_version": wanted.version, "rows": rows, **origin},
    )


def _types(snapshot: Snapshot) -> dict[str, str]:
    return {field.name: field.type.to_json() for field in snapshot.state.fields}
