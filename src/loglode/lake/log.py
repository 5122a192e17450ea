"""Questions to a table's transaction log that the library answers one at a time, asked in bulk.

Format: https://github.com/delta-io/delta/blob/master/PROTOCOL.md (commit files, checkpoints, txn).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from loglode.lake.committer import METADATA
from loglode.storage import Location, names_after


def recorded_transactions(root: Location, app_ids: set[str]) -> set[str]:
    """Which of the application ids the log has recorded: newest checkpoint and the commits after it.

    The library takes some 15 ms for each id it is asked for; this reads one column once.
    """
    log = root / "_delta_log"
    found: set[str] = set()
    start = 0
    pointer = log / "_last_checkpoint"
    if pointer.exists():
        version = int(json.loads(pointer.read_bytes())["version"])
        start = version + 1
        checkpoint = f"{version:020d}.checkpoint"
        parts = (name for name in names_after(log, f"{version:020d}") if name.startswith(checkpoint))
        for part in parts:
            content = BytesIO((log / part).read_bytes())
            ids = pc.struct_field(pq.read_table(content, columns=["txn"]).column("txn"), "appId")
            found |= app_ids & set(ids.drop_null().to_pylist())
    for _, action in actions(log, start):
        transaction = action.get("txn")
        if transaction and transaction["appId"] in app_ids:
            found.add(transaction["appId"])
    return found


def commit_metadata(root: Location, after: int, until: int) -> dict[int, dict[str, Any]] | None:
    """Our metadata of the commits after one version until another, inclusive, by version.

    None when the log no longer holds all of them.
    """
    log = root / "_delta_log"
    found: dict[int, dict[str, Any]] = {}
    names = set(names_after(log, f"{after + 1:020d}"))
    for version in range(after + 1, until + 1):
        name = f"{version:020d}.json"
        if name not in names:
            return None
        found[version] = {}
        for action in _read(log / name):
            if METADATA in action.get("commitInfo", {}):
                found[version] = action["commitInfo"][METADATA]
    return found


def oldest_commit(root: Location) -> int:
    """Lowest version whose commit the log still holds; 0 where it holds none."""
    log = root / "_delta_log"
    return min((version for version, _ in _commits(log)), default=0)


def actions(log: Location, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """(version, action) of the commits that a `_delta_log` folder holds from a version on, in order."""
    for version, name in _commits(log, start):
        for action in _read(log / name):
            yield version, action


def _commits(log: Location, start: int = 0) -> Iterator[tuple[int, str]]:
    """(version, file name) of the log's commits from a version on, in order."""
    for name in names_after(log, f"{start:020d}"):
        stem, _, suffix = name.partition(".")
        if suffix == "json" and stem.isdigit():
            yield int(stem), name


def _read(path: Location) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().splitlines():
        if line.strip():
            yield json.loads(line)
