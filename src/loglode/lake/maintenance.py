"""Maintenance of one table: which files to merge, what to delete, checkpoints."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deltalake.exceptions import CommitFailedError

from loglode.errors import CommitConflictError
from loglode.lake.committer import MAX_ATTEMPTS, Commit, commit_when, pause
from loglode.lake.delta import reaching
from loglode.lake.state import ActiveFile
from loglode.lake.table import Snapshot, Table

# A merge that takes this many files away pays in any case.
MIN_FILES = 4


@dataclass(frozen=True, slots=True)
class Merge:
    """Files of one partition that become one; `emptied` columns become null on the way."""

    files: tuple[ActiveFile, ...]
    emptied: tuple[str, ...] = ()

    @property
    def partition(self) -> dict[str, str]:
        return self.files[0].partition

    @property
    def rows(self) -> int:
        return sum(f.rows for f in self.files)

    @property
    def bytes(self) -> int:
        return sum(f.bytes for f in self.files)

    def is_possible(self, active: set[str]) -> bool:
        """Whether the table still holds all of the files."""
        return all(f.path in active for f in self.files)


def small_files(files: Sequence[ActiveFile], target_bytes: int) -> Iterator[Merge]:
    """Merges within each partition, up to `target_bytes` each.

    Files are taken in the order of their events, so that a file's range of times stays narrow. A merge
    must at least double its largest file or take MIN_FILES: a large file is not written again for every
    small one that comes.
    """
    partitions: dict[tuple[str, ...], list[ActiveFile]] = {}
    for file in files:
        if file.bytes < target_bytes // 2:
            partitions.setdefault(tuple(file.partition.values()), []).append(file)
    for _, found in sorted(partitions.items()):
        ordered = sorted(found, key=lambda f: (f.first_event or "", f.path))
        for merge in _cut(ordered, target_bytes):
            if len(merge.files) >= MIN_FILES or 2 * max(f.bytes for f in merge.files) <= merge.bytes:
                yield merge


def _cut(files: Sequence[ActiveFile], target_bytes: int) -> Iterator[Merge]:
    chosen: list[ActiveFile] = []
    size = 0
    for file in files:
        if chosen and size + file.bytes > target_bytes:
            yield Merge(tuple(chosen))
            chosen, size = [], 0
        chosen.append(file)
        size += file.bytes
    if len(chosen) > 1:
        yield Merge(tuple(chosen))


def keep_bookmarks(table: Table) -> None:
    """Make the bookmarks of a table of an earlier release last, before a checkpoint drops them."""

    def decide(snapshot: Snapshot) -> Commit | None:
        return Commit(transactions=snapshot.bookmarks) if snapshot.may_lose_bookmarks else None

    commit_when(table, decide)


def unneeded_files(table: Table, keep_hours: int, *, is_dry_run: bool) -> list[str]:
    """Delete files that left the table more than `keep_hours` ago, and files of that age that were never
    committed, such as a killed run leaves behind. Returns their paths, relative to the table.

    A vacuum notes in the log that it begins and ends; of the files deleted before another writer came in
    between, a repetition finds no more. Raises CommitConflictError after MAX_ATTEMPTS.
    """
    gone: set[str] = set()
    for attempt in range(MAX_ATTEMPTS):
        if attempt:
            time.sleep(pause(attempt))
        # A dry run first: a vacuum that deletes nothing still adds two commits to the log.
        found = _vacuum(table, keep_hours, is_dry_run=True)
        gone.update(found)
        if not found or is_dry_run:
            return sorted(gone)
        with contextlib.suppress(CommitFailedError):
            _vacuum(table, keep_hours, is_dry_run=False)
            return sorted(gone)
    raise CommitConflictError(
        f"table {table.spec.name}: other writers won {MAX_ATTEMPTS} times", hint="run again; nothing was lost"
    )


def _vacuum(table: Table, keep_hours: int, *, is_dry_run: bool) -> list[str]:
    with reaching(table.root):
        return table.delta().vacuum(
            keep_hours, dry_run=is_dry_run, enforce_retention_duration=False, full=True
        )


def checkpoint(table: Table) -> None:
    """Write a checkpoint, so that the table loads quickly, and drop the log's commits past retention."""
    with reaching(table.root):
        delta = table.delta()
        delta.create_checkpoint()
        delta.cleanup_metadata()
