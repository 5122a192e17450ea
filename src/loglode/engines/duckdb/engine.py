"""The embedded engine: lines into staged files, and what is asked of such files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from loglode.contract import Contract
from loglode.engines.base import LINES, Held, LoadJob, ModelRunner, Read, StagedLines, Tally
from loglode.engines.duckdb.dedupe import remove_duplicates
from loglode.engines.duckdb.files import parquet, partition_by_groups, write_partitioned
from loglode.engines.duckdb.models import DuckDBModels
from loglode.engines.duckdb.session import allow_s3, connect, s3_errors, streaming
from loglode.engines.reading import read_lines, sample_lines
from loglode.errors import LoglodeError, MemoryShortError
from loglode.files import StagedFile
from loglode.formats import Format
from loglode.models.model import Model
from loglode.silver import BLANK, MEMOS, REFUSED_YEAR, memo_texts, silver_statement
from loglode.sources.lines import SCHEMA
from loglode.storage import Location

NAME = "duckdb"
SLICE_BYTES = 128 << 20


@dataclass(frozen=True, slots=True)
class LinesJob:
    """A stream of lines of one format, ready to be turned into files under `folder`."""

    contract: Contract
    format: Format
    known_keys: frozenset[str]
    sample: Sequence[pa.RecordBatch]
    lines: pa.RecordBatchReader
    batch_id: str
    processed_at: datetime
    pseudonym_key: str = field(repr=False)
    folder: Path
    quarantine_types: Mapping[str, str]


class Slices:
    """A stream of lines in slices of some bytes.

    While a statement runs, DuckDB 1.5 holds on to most Arrow batches that it has read; they are freed
    at its end. So a long stream is read by several statements, or it would fill the memory.
    """

    def __init__(self, lines: Iterable[pa.RecordBatch], size: int) -> None:
        self._lines = iter(lines)
        self._size = size
        self._next = next(self._lines, None)

    @property
    def is_done(self) -> bool:
        """Whether there are no more lines."""
        return self._next is None

    def next_slice(self) -> Iterator[pa.RecordBatch]:
        """The next lines."""
        size = 0
        while self._next is not None and size < self._size:
            batch, self._next = self._next, None
            size += batch.nbytes
            yield batch
            del batch
            self._next = next(self._lines, None)


class DuckDBEngine:
    """One connection; `temp_dir` takes what does not fit into memory."""

    name = NAME
    chunk_rows = 2_500_000
    # Each day takes memory of its own while it is written.
    chunk_days = 50

    def __init__(
        self,
        *,
        memory_limit_mb: int,
        threads: int | None,
        temp_dir: Path,
        slice_bytes: int = SLICE_BYTES,
    ) -> None:
        self._memory_limit_mb = memory_limit_mb
        self._slice_bytes = slice_bytes
        self.connection = connect(memory_limit_mb=memory_limit_mb, threads=threads, temp_dir=temp_dir)

    def close(self) -> None:
        self.connection.close()

    def stage(self, job: LoadJob) -> StagedLines:
        """Cut by day at once; where that takes too much memory (very many days), in two steps."""
        is_wide = any(o.source.is_stream for o in job.objects)  # a stream cannot be read a second time
        while True:
            job.folder.mkdir()
            read = Read()
            lines = read_lines(job.objects, read, job.progress)
            try:
                staged = self.stage_lines(_lines_job(job, lines), is_wide=is_wide)
            except MemoryShortError:
                if is_wide:
                    raise
                shutil.rmtree(job.folder)
                is_wide = True
            else:
                staged.read = read
                return staged

    def remove_duplicates(self, staged: StagedLines, held: Held, prefix: str) -> None:
        remove_duplicates(self.connection, staged, held, prefix)

    def models(
        self, models: Sequence[Model], contract: Contract, folder: Path, home: Callable[[str], Location]
    ) -> ModelRunner:
        del home  # the committer copies what is staged
        return DuckDBModels(self.connection, models, contract, folder)

    def stage_lines(self, job: LinesJob, *, is_wide: bool = False) -> StagedLines:
        """Run the silver statement over the lines.

        `is_wide`: the lines may be of very many days; they are written in one piece first and cut by
        day afterwards, a group of days at a time. Raises MemoryShortError when memory did not suffice
        (then a wide attempt may do), LoglodeError if the engine itself fails.
        """
        started = time.perf_counter()
        try:
            with s3_errors():  # a replay's lines come from a table
                files = self._stage_silver(job, is_wide=is_wide)
                refused = [f for f in files if f.partition["year"] == str(REFUSED_YEAR)]
                quarantine, blank = self._stage_refused(job, refused)
        except duckdb.OutOfMemoryException as error:
            raise MemoryShortError(
                f"memory did not suffice for batch {job.batch_id}", hint="raise --memory-mb"
            ) from error
        except duckdb.Error as error:
            raise LoglodeError(f"the engine failed on batch {job.batch_id}: {_one_line(error)}") from error
        silver = [f for f in files if f not in refused]
        return StagedLines(silver, quarantine, blank, time.perf_counter() - started)

    def _stage_silver(self, job: LinesJob, *, is_wide: bool) -> list[StagedFile]:
        connection = self.connection
        streaming(connection, is_on=True, memory_limit_mb=self._memory_limit_mb)
        statement = silver_statement(job.contract, job.format, job.known_keys)
        types = {f.name: f.sql_type for f in job.contract.stored_fields}
        lines = Slices(job.lines, self._slice_bytes)
        staged: list[StagedFile] = []
        try:
            make_memos(connection, job)
            while not lines.is_done:
                connection.register(
                    "lines", pa.RecordBatchReader.from_batches(job.lines.schema, lines.next_slice())
                )
                staged += write_partitioned(
                    connection,
                    statement,
                    job.folder / ("whole" if is_wide else "silver"),
                    prefix=job.batch_id,
                    partition_by=() if is_wide else job.contract.partition_columns,
                    types=types,
                    parameters=parameters(job),
                )
                connection.unregister("lines")
        finally:
            connection.unregister("lines")
            streaming(connection, is_on=False, memory_limit_mb=self._memory_limit_mb)
        if is_wide:
            return partition_by_groups(
                connection,
                [f.local for f in staged],
                job.folder / "silver",
                prefix=job.batch_id,
                partition_by=job.contract.partition_columns,
                types=types,
            )
        return staged

    def _stage_refused(self, job: LinesJob, files: Sequence[StagedFile]) -> tuple[list[StagedFile], int]:
        """Rows of the side door into quarantine's shape; blank lines are counted and dropped."""
        if not files:
            return [], 0
        source = parquet([f.path for f in files])
        reasons = "split_part(query, chr(10), 1)"
        fault = "split_part(query, chr(10), 2)"
        counted = self._one(f"select count(*) filter ({reasons} = '{BLANK}') from {source}")
        stamp = job.processed_at
        select = f"""
            select
                event_id as line_id, source_object, source_line, '{job.format.name}' as format, path as raw,
                coalesce(try_cast(split_part({fault}, ':', 2) as bigint), strlen(path)) as raw_bytes,
                string_split({reasons}, ',') as reasons, event_ts, batch_id, contract_version, processed_at,
                {stamp.year} as year, {stamp.month} as month, {stamp.day} as day
            from {source}
            where {reasons} <> '{BLANK}'
        """
        staged = write_partitioned(
            self.connection,
            select,
            job.folder / "quarantine",
            prefix=job.batch_id,
            partition_by=("year", "month", "day"),
            types=job.quarantine_types,
        )
        shutil.rmtree(job.folder / "silver" / f"year={REFUSED_YEAR}")
        return staged, counted

    def tally(self, staged: StagedLines) -> None:
        """Count refused lines by day and reason, and nulled values by day and rule."""
        staged.refused = self._tally(staged.quarantine, f"list_append(reasons, '{LINES}')", "true")
        staged.warned = self._tally(staged.silver, "string_split(warnings, ',')", "warnings is not null")

    def _tally(self, files: Sequence[StagedFile], codes: str, condition: str) -> Tally:
        if not files:
            return {}
        rows = self.connection.execute(
            "select coalesce(make_timestamp(epoch_us(event_ts))::date::varchar, '') as event_day, code, count(*)"
            f" from (select event_ts, unnest({codes}) as code from {parquet([f.path for f in files])}"
            f" where {condition}) group by event_day, code order by event_day, code"
        ).fetchall()
        return {(day, code): count for day, code, count in rows}

    def days_of(self, files: Sequence[Location]) -> list[tuple[int, int, int]]:
        """UTC days of the events in quarantine files, where they could be read."""
        if not files:
            return []
        allow_s3(self.connection, files)
        return self.connection.execute(
            "select distinct year(utc), month(utc), day(utc) from (select make_timestamp(epoch_us(event_ts)) as utc"
            f" from {parquet(files)} where event_ts is not null) order by all"
        ).fetchall()

    def _one(self, sql: str) -> int:
        row = self.connection.execute(sql).fetchone()
        return int(row[0]) if row else 0


def make_memos(connection: duckdb.DuckDBPyConnection, job: LinesJob) -> None:
    """The tables that the silver statement looks texts up in, learnt from the sample."""
    connection.register("lines", pa.RecordBatchReader.from_batches(job.lines.schema, iter(job.sample)))
    texts = memo_texts(job.contract, job.format, job.known_keys)
    connection.execute(f"create or replace temp table memo_texts as {texts}")
    connection.unregister("lines")
    for memo in MEMOS:
        select = memo.statement("select * from memo_texts")
        connection.execute(f"create or replace temp table {memo.name} as {select}")
    connection.execute("drop table memo_texts")


def parameters(job: LinesJob) -> dict[str, Any]:
    """What the silver statement is bound to."""
    return {
        "pseudonym_key": job.pseudonym_key,
        "batch_id": job.batch_id,
        "contract_version": job.contract.version,
        "processed_at": job.processed_at,
    }


def _lines_job(job: LoadJob, lines: Iterator[pa.RecordBatch]) -> LinesJob:
    return LinesJob(
        contract=job.contract,
        format=job.format,
        known_keys=job.known_keys,
        sample=sample_lines(job.objects),
        lines=pa.RecordBatchReader.from_batches(SCHEMA, lines),
        batch_id=job.batch_id,
        processed_at=job.processed_at,
        pseudonym_key=job.pseudonym_key,
        folder=job.folder,
        quarantine_types=job.quarantine_types,
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
