"""Running the gold models with Spark: relations in, staged files out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession

from loglode.contract import Contract, built_in_names
from loglode.engines.base import BatchInputs, Columns, Computed, GoldInputs
from loglode.engines.provided import CLOCK, COUNTED, GOLD_STARTS, goal_rows, settings_row
from loglode.engines.spark.dialect import to_spark, words
from loglode.engines.spark.files import SPARK_ERRORS, failed, read, write
from loglode.engines.spark.session import on_one_machine
from loglode.engines.spark.types import declared, schema
from loglode.files import StagedFile
from loglode.models.held import HELD
from loglode.models.model import INPUTS, Model, needed
from loglode.storage import Location
from loglode.tables import DAY, QUARANTINE, RUNS

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

    def run(self, inputs: GoldInputs, names: Collection[str]) -> Computed:
        """Compute the named gold tables, and what they are made from, for the days. Raises LoglodeError."""
        self._relations(inputs)
        staged: dict[str, list[StagedFile]] = {}
        kept: list[DataFrame] = []
        chosen = needed(self._models, names)
        readers = Counter(relation for model in chosen for relation in model.depends)
        try:
            for model in chosen:
                frame = self._made(model)
                if model.name in names:
                    staged[model.name] = self._write(model, frame)
                elif not model.is_view and readers[model.name] > 1:
                    kept.append(self._keep(model, frame, inputs.rows))
        finally:
            for frame in kept:
                frame.unpersist()
        return Computed(staged, frozenset(inputs.days))

    def run_batches(self, model: Model, inputs: BatchInputs) -> list[StagedFile]:
        """Compute a table that has a row for each batch. Raises LoglodeError."""
        runs = read(self._spark, inputs.runs, {name: sql for name, sql, _ in RUNS.columns})
        chosen = runs.where(f"silver_version > {inputs.after:d} and silver_version <= {inputs.until:d}")
        chosen.createOrReplaceTempView("runs")
        read(self._spark, inputs.counted, COUNTED).createOrReplaceTempView("counted")
        self._values("clock", CLOCK, [(inputs.started_at,)])
        self._spark.sql(to_spark(GOLD_STARTS)).createOrReplaceTempView("gold_starts")
        return self._write(model, self._made(model))

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
        )
        # Whole days are computed: nothing is taken from what the tables hold.
        nothing = ((name, (), types) for name, types in HELD.items())
        for name, paths, types in (*files, *nothing):
            read(self._spark, paths, types).createOrReplaceTempView(name)
        self._values("target_days", INPUTS["target_days"], [(day,) for day in inputs.days])
        self._values("settings", INPUTS["settings"], [settings_row(self._contract)])
        self._values("goals", INPUTS["goals"], goal_rows(self._contract))

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
