"""The one committer: a list of files becomes visible in one atomic Delta commit, or not at all.

Every commit of a table carries the application transaction SEQUENCE. Delta refuses the second of two
commits that carry the same one from the same snapshot, whatever its number, so no two writers can pass
side by side; the one that is refused reloads and asks again what there is still to do.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import deltalake
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from loglode.errors import CommitConflictError, LakeError
from loglode.files import StagedFile, writing
from loglode.lake.delta import reaching
from loglode.lake.schema import delta_schema
from loglode.lake.table import ActiveFile, Snapshot, Table
from loglode.storage import S3Path, upload

_log = logging.getLogger(__name__)
SEQUENCE = "loglode/sequence"
METADATA = "loglode"
MAX_ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class Commit:
    """What one commit adds, removes and records. `adds` are published files (see `publish`)."""

    adds: Sequence[Mapping[str, Any]] = ()
    removes: Sequence[ActiveFile] = ()
    transactions: Mapping[str, int] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    # False: the same rows in other files, which readers of changes may pass over.
    is_change: bool = True


def publish(table: Table, staged: Sequence[StagedFile]) -> list[StagedFile]:
    """Put staged files into the table's folders; no reader sees them until they are committed.

    On a disk they are moved, to S3 copied: the staged file stays, so that it can be read again when the
    commit is refused. What an engine has put there itself stays where it is. Returns the files where they
    are now; publishing those again does nothing.
    """
    return [_placed(table, file) for file in staged]


def adds(files: Sequence[StagedFile]) -> list[dict[str, Any]]:
    """Add actions for published files, as plain JSON: they are also stored in another commit's metadata."""
    return [_to_add(file) for file in files]


def _placed(table: Table, file: StagedFile) -> StagedFile:
    target = table.root.joinpath(file.relative_path)
    if file.path == target or file.is_uploaded:
        return file
    if isinstance(file.path, S3Path):
        raise LakeError(f"{file.path} was staged for another table than {table.spec.name}")
    if isinstance(target, S3Path):
        upload(file.path, target)
        return replace(file, is_uploaded=True)
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        file.path.replace(target)
    return replace(file, path=target)


def _to_add(file: StagedFile) -> dict[str, Any]:
    stats = {
        "numRecords": file.rows,
        "minValues": dict(file.minimum),
        "maxValues": dict(file.maximum),
        "nullCount": dict(file.nulls),
    }
    return {
        "path": file.relative_path,
        "size": file.bytes,
        "partition": dict(file.partition),
        "modified_ms": int(time.time() * 1000),
        "stats": json.dumps(stats),
    }


def try_commit(snapshot: Snapshot, commit: Commit) -> bool:
    """Commit on top of the snapshot; False if another writer came first."""
    now_ms = int(time.time() * 1000)
    actions: list[AddAction | RemoveAction] = [_add(add, commit) for add in commit.adds]
    actions += [_remove(file, now_ms, commit) for file in commit.removes]
    transactions = {**commit.transactions, SEQUENCE: snapshot.version + 1}
    spec = snapshot.table.spec
    try:
        with reaching(snapshot.table.root):
            snapshot.delta.create_write_transaction(
                actions,
                "append",
                delta_schema(spec),
                list(spec.partition_by),
                commit_properties=deltalake.CommitProperties(
                    custom_metadata={METADATA: dict(commit.metadata)},
                    app_transactions=[
                        deltalake.Transaction(app_id=app, version=version, last_updated=now_ms)
                        for app, version in transactions.items()
                    ],
                    max_commit_retries=0,
                ),
            )
    except CommitFailedError:
        return False
    return True


def commit_when(
    table: Table, decide: Callable[[Snapshot], Commit | None], known: Snapshot | None = None
) -> Snapshot:
    """Ask `decide` what to commit on the newest version until a commit goes through.

    A version that is `known` is used while no other follows it: that spares reading the log again. `decide`
    returns None when nothing is left to do. Returns the snapshot it was last asked with.
    Raises CommitConflictError after MAX_ATTEMPTS.
    """
    for attempt in range(MAX_ATTEMPTS):
        snapshot = table.snapshot_or_create(known.seen_as(table) if known and known.is_newest else None)
        known = None
        commit = decide(snapshot)
        if commit is None:
            return snapshot
        name, version = table.spec.name, snapshot.version + 1
        if try_commit(snapshot, commit):
            counts = {"files_added": len(commit.adds), "files_removed": len(commit.removes)}
            _log.info("committed", extra={"table": name, "version": version, "counts": counts})
            return snapshot
        told = {"table": name, "version": version, "counts": {"attempts": attempt + 1}}
        _log.debug("another writer came first", extra=told)
        time.sleep(min(0.01 * 2**attempt, 0.5))
    raise CommitConflictError(
        f"table {table.spec.name}: other writers won {MAX_ATTEMPTS} times",
        hint="run again; nothing was lost",
    )


def _add(add: Mapping[str, Any], commit: Commit) -> AddAction:
    where, when = (add["path"], add["size"], add["partition"]), add["modified_ms"]
    return AddAction(*where, when, commit.is_change, add["stats"])


def _remove(file: ActiveFile, now_ms: int, commit: Commit) -> RemoveAction:
    return RemoveAction(file.path, commit.is_change, now_ms, file.bytes, {**file.partition})
