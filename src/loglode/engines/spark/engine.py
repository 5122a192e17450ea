"""The Spark engine: objects to staged files in tasks, and what is asked of such files.

Only counts, lists of files and what went wrong come to this process.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from loglode.contract import Contract
from loglode.engines.base import Held, LoadJob, ModelRunner, Read, StagedLines
from loglode.engines.spark.dedupe import without_doubles
from loglode.engines.spark.files import SPARK_ERRORS, failed, read, write
from loglode.engines.spark.lines import READ_YEAR, groups, mapper
from loglode.engines.spark.models import SparkModels
from loglode.engines.spark.session import open_session
from loglode.engines.spark.types import schema
from loglode.errors import SourceError, UsageError
from loglode.files import StagedFile
from loglode.gold.model import Model
from loglode.lake.layout import DAY, QUARANTINE
from loglode.silver import BLANK, REFUSED_YEAR
from loglode.storage import Location

NAME = "spark"
_REFUSED = {name: sql for name, sql, _ in QUARANTINE.columns}


class SparkEngine:
    """`master` is used where no Spark runs in this process yet; `folder` takes files in the making."""

    name = NAME
    # Models see all of their days at once: Spark cuts the work itself.
    chunk_rows = 1 << 62
    chunk_days = 1 << 31

    def __init__(self, *, master: str | None, folder: Path) -> None:
        self._folder = folder
        self.spark, self._is_ours = open_session(master)

    def close(self) -> None:
        if self._is_ours:
            self.spark.stop()

    def stage(self, job: LoadJob) -> StagedLines:
        """Raises UsageError for standard input, which only this process can read."""
        if any(o.source.is_stream for o in job.objects):
            raise UsageError("Spark cannot read standard input", hint="use --engine duckdb, or name a file")
        started = time.perf_counter()
        job.progress("bronze to silver", 0, 1)
        try:
            staged = self._stage(job)
        except SPARK_ERRORS as error:
            raise failed(f"batch {job.batch_id}", error) from error
        job.progress("bronze to silver", 1, 1)
        staged.seconds = time.perf_counter() - started
        return staged

    def _stage(self, job: LoadJob) -> StagedLines:
        types = {f.name: f.sql_type for f in job.contract.stored_fields}
        packed = groups(job.objects, self.spark.sparkContext.defaultParallelism)
        tasks = self.spark.createDataFrame(
            self.spark.sparkContext.parallelize([(group,) for group in packed], len(packed)), "objects binary"
        )
        rows = tasks.mapInArrow(mapper(job), schema(types.items()))
        files = write(self.spark, rows, job.folder / "silver", types, job.contract.partition_columns)
        by_door: dict[str, list[StagedFile]] = {}
        for file in files:
            by_door.setdefault(file.partition["year"], []).append(file)
        told = by_door.pop(str(READ_YEAR), [])
        refused = by_door.pop(str(REFUSED_YEAR), [])
        quarantine, blank = self._stage_refused(job, refused)
        silver = [file for door in by_door.values() for file in door]
        return StagedLines(silver, quarantine, blank, 0.0, self._read(told, types))

    def _read(self, told: Sequence[StagedFile], types: dict[str, str]) -> Read:
        """What the tasks' readers saw."""
        columns = {name: types[name] for name in ("event_id", "source_line", "path", "query")}
        read_ = Read()
        for row in read(self.spark, [file.path for file in told], columns).collect():
            if row["event_id"] is not None:
                read_.gone[row["event_id"]] = SourceError(row["query"])
            else:
                read_.lines += row["source_line"]
                read_.bytes += int(row["path"])
        return read_

    def _stage_refused(self, job: LoadJob, files: Sequence[StagedFile]) -> tuple[list[StagedFile], int]:
        """Rows of the side door into quarantine's shape; blank lines are counted and dropped."""
        if not files:
            return [], 0
        types = {f.name: f.sql_type for f in job.contract.stored_fields}
        reasons = f.expr("split_part(query, '\n', 1)")
        rows = read(self.spark, [file.path for file in files], types)
        blank = rows.where(reasons == BLANK).count()
        length = f.expr("try_cast(split_part(split_part(query, '\n', 2), ':', 2) as bigint)")
        stamp = job.processed_at
        shaped = rows.where(reasons != BLANK).select(
            f.col("event_id").alias("line_id"),
            "source_object",
            "source_line",
            f.lit(job.format.name).alias("format"),
            f.col("path").alias("raw"),
            f.coalesce(length, f.octet_length("path").cast("bigint")).alias("raw_bytes"),
            f.split(reasons, ",").alias("reasons"),
            "event_ts",
            "batch_id",
            "contract_version",
            "processed_at",
            f.lit(stamp.year).alias("year"),
            f.lit(stamp.month).alias("month"),
            f.lit(stamp.day).alias("day"),
        )
        return write(self.spark, shaped, job.folder / "quarantine", job.quarantine_types, DAY), blank

    def remove_duplicates(self, staged: StagedLines, held: Held, prefix: str) -> None:
        started = time.perf_counter()
        before = staged.rows_silver + staged.rows_quarantine
        folder = self._folder / prefix
        try:
            staged.silver = without_doubles(
                self.spark, staged.silver, "event_id", held.silver, held.silver_types, folder
            )
            staged.quarantine = without_doubles(
                self.spark, staged.quarantine, "line_id", held.quarantine, held.quarantine_types, folder
            )
        except SPARK_ERRORS as error:
            raise failed(f"the duplicates of batch {prefix}", error) from error
        staged.duplicates += before - staged.rows_silver - staged.rows_quarantine
        staged.dedupe_seconds += time.perf_counter() - started

    def tally(self, staged: StagedLines) -> None:
        refused = self._rows(staged.quarantine, {"reasons": _REFUSED["reasons"]})
        staged.reasons = _tally(refused.select(f.explode("reasons").alias("code")))
        warned = [file for file in staged.silver if file.nulls.get("warnings") != file.rows]
        rows = self._rows(warned, {"warnings": "VARCHAR"}).where("warnings is not null")
        staged.warnings = _tally(rows.select(f.explode(f.split("warnings", ",")).alias("code")))

    def days_of(self, files: Sequence[Location]) -> list[tuple[int, int, int]]:
        rows = read(self.spark, files, {"event_ts": _REFUSED["event_ts"]}).where("event_ts is not null")
        days = rows.select(*[getattr(f, name)("event_ts") for name in ("year", "month", "dayofmonth")])
        return sorted((year, month, day) for year, month, day in days.distinct().collect())

    def _rows(self, files: Sequence[StagedFile], types: dict[str, str]) -> DataFrame:
        return read(self.spark, [file.path for file in files], types)

    def models(self, models: Sequence[Model], contract: Contract, folder: Path) -> ModelRunner:
        return SparkModels(self.spark, models, contract, folder)


def _tally(codes: DataFrame) -> dict[str, int]:
    return dict(sorted((code, count) for code, count in codes.groupBy("code").count().collect()))
