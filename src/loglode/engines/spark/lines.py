"""What a Spark task does with its objects: the silver statement on their lines, in a DuckDB of its own.

The statement is the embedded engine's to the letter, so both accept and refuse the same lines for the
same reasons. Rows leave as Arrow batches; after an object's rows comes one that tells what was read of
it, so that those figures share the fate of the rows when a task is tried again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_type

from loglode.engines.base import LineObject, LoadJob, Read
from loglode.engines.duckdb.engine import LinesJob, Slices, make_memos, parameters
from loglode.engines.duckdb.session import connect, streaming
from loglode.engines.reading import read_lines, sample_lines
from loglode.engines.spark.types import schema
from loglode.silver import silver_statement
from loglode.sources.lines import SCHEMA

# Marks the rows that tell what was read, as year 0 marks refused lines.
READ_YEAR = -1
# Bytes of lines, as stored, that are worth a task of their own.
TASK_BYTES = 128 << 20
# What one task's DuckDB may account for. A worker runs one task a core.
TASK_MEMORY_MB = 400
_SLICE_BYTES = 32 << 20
_BATCH_ROWS = 10_000

Mapper = Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]


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


def mapper(job: LoadJob) -> Mapper:
    """The function for mapInArrow: pickled groups in, silver's columns out.

    It carries the key in its own pickled form, which appears in no plan, log or configuration.
    """
    task = dataclasses.replace(job, objects=(), progress=_silent)

    def rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for payload in batch.column(0):
                yield from _rows(task, pickle.loads(payload.as_py()))  # noqa: S301 - made by `groups`

    return rows


def _rows(task: LoadJob, objects: Sequence[LineObject]) -> Iterator[pa.RecordBatch]:
    read = Read()
    with (
        tempfile.TemporaryDirectory(prefix="loglode-task-") as spill,
        contextlib.closing(
            connect(memory_limit_mb=TASK_MEMORY_MB, threads=1, temp_dir=Path(spill))
        ) as connection,
    ):
        job = LinesJob(
            contract=task.contract,
            format=task.format,
            known_keys=task.known_keys,
            sample=sample_lines(objects),
            lines=pa.RecordBatchReader.from_batches(SCHEMA, read_lines(objects, read, _silent)),
            batch_id=task.batch_id,
            processed_at=task.processed_at,
            pseudonym_key=task.pseudonym_key,
            folder=Path(spill),
            quarantine_types={},
        )
        yield from _statement(connection, job)
    yield _told(task, read)


def _statement(connection: duckdb.DuckDBPyConnection, job: LinesJob) -> Iterator[pa.RecordBatch]:
    statement = silver_statement(job.contract, job.format, job.known_keys)
    streaming(connection, is_on=True, memory_limit_mb=TASK_MEMORY_MB)
    make_memos(connection, job)
    lines = Slices(job.lines, _SLICE_BYTES)
    while not lines.is_done:
        connection.register("lines", pa.RecordBatchReader.from_batches(SCHEMA, lines.next_slice()))
        yield from connection.execute(statement, parameters(job)).to_arrow_reader(_BATCH_ROWS)
        connection.unregister("lines")


def _told(task: LoadJob, read: Read) -> pa.RecordBatch:
    """One row: lines and bytes that were read, and a row for each object that could not be opened."""
    rows = [{"year": READ_YEAR, "source_line": read.lines, "path": str(read.bytes)}]
    for identity, error in read.gone.items():
        rows.append({"year": READ_YEAR, "event_id": identity, "query": error.message})
    stored = task.contract.stored_fields
    arrays = [
        pa.array([row.get(f.name) for row in rows], to_arrow_type(kind.dataType))
        for f, kind in zip(stored, schema((f.name, f.sql_type) for f in stored), strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, [f.name for f in stored])


def _silent(step: str, done: int, total: int) -> None:
    del step, done, total
