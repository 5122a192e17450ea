"""What a Spark task does with its objects: the embedded engine's work, in a DuckDB of its own.

The statement is the embedded engine's to the letter, so both accept and refuse the same lines for the
same reasons. Files stay where all nodes see them, or go to the table's folder on S3 under names that no
other attempt has; what the driver gets is the list of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import pickle
import tempfile
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from loglode import logs
from loglode.engines.base import Job, LineObject, StagedLines
from loglode.engines.duckdb import DuckDBEngine
from loglode.engines.spark.surroundings import share, surroundings
from loglode.errors import LoglodeError
from loglode.files import StagedFile
from loglode.storage import Location, S3Path, upload

_log = logging.getLogger(__name__)
# Bytes of lines, as stored, that are worth a task of their own.
TASK_BYTES = 128 << 20
# What one task's DuckDB may account for. A worker runs one task a core.
TASK_MEMORY_MB = 400
_SLICE_BYTES = 32 << 20


def groups(objects: Sequence[LineObject], parallelism: int) -> list[bytes]:
    """Objects packed into tasks of about equal size, pickled: a task for each TASK_BYTES, at least as
    many as can run at once, at most one an object."""
    total = sum(o.source.size for o in objects)
    count = min(len(objects), max(parallelism, -(-total // TASK_BYTES)))
    packed: list[list[LineObject]] = [[] for _ in range(count)]
    sizes = [0] * count
    for item in sorted(objects, key=lambda o: -o.source.size):
        lightest = sizes.index(min(sizes))
        packed[lightest].append(item)
        sizes[lightest] += item.source.size + 1
    return [pickle.dumps(group) for group in packed]


def stager(job: Job) -> Callable[[bytes], StagedLines | LoglodeError]:
    """The function that stages a pickled group, and returns the error where that fails.

    It carries the key in its own pickled form, which appears in no plan, log or configuration.
    """
    known, way = surroundings(), logs.way()

    def stage(group: bytes) -> StagedLines | LoglodeError:
        share(known)
        with logs.following(way):
            try:
                return _stage(job, pickle.loads(group))  # noqa: S301 - made by `groups`
            except LoglodeError as error:
                # As a value: of an error that a task raises, Spark keeps only the text.
                return error

    return stage


def _stage(job: Job, objects: Sequence[LineObject]) -> StagedLines:
    with tempfile.TemporaryDirectory(prefix="loglode-task-") as own:
        is_shared = isinstance(job.silver_root, Path)
        home = job.folder if is_shared else Path(own)
        folder = home / f"task-{uuid.uuid4().hex}"
        engine = DuckDBEngine(
            memory_limit_mb=TASK_MEMORY_MB,
            threads=1,
            temp_dir=Path(own, "spill"),
            folders=[home],
            slice_bytes=_SLICE_BYTES,
        )
        with contextlib.closing(engine):
            staged = engine.stage(dataclasses.replace(job, folder=folder), objects, _silent)
        counts = {"objects": len(objects), "lines_read": staged.read.lines}
        _log.debug("task done", extra={"counts": counts})
        return dataclasses.replace(
            staged,
            silver=[deliver(file, job.silver_root) for file in staged.silver],
            quarantine=[deliver(file, job.quarantine_root) for file in staged.quarantine],
        )


def deliver(file: StagedFile, root: Location) -> StagedFile:
    """Bring a file of a task's own folder to its table on S3; on a shared disk it stays where it is."""
    if not isinstance(root, S3Path) or isinstance(file.path, S3Path):
        return file
    target = root.joinpath(file.relative_path)
    upload(file.path, target)
    return dataclasses.replace(file, path=target)


def _silent(step: str, done: int, total: int) -> None:
    del step, done, total
