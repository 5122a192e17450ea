"""The embedded engine: lines into staged files, and counts over such files."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa

from loglode.contract import Contract
from loglode.engines.base import (
    LINES,
    Existing,
    Job,
    LineObject,
    ModelRunner,
    Progress,
    StagedLines,
    Tally,
)
from loglode.engines.duckdb.dedupe import without_duplicates
from loglode.engines.duckdb.files import parquet
from loglode.engines.duckdb.models import DuckDBModels
from loglode.engines.duckdb.outputs import Outputs
from loglode.engines.duckdb.session import (
    allow_s3,
    connect,
    engine_failures,
    is_of_data,
    one_thread,
    plan_quickly,
    restrict,
    s3_errors,
    streaming,
)
from loglode.engines.duckdb.slices import Slices
from loglode.engines.reading import ObjectBrokeOffError, Reading
from loglode.errors import LimitError, LoglodeError, MemoryShortError
from loglode.files import StagedFile
from loglode.models.model import Model
from loglode.silver import MEMOS, memo_texts
from loglode.sources.outcomes import Failed, failure
from loglode.sql import literal
from loglode.storage import Location

NAME = "duckdb"
SLICE_BYTES = 128 << 20
# Lines to learn the memos from: the first of the stream.
SAMPLE_BYTES = 2 << 20
# A batch of fewer bytes takes less time than to make its memos.
MEMO_BYTES = 256 << 10


class DuckDBEngine:
    """One connection; `temp_dir` takes what does not fit into memory.

    It reads and writes in `folders` alone: a contract's rules are SQL of its author.
    """

    name = NAME
    chunk_rows = 2_500_000
    # Each day takes memory of its own while it is written.
    chunk_days = 50
    merges = True
    reads_here = True

    def __init__(
        self,
        *,
        memory_limit_mb: int,
        threads: int | None,
        temp_dir: Path,
        folders: Sequence[Location],
        slice_bytes: int = SLICE_BYTES,
    ) -> None:
        self._memory_limit_mb = memory_limit_mb
        self._slice_bytes = slice_bytes
        self.connection = connect(memory_limit_mb=memory_limit_mb, threads=threads, temp_dir=temp_dir)
        restrict(self.connection, folders=folders)

    def close(self) -> None:
        self.connection.close()

    def stage(self, job: Job, objects: Sequence[LineObject], progress: Progress) -> StagedLines:
        """Cut by day at once; where that takes too much memory (very many days, very long lines), in two steps
        and by one thread.

        When an object breaks off after lines of it were handed out, all are staged again without it.
        """
        is_stream = any(o.source.is_stream for o in objects)  # cannot be read a second time
        is_wide, is_short = is_stream, False
        failed: dict[str, Failed] = {}
        while True:
            job.folder.mkdir()
            reading = Reading(objects, progress, failed, head_lines=job.head_lines, limits=job.limits)
            try:
                with one_thread(self.connection) if is_short else contextlib.nullcontext():
                    staged = self.stage_lines(job, reading.lines(), is_wide=is_wide)
            except ObjectBrokeOffError as broken:
                failed[broken.identity] = failure(broken.error)
            except LimitError as error:
                found = [o.source.identity for o in objects if o.source.display_uri == error.uri]
                if not found or failed.keys() & set(found):
                    raise
                failed.update(dict.fromkeys(found, failure(error)))
            except MemoryShortError:
                if is_wide:
                    raise
                is_wide = is_short = True
            else:
                return replace(staged, read=reading.result())
            shutil.rmtree(job.folder)

    def without_duplicates(self, job: Job, staged: StagedLines, existing: Existing) -> StagedLines:
        with engine_failures(f"the duplicates of batch {job.batch_id}"):
            return without_duplicates(self.connection, job, staged, existing)

    def models(
        self, models: Sequence[Model], contract: Contract, folder: Path, home: Callable[[str], Location]
    ) -> ModelRunner:
        del home  # the committer copies what is staged
        return DuckDBModels(self.connection, models, contract, folder)

    def stage_lines(self, job: Job, lines: pa.RecordBatchReader, *, is_wide: bool = False) -> StagedLines:
        """Run the silver statement over the lines.

        `is_wide`: the lines may be of very many days; they are written in one piece first and cut by
        day afterwards, a group of days at a time. Raises what reading the lines raises; MemoryShortError
        when memory did not suffice (then a wide attempt may do); LoglodeError if the engine itself fails.
        """
        started = time.perf_counter()
        slices = Slices(lines, self._slice_bytes)
        try:
            with s3_errors(), engine_failures(f"batch {job.batch_id}"):  # a replay's lines come from a table
                outputs = self._run(job, slices, lines.schema, is_wide=is_wide)
                outputs.finish()
        except LoglodeError:
            if slices.error is not None:
                raise slices.error from None
            raise
        return StagedLines(outputs.silver, outputs.quarantine, outputs.blank, time.perf_counter() - started)

    def _run(self, job: Job, lines: Slices, schema: pa.Schema, *, is_wide: bool) -> Outputs:
        connection = self.connection
        streaming(connection, is_on=True, memory_limit_mb=self._memory_limit_mb)
        try:
            sample = lines.beginning(SAMPLE_BYTES)
            looks_up = sum(batch.nbytes for batch in sample) >= MEMO_BYTES
            if looks_up:
                make_memos(connection, job, schema, sample)
            else:
                plan_quickly(connection)
            outputs = Outputs(connection, job, is_wide, looks_up)
            while not lines.is_done:
                outputs.add(schema, lines.next_slice())
            outputs.write_held()
        finally:
            connection.unregister("lines")
            streaming(connection, is_on=False, memory_limit_mb=self._memory_limit_mb)
        return outputs

    def tallied(self, staged: StagedLines) -> StagedLines:
        """Count refused lines by day and reason, and nulled values by day and rule."""
        refused = self._tally(staged.quarantine, f"list_append(reasons, {literal(LINES)})", "true")
        warned = self._tally(staged.silver, "string_split(warnings, ',')", "warnings is not null")
        return replace(staged, refused=refused, warned=warned)

    def _tally(self, files: Sequence[StagedFile], codes: str, condition: str) -> Tally:
        if not files:
            return {}
        with engine_failures("the counts of a batch"):
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
        with engine_failures("the days of rejected lines"):
            return self.connection.execute(
                "select distinct year(utc), month(utc), day(utc) from (select make_timestamp(epoch_us(event_ts)) as utc"
                f" from {parquet(files)} where event_ts is not null) order by all"
            ).fetchall()


def make_memos(
    connection: duckdb.DuckDBPyConnection, job: Job, schema: pa.Schema, sample: Sequence[pa.RecordBatch]
) -> None:
    """The tables that the silver statement looks texts up in, learnt from a sample of the lines.

    They are empty where the engine fails on the sample: a memo changes nothing but the time.
    """
    try:
        _learn(connection, job, pa.Table.from_batches(sample, schema))
    except duckdb.Error as error:
        if not is_of_data(error):
            raise
        _learn(connection, job, schema.empty_table())


def _learn(connection: duckdb.DuckDBPyConnection, job: Job, sample: pa.Table) -> None:
    connection.register("lines", sample)
    texts = memo_texts(job.contract, job.format, job.known_keys)
    connection.execute(f"create or replace temp table memo_texts as {texts}")
    connection.unregister("lines")
    for memo in MEMOS:
        select = memo.statement("from memo_texts")
        connection.execute(f"create or replace temp table {memo.name} as {select}")
    connection.execute("drop table memo_texts")
