"""Questions to a table's transaction log that the library answers one at a time, asked in bulk.

Format: https://github.com/delta-io/delta/blob/master/PROTOCOL.md (commit files, checkpoints, txn).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from loglode.lake.committer import METADATA


def recorded_transactions(root: Path, app_ids: set[str]) -> set[str]:
    """Which of the application ids the log has recorded: newest checkpoint and the commits after it.

    The library takes some 15 ms for each id it is asked for; this reads one column once.
    """
    log = root / "_delta_log"
    found: set[str] = set()
    start = 0
    pointer = log / "_last_checkpoint"
    if pointer.exists():
        version = int(json.loads(pointer.read_text())["version"])
        start = version + 1
        for part in sorted(log.glob(f"{version:020d}.checkpoint*.parquet")):
            ids = pc.struct_field(pq.read_table(part, columns=["txn"]).column("txn"), "appId")
            found |= app_ids & set(ids.drop_null().to_pylist())
    for _, action in _actions(log, start):
        transaction = action.get("txn")
        if transaction and transaction["appId"] in app_ids:
            found.add(transaction["appId"])
    return found


def commit_metadata(root: Path, after: int, until: int) -> dict[int, dict[str, Any]] | None:
    """Our metadata of the commits after one version until another, inclusive, by version.

    None when the log no longer holds all of them.
    """
    log = root / "_delta_log"
    found: dict[int, dict[str, Any]] = {}
    for version in range(after + 1, until + 1):
        path = log / f"{version:020d}.json"
        if not path.exists():
            return None
        found[version] = {}
        for action in _read(path):
            if METADATA in action.get("commitInfo", {}):
                found[version] = action["commitInfo"][METADATA]
    return found


def oldest_commit(root: Path) -> int:
    """Lowest version whose commit the log still holds; 0 where it holds none."""
    log = root / "_delta_log"
    return min((int(path.stem) for path in log.glob("*.json") if path.stem.isdigit()), default=0)


def _actions(log: Path, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
    for path in sorted(log.glob("*.json")):
        if path.stem.isdigit() and int(path.stem) >= start:
            for action in _read(path):
                yield int(path.stem), action


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)
