"""Running the gold models: relations in, staged files out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from loglode.contract import Contract, built_in_names
from loglode.engines.base import BatchInputs, Columns, Computed, GoldInputs
from loglode.engines.duckdb.files import Target, of_table, write_partitioned
from loglode.engines.duckdb.session import allow_s3, s3_errors
from loglode.engines.provided import CLOCK, COUNTED, GOLD_STARTS, goal_rows, settings_row
from loglode.errors import LoglodeError
from loglode.files import StagedFile
from loglode.models.held import HELD
from loglode.models.model import INPUTS, Model, needed
from loglode.sql import identifier, identifiers
from loglode.storage import Location
from loglode.tables import DAY, QUARANTINE, RUNS


class DuckDBModels:
    """Runs models chunk by chunk; `columns` holds (name, SQL type, description) of each model seen."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        models: Sequence[Model],
        contract: Contract,
        folder: Path,
    ) -> None:
        self._connection = connection
        self._models = models
        self._contract = contract
        self._folder = folder
        self.columns: dict[str, Columns] = {}

    def run(self, inputs: GoldInputs, names: Collection[str]) -> Computed:
        """Compute the named gold tables, and what they are made from, for the days. Raises LoglodeError."""
        self._relations(inputs)
        staged: dict[str, list[StagedFile]] = {}
        chosen = needed(self._models, names)
        for model in chosen:
            self._guarded(model, f"create or replace temp {_kind(model)} {model.name} as {model.sql}")
            if model.name in names:
                staged[model.name] = self._write(model, inputs.folded.get(model.name, ()))
        days = frozenset(inputs.days)
        if inputs.held:
            days = frozenset(row[0] for row in self._connection.execute("from changed_days").fetchall())
        for model in reversed(chosen):
            self._connection.execute(f"drop {_kind(model)} {model.name}")
        return Computed(staged, days)

    def run_batches(self, model: Model, inputs: BatchInputs) -> list[StagedFile]:
        """Compute a table that has a row for each batch. Raises LoglodeError."""
        connection = self._connection
        view(connection, "all_runs", inputs.runs, [(n, t) for n, t, _ in RUNS.columns])
        view(connection, "counted", inputs.counted, list(COUNTED.items()))
        connection.execute(
            f"create or replace temp table runs as from all_runs where silver_version > {inputs.after:d}"
            f" and silver_version <= {inputs.until:d}"
        )
        self._values("clock", CLOCK, [(inputs.started_at,)])
        connection.execute(f"create or replace temp table gold_starts as {GOLD_STARTS}")
        self._guarded(model, f"create or replace temp table {model.name} as {model.sql}")
        staged = self._write(model)
        connection.execute(f"drop table {model.name}")
        return staged

    def _write(self, model: Model, folded: Sequence[Location] = ()) -> list[StagedFile]:
        described = self._connection.execute(f"describe {model.name}").fetchall()
        texts = dict(model.columns)
        self.columns[model.name] = tuple((row[0], row[1], texts.get(row[0], "")) for row in described)
        select = f"from {model.name}"
        if folded:
            types = [(name, sql) for name, sql, _ in self.columns[model.name]]
            view(self._connection, "folded", folded, types, is_whole=True)
            select += " union all from folded"
        return write_partitioned(
            self._connection,
            select,
            Target(
                self._folder / model.name,
                model.name,
                {name: sql for name, sql, _ in self.columns[model.name]},
                DAY,
            ),
        )

    def _guarded(self, model: Model, sql: str) -> None:
        try:
            with s3_errors():
                self._connection.execute(sql)
        except duckdb.Error as error:
            raise LoglodeError(f"model {model.name} failed: {' '.join(str(error).split())[:300]}") from error

    def _relations(self, inputs: GoldInputs) -> None:
        connection, contract = self._connection, self._contract
        silver = [(f.name, f.sql_type) for f in contract.stored_fields if f.name in built_in_names()]
        view(connection, "web_logs", inputs.web_logs, silver)
        view(connection, "quarantine", inputs.quarantine, [(n, t) for n, t, _ in QUARANTINE.columns])
        for name, types in HELD.items():
            view(connection, name, inputs.held.get(name, ()), list(types.items()), is_whole=True)
        self._values("target_days", INPUTS["target_days"], [(day,) for day in inputs.days])
        self._values("settings", INPUTS["settings"], [settings_row(contract)])
        self._values("goals", INPUTS["goals"], goal_rows(contract))

    def _values(self, name: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        columns = ", ".join(f"{identifier(column)} {kind}" for column, kind in types.items())
        self._connection.execute(f"create or replace temp table {identifier(name)} ({columns})")
        if rows:
            places = ", ".join("?" for _ in types)
            self._connection.executemany(f"insert into {identifier(name)} values ({places})", rows)


def _kind(model: Model) -> str:
    return "view" if model.is_view else "table"


def view(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    files: Sequence[Location],
    columns: Sequence[tuple[str, str]],
    *,
    is_shared: bool = False,
    is_whole: bool = False,
) -> None:
    """Files as a relation with the declared columns; a column that older files lack is null.

    A shared one exists for all cursors of the connection. `is_whole`: every file is known to have all columns.
    """
    kind = "view" if is_shared else "temp view"
    if not files:
        empty = ", ".join(f"null::{sql} as {identifier(column)}" for column, sql in columns)
        connection.execute(f"create or replace {kind} {name} as select {empty} where false")
        return
    allow_s3(connection, files)
    declared = identifiers(column for column, _ in columns)
    source = of_table(files)
    if is_whole:
        connection.execute(f"create or replace {kind} {name} as select {declared} from {source}")
        return
    have = {
        row[0] for row in connection.execute(f"select column_name from (describe from {source})").fetchall()
    }
    missing = ", ".join(
        f"null::{sql} as {identifier(column)}" for column, sql in columns if column not in have
    )
    inner = f"select *{', ' + missing if missing else ''} from {source}"
    connection.execute(f"create or replace {kind} {name} as select {declared} from ({inner})")
