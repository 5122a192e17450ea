"""The one committer: a list of files becomes visible in one atomic Delta commit, or not at all.

A commit is one new file in the table's log, named by its version and created only if there is none: of two
writers that start from the same version one wins. The other loads what was committed, and decides again
what is left to do. Nothing is merged with a commit that it did not see.

Commits also carry the application transaction SEQUENCE: deltalake refuses a commit of its own beside one
of them.
"""

from __future__ import annotations

import json
import logging
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote
from zlib import crc32

from deltalake.exceptions import DeltaError

from loglode.errors import CommitConflictError, LakeError, LoglodeError
from loglode.files import StagedFile, writing
from loglode.lake.checkpoints import write_checkpoint
from loglode.lake.log import LOG, METADATA, commit_name
from loglode.lake.schema import delta_schema
from loglode.lake.state import FORMAT, FORMAT_PROPERTY, RETENTION, ActiveFile, State, is_bookmark
from loglode.lake.table import CHECKPOINT_INTERVAL, Snapshot, Table
from loglode.storage import S3Path, create, read_if_there, upload
from loglode.tables import TableSpec

_log = logging.getLogger(__name__)
SEQUENCE = "loglode/sequence"
MAX_ATTEMPTS = 50
FIRST_PAUSE, MAX_PAUSE = 0.01, 0.5
_SAFE = "/="
# With this start no two of the tables have their turn at the same version.
_SPREAD = 1


@dataclass(frozen=True, slots=True)
class Commit:
    """What one commit adds, removes and records. `adds` are published files (see `publish`)."""

    adds: Sequence[Mapping[str, Any]] = ()
    removes: Sequence[ActiveFile] = ()
    transactions: Mapping[str, int] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    # False: the same rows in other files, which readers of changes may pass over.
    is_change: bool = True
    # True: the table gets the declared columns, whatever it had; the commit must remove all other files.
    replaces_columns: bool = False


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
    table, version = snapshot.table, snapshot.version + 1
    table.require_properties(snapshot.state.properties)
    data = encoded(snapshot.state, table.spec, commit, table.properties)
    path = table.root / LOG / commit_name(version)
    with writing(path):
        # The SDK repeats a request whose answer was lost, and is then refused by its own first attempt.
        if not create(path, data) and read_if_there(path) != data:
            return False
    table.remember(snapshot.state.after([(version, data)]))
    if version >= CHECKPOINT_INTERVAL and (version + _turn(table)) % CHECKPOINT_INTERVAL == 0:
        _write_checkpoint(table)
    return True


def _turn(table: Table) -> int:
    """Tables of a lake advance together; they write their checkpoints one after the other."""
    return crc32(table.spec.name.encode(), _SPREAD)


def _write_checkpoint(table: Table) -> None:
    """What is committed stays committed: a failure is logged, and the next checkpoint is due later."""
    try:
        write_checkpoint(table)
    except (DeltaError, OSError, LoglodeError) as error:
        told = {"table": table.spec.name, "error": type(error).__name__}
        _log.warning(f"no checkpoint of table {table.spec.name}: {error}", extra=told)


def commit_when(
    table: Table, decide: Callable[[Snapshot], Commit | None], *, keeps_columns: bool = True
) -> Snapshot:
    """Call `decide` for what to commit, on newer and newer versions, until a commit goes through.

    The first version is the newest that this process knows of: if others have committed since, the
    commit is refused and `decide` is called again on the version that is then the newest.
    `decide` returns None when nothing is left to do. `keeps_columns` is False where it may return a commit
    that replaces the columns. Returns the snapshot of its last call.
    Raises CommitConflictError after MAX_ATTEMPTS, SchemaMismatchError.
    """
    snapshot = table.snapshot_or_create(keeps_columns=keeps_columns)
    for attempt in range(MAX_ATTEMPTS):
        if attempt:
            time.sleep(pause(attempt))
            table.newest()
            snapshot = table.snapshot_or_create(keeps_columns=keeps_columns)
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
    raise CommitConflictError(
        f"table {table.spec.name}: other writers won {MAX_ATTEMPTS} times",
        hint="run again; nothing was lost",
    )


def pause(attempt: int) -> float:
    """Seconds before an attempt: at random, so that writers do not meet again, and at most MAX_PAUSE."""
    return random.uniform(0, min(FIRST_PAUSE * 2 ** min(attempt, 30), MAX_PAUSE))  # noqa: S311 - no secret


def encoded(
    state: State, spec: TableSpec, commit: Commit, properties: Mapping[str, str] | None = None
) -> bytes:
    """The content of the commit file that follows a state. Raises LakeError where Delta asks for more."""
    if state.protocol["minWriterVersion"] > 2:
        raise LakeError(
            f"table {spec.name} needs Delta writer version {state.protocol['minWriterVersion']}",
            hint="another program has switched on features of Delta that Loglode does not write",
        )
    now_ms = int(time.time() * 1000)
    parameters = {"mode": "Append", "partitionBy": json.dumps(list(spec.partition_by))}
    info = {
        "timestamp": now_ms,
        "operation": "WRITE",
        "operationParameters": parameters,
        "engineInfo": "loglode",
        "txnId": str(uuid.uuid4()),
        METADATA: dict(commit.metadata),
    }
    actions: list[dict[str, Any]] = [{"commitInfo": info}]
    configuration = {**state.metadata["configuration"], FORMAT_PROPERTY: str(FORMAT), **(properties or {})}
    if any(map(is_bookmark, commit.transactions)):
        configuration.pop(RETENTION, None)
    metadata = {**state.metadata, "configuration": configuration}
    if commit.replaces_columns:
        metadata["schemaString"] = delta_schema(spec).to_json()
    if metadata != state.metadata:
        actions.append({"metaData": metadata})
    transactions = {**commit.transactions, SEQUENCE: state.version + 1}
    actions += [
        {"txn": {"appId": app_id, "version": version, "lastUpdated": now_ms}}
        for app_id, version in transactions.items()
    ]
    actions += [{"remove": _remove(file, now_ms, commit)} for file in commit.removes]
    actions += [{"add": _add(add, commit)} for add in commit.adds]
    return "".join(json.dumps(action, separators=(",", ":")) + "\n" for action in actions).encode()


def _add(add: Mapping[str, Any], commit: Commit) -> dict[str, Any]:
    return {
        "path": quote(add["path"], safe=_SAFE),
        "partitionValues": add["partition"],
        "size": add["size"],
        "modificationTime": add["modified_ms"],
        "dataChange": commit.is_change,
        "stats": add["stats"],
    }


def _remove(file: ActiveFile, now_ms: int, commit: Commit) -> dict[str, Any]:
    return {
        "path": quote(file.path, safe=_SAFE),
        "deletionTimestamp": now_ms,
        "dataChange": commit.is_change,
        "extendedFileMetadata": True,
        "partitionValues": file.partition,
        "size": file.bytes,
    }
