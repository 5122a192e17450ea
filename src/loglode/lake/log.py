"""A table's transaction log as files: names of commits, and what each records.

Format: https://github.com/delta-io/delta/blob/master/PROTOCOL.md (commit files).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from loglode.storage import Location, names_after

LOG = "_delta_log"
# Where a commit's own metadata is in its commitInfo.
METADATA = "loglode"


def commit_name(version: int) -> str:
    """Name of a version's commit file."""
    return f"{version:020d}.json"


def commits_in(names: Iterable[str]) -> set[int]:
    """Versions whose commit files are among the names of a log's files."""
    stems = (name.removesuffix(".json") for name in names if name.endswith(".json"))
    return {int(stem) for stem in stems if stem.isdigit()}


def commit_metadata(root: Location, after: int, until: int) -> dict[int, dict[str, Any]] | None:
    """Our metadata of the commits after one version until another, inclusive, by version.

    None when the log no longer holds all of them.
    """
    log = root / LOG
    versions = range(after + 1, until + 1)
    if versions and not set(versions) <= commits_in(names_after(log, commit_name(after))):
        return None
    found: dict[int, dict[str, Any]] = {}
    for version in versions:
        actions_of = _read(log / commit_name(version))
        found[version] = next(
            (a["commitInfo"][METADATA] for a in actions_of if METADATA in a.get("commitInfo", {})), {}
        )
    return found


def oldest_commit(root: Location) -> int:
    """Lowest version whose commit the log still holds; 0 where it holds none."""
    return min(commits_in(names_after(root / LOG)), default=0)


def actions(log: Location, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """(version, action) of the commits that a log's folder holds from a version on, in order."""
    for version in sorted(v for v in commits_in(names_after(log)) if v >= start):
        for action in _read(log / commit_name(version)):
            yield version, action


def _read(path: Location) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().splitlines():
        if line.strip():
            yield json.loads(line)
