"""The Spark engine: objects to staged files in tasks, and counts over such files.

Only counts, lists of files and what went wrong come to this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from loglode.contract import Contract
from loglode.engines.base import (
    LINES,
    Existing,
    Job,
    LineObject,
    ModelRunner,
    Progress,
    Read,
    StagedLines,
    Tally,
)
from loglode.engines.spark.dedupe import Rows, by_place, conflicting, without_doubles
from loglode.engines.spark.files import SPARK_ERRORS, failed, read
from loglode.engines.spark.lines import groups, stager
from loglode.engines.spark.models import SparkModels
from loglode.engines.spark.session import open_session
from loglode.errors import LoglodeError, UsageError
from loglode.files import StagedFile
from loglode.models.model import Model
from loglode.sources.shape import Shape
from loglode.storage import Location
from loglode.tables import QUARANTINE

NAME = "spark"
_REFUSED = {name: sql for name, sql, _ in QUARANTINE.columns}


class SparkEngine:
    """`master` is used where no Spark runs in this process yet; `folder` takes files in the making."""

    name = NAME
    # Models see all of their days at once: Spark cuts the work itself.
    chunk_rows = 1 << 62
    chunk_days = 1 << 31
    # It starts for large batches, whose days are read anyway.
    merges = False
    reads_here = False

    def __init__(self, *, master: str | None, folder: Path) -> None:
        self._folder = folder
        self.spark, self._is_ours = open_session(master)

    def close(self) -> None:
        if self._is_ours:
            self.spark.stop()

    def stage(self, job: Job, objects: Sequence[LineObject], progress: Progress) -> StagedLines:
        """Raises UsageError for standard input, which only this process can read."""
        if any(o.source.is_stream for o in objects):
            raise UsageError("Spark cannot read standard input", hint="use --engine duckdb, or name a file")
        started = time.perf_counter()
        progress("bronze to silver", 0, 1)
        job.folder.mkdir()
        context = self.spark.sparkContext
        packed = groups(objects, context.defaultParallelism)
        try:
            done = context.parallelize(packed, len(packed)).map(stager(job)).collect()
        except SPARK_ERRORS as error:
            raise failed(f"batch {job.batch_id}", error) from error
        parts: list[StagedLines] = []
        for part in done:
            if isinstance(part, LoglodeError):
                raise part
            parts.append(part)
        progress("bronze to silver", 1, 1)
        return _together(parts, time.perf_counter() - started)

    def without_duplicates(self, job: Job, staged: StagedLines, existing: Existing) -> StagedLines:
        started = time.perf_counter()
        folder = self._folder / job.batch_id
        silver = Rows("event_id", job.silver_types, folder, job.silver_root, has_heads=job.has_heads)
        quarantine = Rows("line_id", _REFUSED, folder, job.quarantine_root)
        try:
            plain = by_place(self.spark, staged.silver, staged.apart, silver)
            events, apart = without_doubles(self.spark, plain, existing.silver, silver)
            refused, _ = without_doubles(self.spark, staged.quarantine, existing.quarantine, quarantine)
            kept = replace(staged, silver=events, quarantine=refused, apart=apart)
            found = conflicting(self.spark, kept.silver, existing.silver, silver)
        except SPARK_ERRORS as error:
            raise failed(f"the duplicates of batch {job.batch_id}", error) from error
        dropped = staged.rows_silver + staged.rows_quarantine - kept.rows_silver - kept.rows_quarantine
        return replace(
            kept,
            duplicates=staged.duplicates + dropped,
            conflicting=found,
            dedupe_seconds=staged.dedupe_seconds + time.perf_counter() - started,
        )

    def tallied(self, staged: StagedLines) -> StagedLines:
        refused = self._rows(staged.quarantine, {name: _REFUSED[name] for name in ("event_ts", "reasons")})
        warned = [file for file in staged.silver if file.nulls.get("warnings") != file.rows]
        types = {"event_ts": _REFUSED["event_ts"], "warnings": "VARCHAR"}
        rows = self._rows(warned, types).where("warnings is not null")
        return replace(
            staged,
            refused=_tally(refused, f.concat("reasons", f.array(f.lit(LINES)))),
            warned=_tally(rows, f.split("warnings", ",")),
        )

    def days_of(self, files: Sequence[Location]) -> list[tuple[int, int, int]]:
        rows = read(self.spark, files, {"event_ts": _REFUSED["event_ts"]}).where("event_ts is not null")
        days = rows.select(*[getattr(f, name)("event_ts") for name in ("year", "month", "dayofmonth")])
        return sorted((year, month, day) for year, month, day in days.distinct().collect())

    def _rows(self, files: Sequence[StagedFile], types: dict[str, str]) -> DataFrame:
        return read(self.spark, [file.path for file in files], types)

    def models(
        self, models: Sequence[Model], contract: Contract, folder: Path, home: Callable[[str], Location]
    ) -> ModelRunner:
        return SparkModels(self.spark, models, contract, folder, home)


def _together(parts: Sequence[StagedLines], seconds: float) -> StagedLines:
    shape = Shape()
    for part in parts:
        shape.add(part.read.shape)
    read = Read(
        sum(part.read.lines for part in parts),
        sum(part.read.bytes for part in parts),
        shape,
        {identity: outcome for part in parts for identity, outcome in part.read.outcomes.items()},
    )
    silver = [file for part in parts for file in part.silver]
    quarantine = [file for part in parts for file in part.quarantine]
    return StagedLines(silver, quarantine, sum(part.blank for part in parts), seconds, read)


def _tally(rows: DataFrame, codes: Column) -> Tally:
    """The session's time zone is UTC, so the date of an instant is its day."""
    day = f.coalesce(f.to_date("event_ts").cast("string"), f.lit("")).alias("event_day")
    counted = rows.select(day, f.explode(codes).alias("code")).groupBy("event_day", "code").count()
    return {(day, code): count for day, code, count in sorted(counted.collect())}
