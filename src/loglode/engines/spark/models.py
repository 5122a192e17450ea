"""Running the gold models with Spark: relations in, staged files out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession

from loglode.contract import Contract, built_in_names
from loglode.engines.base import Columns, GoldInputs
from loglode.engines.duckdb.models import HISTOGRAM_GAMMA
from loglode.engines.spark.dialect import to_spark, words
from loglode.engines.spark.files import SPARK_ERRORS, failed, read, write
from loglode.engines.spark.session import on_one_machine
from loglode.engines.spark.types import declared, schema
from loglode.files import StagedFile
from loglode.models.model import Model
from loglode.storage import Location
from loglode.tables import DAY, QUARANTINE, RUNS

_GOALS = {
    "goal": "VARCHAR",
    "method": "VARCHAR",
    "path_pattern": "VARCHAR",
    "min_status": "SMALLINT",
    "max_status": "SMALLINT",
}
_SETTINGS = {
    "session_gap_seconds": "BIGINT",
    "source_session_gap_seconds": "BIGINT",
    "histogram_gamma": "DOUBLE",
    "gold_started_at": "TIMESTAMP WITH TIME ZONE",
}
# Above it the work outweighs the planning: chosen, not measured.
_FEW_ROWS = 500_000


class SparkModels:
    """Runs models; `columns` holds (name, SQL type, description) of each gold model seen."""

    def __init__(
        self,
        spark: SparkSession,
        models: Sequence[Model],
        contract: Contract,
        folder: Path,
        home: Callable[[str], Location],
    ) -> None:
        self._spark = spark
        self._models = models
        self._contract = contract
        self._folder = folder
        self._home = home
        self.columns: dict[str, Columns] = {}

    def run(self, inputs: GoldInputs, *, exclude: set[str]) -> dict[str, list[StagedFile]]:
        """All models but the excluded ones, for the days of the inputs. Raises LoglodeError."""
        self._relations(inputs)
        staged: dict[str, list[StagedFile]] = {}
        kept: list[DataFrame] = []
        try:
            for model in self._models:
                if model.name in exclude:
                    continue
                frame = self._made(model)
                if model.layer == "gold":
                    staged[model.name] = self._write(model, frame)
                elif not model.is_view and self._readers(model, exclude) > 1:
                    kept.append(self._keep(model, frame, inputs.rows))
        finally:
            for frame in kept:
                frame.unpersist()
        return staged

    def run_batches(
        self, model: Model, runs: Sequence[Location], versions: tuple[int, int], started_at: datetime
    ) -> tuple[list[StagedFile], Columns]:
        """A model that reads ops.runs alone, over batches after one version of silver until another."""
        self._relations(GoldInputs(days=(), web_logs=(), quarantine=(), started_at=started_at, runs=runs))
        chosen = self._spark.table("runs").where(
            f"silver_version > {versions[0]:d} and silver_version <= {versions[1]:d}"
        )
        chosen.createOrReplaceTempView("runs")
        staged = self._write(model, self._made(model))
        return staged, self.columns[model.name]

    def _keep(self, model: Model, frame: DataFrame, events: int) -> DataFrame:
        """Rows that several models read, made once.

        Few rows on one machine are cut off from the plan they came from; it would be planned again with
        every model that reads them, which then takes most of the time. Else the plan stays: it makes the
        rows again that are lost with an executor, and many are kept packed by column.
        """
        if events > _FEW_ROWS or not on_one_machine(self._spark):
            return frame.persist(StorageLevel.MEMORY_AND_DISK)
        kept = frame.localCheckpoint(eager=False)
        kept.createOrReplaceTempView(model.name)
        return kept

    def _readers(self, model: Model, exclude: set[str]) -> int:
        return sum(model.name in m.depends for m in self._models if m.name not in exclude)

    def _made(self, model: Model) -> DataFrame:
        try:
            frame = self._spark.sql(to_spark(model.sql))
            frame.createOrReplaceTempView(model.name)
        except SPARK_ERRORS as error:
            raise failed(f"model {model.name}", error) from error
        return frame

    def _write(self, model: Model, frame: DataFrame) -> list[StagedFile]:
        texts = dict(model.columns)
        self.columns[model.name] = tuple(
            (field.name, declared(field.dataType), texts.get(field.name, "")) for field in frame.schema
        )
        types = {name: sql for name, sql, _ in self.columns[model.name]}
        try:
            # Rows of a day come together in as few files as their size asks for.
            balanced = self._spark.sql(f"select /*+ rebalance({', '.join(DAY)}) */ * from {model.name}")
            return write(balanced, self._folder / model.name, self._home(model.name), types, DAY)
        except SPARK_ERRORS as error:
            raise failed(f"model {model.name}", error) from error

    def _relations(self, inputs: GoldInputs) -> None:
        named = frozenset[str]().union(*(words(model.sql) for model in self._models))
        silver = {
            f.name: f.sql_type
            for f in self._contract.stored_fields
            if f.name in named and f.name in built_in_names()
        }
        files: tuple[tuple[str, Sequence[Location], Mapping[str, str]], ...] = (
            ("web_logs", inputs.web_logs, silver),
            ("quarantine", inputs.quarantine, {name: sql for name, sql, _ in QUARANTINE.columns}),
            ("runs", inputs.runs, {name: sql for name, sql, _ in RUNS.columns}),
        )
        for name, paths, types in files:
            read(self._spark, paths, types).createOrReplaceTempView(name)
        gaps = (self._contract.session_gap_seconds, self._contract.source_session_gap_seconds)
        self._values("target_days", {"day": "DATE"}, [(day,) for day in inputs.days])
        self._values("settings", _SETTINGS, [(*gaps, HISTOGRAM_GAMMA, inputs.started_at)])
        goals = [(g.goal, g.method, g.path_pattern, g.min_status, g.max_status) for g in self._contract.goals]
        self._values("goals", _GOALS, goals)

    def _values(self, name: str, types: Mapping[str, str], rows: Sequence[tuple[Any, ...]]) -> None:
        """A few rows, as literals: their number is then known when joins are planned."""
        kinds = schema(types.items())
        arguments: dict[str, Any] = {}
        lines = []
        for place, row in enumerate(rows or [(None,) * len(types)]):
            cells = []
            for field, value in zip(kinds, row, strict=True):
                parameter = f"{field.name}_{place}"
                arguments[parameter] = value.isoformat() if isinstance(value, date) else value
                cells.append(f"cast(:{parameter} as {field.dataType.simpleString()})")
            lines.append(f"({', '.join(cells)})")
        names = ", ".join(types)
        sql = f"select * from values {', '.join(lines)} as t({names}){'' if rows else ' where false'}"
        self._spark.sql(sql, args=arguments).createOrReplaceTempView(name)
