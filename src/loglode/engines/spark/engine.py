"""The Spark engine: objects to staged files in tasks, and what is asked of such files.

Only counts, lists of files and what went wrong come to this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as f

from loglode.contract import Contract
from loglode.engines.base import LINES, Held, LoadJob, ModelRunner, StagedLines, Tally
from loglode.engines.spark.dedupe import without_doubles
from loglode.engines.spark.files import SPARK_ERRORS, failed, read
from loglode.engines.spark.lines import groups, stager
from loglode.engines.spark.models import SparkModels
from loglode.engines.spark.session import open_session
from loglode.errors import UsageError
from loglode.files import StagedFile
from loglode.models.model import Model
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
        job.folder.mkdir()
        context = self.spark.sparkContext
        packed = groups(job.objects, context.defaultParallelism)
        try:
            parts = context.parallelize(packed, len(packed)).map(stager(job)).collect()
        except SPARK_ERRORS as error:
            raise failed(f"batch {job.batch_id}", error) from error
        job.progress("bronze to silver", 1, 1)
        return _together(parts, time.perf_counter() - started)

    def remove_duplicates(self, staged: StagedLines, held: Held, prefix: str) -> None:
        started = time.perf_counter()
        before = staged.rows_silver + staged.rows_quarantine
        folder = self._folder / prefix
        try:
            staged.silver = without_doubles(
                self.spark,
                staged.silver,
                "event_id",
                held.silver,
                held.silver_types,
                folder,
                held.silver_root,
            )
            staged.quarantine = without_doubles(
                self.spark, staged.quarantine, "line_id", held.quarantine, held.quarantine_types, folder,
                held.quarantine_root,
            )  # fmt: skip
        except SPARK_ERRORS as error:
            raise failed(f"the duplicates of batch {prefix}", error) from error
        staged.duplicates += before - staged.rows_silver - staged.rows_quarantine
        staged.dedupe_seconds += time.perf_counter() - started

    def tally(self, staged: StagedLines) -> None:
        refused = self._rows(staged.quarantine, {name: _REFUSED[name] for name in ("event_ts", "reasons")})
        staged.refused = _tally(refused, f.concat("reasons", f.array(f.lit(LINES))))
        warned = [file for file in staged.silver if file.nulls.get("warnings") != file.rows]
        types = {"event_ts": _REFUSED["event_ts"], "warnings": "VARCHAR"}
        rows = self._rows(warned, types).where("warnings is not null")
        staged.warned = _tally(rows, f.split("warnings", ","))

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


def _together(parts: Iterable[StagedLines], seconds: float) -> StagedLines:
    whole = StagedLines([], [], 0, seconds)
    for part in parts:
        whole.silver += part.silver
        whole.quarantine += part.quarantine
        whole.blank += part.blank
        whole.read.lines += part.read.lines
        whole.read.bytes += part.read.bytes
        whole.read.gone |= part.read.gone
        whole.read.shape.add(part.read.shape)
    return whole


def _tally(rows: DataFrame, codes: Column) -> Tally:
    """The session's time zone is UTC, so the date of an instant is its day."""
    day = f.coalesce(f.to_date("event_ts").cast("string"), f.lit("")).alias("event_day")
    counted = rows.select(day, f.explode(codes).alias("code")).groupBy("event_day", "code").count()
    return {(day, code): count for day, code, count in sorted(counted.collect())}
