"""Running the gold models: relations in, staged files out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from loglode.contract import Contract, built_in_names
from loglode.engines.base import Columns, GoldInputs
from loglode.engines.duckdb.files import parquet, write_partitioned
from loglode.engines.duckdb.session import allow_s3, s3_errors
from loglode.errors import LoglodeError
from loglode.files import StagedFile
from loglode.models.model import Model
from loglode.sql import identifier, identifiers
from loglode.storage import Location
from loglode.tables import DAY, QUARANTINE, RUNS

HISTOGRAM_GAMMA = 1.1


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

    def run(self, inputs: GoldInputs, *, exclude: set[str]) -> dict[str, list[StagedFile]]:
        """All models but the excluded ones, for the days of the inputs. Raises LoglodeError."""
        self._relations(inputs)
        staged: dict[str, list[StagedFile]] = {}
        made: list[Model] = []
        for model in self._models:
            if model.name in exclude:
                continue
            self._guarded(model, f"create or replace temp {_kind(model)} {model.name} as {model.sql}")
            made.append(model)
            if model.layer == "gold":
                staged[model.name] = self._write(model)
        for model in reversed(made):
            self._connection.execute(f"drop {_kind(model)} {model.name}")
        return staged

    def run_batches(
        self, model: Model, runs: Sequence[Location], versions: tuple[int, int], started_at: datetime
    ) -> tuple[list[StagedFile], Columns]:
        """A model that reads ops.runs alone, over batches after one version of silver until another."""
        self._relations(GoldInputs(days=(), web_logs=(), quarantine=(), started_at=started_at, runs=runs))
        connection = self._connection
        connection.execute(
            f"create or replace temp table chosen as from runs where silver_version > {versions[0]:d}"
            f" and silver_version <= {versions[1]:d}"
        )
        connection.execute("create or replace temp view runs as from chosen")
        self._guarded(model, f"create or replace temp table {model.name} as {model.sql}")
        staged = self._write(model)
        connection.execute(f"drop table {model.name}; drop view runs; drop table chosen")
        return staged, self.columns[model.name]

    def _write(self, model: Model) -> list[StagedFile]:
        described = self._connection.execute(f"describe {model.name}").fetchall()
        texts = dict(model.columns)
        self.columns[model.name] = tuple((row[0], row[1], texts.get(row[0], "")) for row in described)
        return write_partitioned(
            self._connection,
            f"from {model.name}",
            self._folder / model.name,
            prefix=model.name,
            partition_by=DAY,
            types={name: sql for name, sql, _ in self.columns[model.name]},
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
        view(connection, "runs", inputs.runs, [(n, t) for n, t, _ in RUNS.columns])
        connection.execute("create or replace temp table target_days (day date)")
        if inputs.days:
            connection.execute(
                "insert into target_days select unnest($days)::date",
                {"days": [d.isoformat() for d in inputs.days]},
            )
        connection.execute(
            "create or replace temp table settings as select $gap::bigint as session_gap_seconds,"
            " $source_gap::bigint as source_session_gap_seconds, $gamma::double as histogram_gamma,"
            " $started_at::timestamptz as gold_started_at",
            {
                "gap": contract.session_gap_seconds,
                "source_gap": contract.source_session_gap_seconds,
                "gamma": HISTOGRAM_GAMMA,
                "started_at": inputs.started_at,
            },
        )
        connection.execute(
            "create or replace temp table goals (goal varchar, method varchar, path_pattern varchar,"
            " min_status smallint, max_status smallint)"
        )
        for goal in contract.goals:
            connection.execute(
                "insert into goals values (?, ?, ?, ?, ?)",
                [goal.goal, goal.method, goal.path_pattern, goal.min_status, goal.max_status],
            )


def _kind(model: Model) -> str:
    return "view" if model.is_view else "table"


def view(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    files: Sequence[Location],
    columns: Sequence[tuple[str, str]],
    *,
    is_shared: bool = False,
) -> None:
    """Files as a relation with the declared columns; a column that older files lack is null.

    A shared one exists for all cursors of the connection.
    """
    kind = "view" if is_shared else "temp view"
    if not files:
        empty = ", ".join(f"null::{sql} as {identifier(column)}" for column, sql in columns)
        connection.execute(f"create or replace {kind} {name} as select {empty} where false")
        return
    allow_s3(connection, files)
    declared = identifiers(column for column, _ in columns)
    hints = "hive_types = {'year': integer, 'month': integer, 'day': integer}"
    source = parquet(files, f"hive_partitioning = true, union_by_name = true, {hints}")
    have = {
        row[0] for row in connection.execute(f"select column_name from (describe from {source})").fetchall()
    }
    missing = ", ".join(
        f"null::{sql} as {identifier(column)}" for column, sql in columns if column not in have
    )
    inner = f"select *{', ' + missing if missing else ''} from {source}"
    connection.execute(f"create or replace {kind} {name} as select {declared} from ({inner})")
