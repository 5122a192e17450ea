"""The two outputs of a batch's lines: rows of silver, and rejected lines for quarantine.

One COPY writes the accepted rows and, apart from them, where the rejected lines are. Those few lines are
taken out of their slice of the stream and held, and a statement over them alone gives quarantine its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import pyarrow as pa

from loglode.engines.base import Job
from loglode.engines.duckdb.dedupe import QUARANTINE_TYPES
from loglode.engines.duckdb.files import Target, parquet, partition_by_groups, write_partitioned
from loglode.engines.duckdb.isolate import Isolation, Statement
from loglode.engines.duckdb.session import is_of_data
from loglode.engines.duckdb.slices import Slice
from loglode.files import StagedFile
from loglode.limits import exceeded
from loglode.silver import KEY, REJECTED, failing_statement, rejected_statement, silver_statement
from loglode.sql import identifier, literal
from loglode.tables import DAY

# Bytes of rejected lines that are held before they are written.
_HELD_BYTES = 64 << 20
_HELD, _ROWS = "rejected_lines", "rejected_rows"


@dataclass(slots=True)
class Outputs:
    """Collects the files of a batch, a slice of its lines at a time.

    `is_wide`: the rows may be of very many days, so they are cut by day only at the end, some days at a time.
    `looks_up`: there are memos.
    """

    connection: duckdb.DuckDBPyConnection
    job: Job
    is_wide: bool
    looks_up: bool
    silver: list[StagedFile] = field(default_factory=list)
    quarantine: list[StagedFile] = field(default_factory=list)
    blank: int = 0
    _is_holding: bool = False

    def __post_init__(self) -> None:
        self.connection.execute(f"drop table if exists {_HELD}")  # of an attempt that failed

    def add(self, schema: pa.Schema, lines: Slice) -> None:
        """Run the silver statement over a slice of lines and write the rows."""
        statement = self._statement()
        try:
            files = self._written(statement, pa.RecordBatchReader.from_batches(schema, iter(lines)))
            read = pa.Table.from_batches(lines.read(), schema)
        except duckdb.Error as error:
            lines.stop()
            if lines.is_broken or not is_of_data(error):
                raise
            whole = pa.Table.from_batches(lines.whole(), schema)
            read = Isolation(self.connection).marked(whole, statement, self._guarded())
            files = self._written(statement, read)
        finally:
            lines.stop()
        rejected = [f for f in files if f.partition[REJECTED] == "true"]
        for file in files:
            if file not in rejected:
                keys = {key: value for key, value in file.partition.items() if key != REJECTED}
                self.silver.append(replace(file, partition=keys))
        if rejected:
            self._hold(read, rejected)
        self._check_limits()

    def _statement(self) -> Statement:
        job = self.job
        select = silver_statement(
            job.contract, job.format, job.known_keys, job.keying, looks_up=self.looks_up
        )
        return Statement(select, {"pseudonym_key": job.pseudonym_key, **parameters(job)})

    def _guarded(self) -> Statement:
        job = self.job
        select = failing_statement(
            job.contract, job.format, job.known_keys, job.keying, looks_up=self.looks_up
        )
        return Statement(select, self._statement().parameters)

    def _written(self, statement: Statement, lines: pa.RecordBatchReader | pa.Table) -> list[StagedFile]:
        job = self.job
        target = Target(
            job.folder / ("whole" if self.is_wide else "silver"),
            job.batch_id,
            job.silver_types,
            (REJECTED, *(() if self.is_wide else job.contract.partition_columns)),
        )
        self.connection.register("lines", lines)
        try:
            return write_partitioned(self.connection, statement.select, target, statement.parameters)
        finally:
            self.connection.unregister("lines")

    def write_held(self) -> None:
        """Write the rejected lines that are still held."""
        if self._is_holding:
            self._write_rejected()
            self._check_limits()

    def finish(self) -> None:
        """Cut by day what was written in one piece."""
        if self.is_wide and self.silver:
            self.silver = partition_by_groups(
                self.connection,
                [f.local for f in self.silver],
                Target(
                    self.job.folder / "silver",
                    self.job.batch_id,
                    self.job.silver_types,
                    self.job.contract.partition_columns,
                ),
            )

    def _check_limits(self) -> None:
        """Raise LimitError for the object that takes the most of files that are too large together."""
        refused = sum(f.bytes for f in self.quarantine)
        name, found = self.job.limits.exceeded_by(refused + sum(f.bytes for f in self.silver), refused)
        if not name:
            return
        files = self.quarantine if name == "max_quarantine_mb" else [*self.silver, *self.quarantine]
        select = f"select source_object from {parquet([f.path for f in files], 'union_by_name = true')}"
        most = self.connection.execute(
            f"{select} group by all order by count(*) desc, source_object limit 1"
        ).fetchone()
        raise exceeded(str(most[0]) if most else "", found, name)

    def _hold(self, lines: pa.Table, rejected: Sequence[StagedFile]) -> None:
        """Hold the lines at the places of the rejected ones. Whether they are rejected, their own row says."""
        connection = self.connection
        connection.register("slice", lines)
        connection.execute(f"create temp table if not exists {_HELD} as from slice limit 0")
        connection.execute(
            f"insert into {_HELD} select l.* from slice l semi join {parquet([f.path for f in rejected])} r"
            " on l.source_line = r.source_line and l.source_object = r.source_object"
        )
        connection.unregister("slice")
        for file in rejected:
            file.local.unlink()
        self._is_holding = True
        ((size,),) = connection.execute(f"select sum(strlen(text))::bigint from {_HELD}").fetchall()
        if size >= _HELD_BYTES:
            self._write_rejected()

    def _write_rejected(self) -> None:
        """The lines held into files of quarantine; blank ones are only counted."""
        job, connection = self.job, self.connection
        select = rejected_statement(job.contract, job.format, job.known_keys, job.keying)
        statement = Statement(select, {"pseudonym_key": job.pseudonym_key} if KEY in select else {})
        try:
            self._select_rejected(statement)
        except duckdb.Error as error:
            if not is_of_data(error):
                raise
            held = connection.execute(f"from {_HELD}").to_arrow_table()
            marked = Isolation(connection).marked(held, statement, self._guarded())
            connection.register("slice", marked)
            connection.execute(f"create or replace temp table {_HELD} as from slice")
            connection.unregister("slice")
            self._select_rejected(statement)
        ((blank, others),) = connection.execute(
            f"select count(*) filter (is_blank), count(*) filter (not is_blank) from {_ROWS}"
        ).fetchall()
        self.blank += blank
        if others:
            self.quarantine += write_partitioned(
                connection,
                _quarantined(job),
                Target(job.folder / "quarantine", job.batch_id, QUARANTINE_TYPES, DAY),
                parameters(job),
            )
        connection.execute(f"drop table {_ROWS}; drop table {_HELD}")
        self._is_holding = False

    def _select_rejected(self, statement: Statement) -> None:
        self.connection.execute(f"create or replace temp view lines as from {_HELD}")
        try:
            self.connection.execute(
                f"create or replace temp table {_ROWS} as {statement.select}", statement.parameters or None
            )
        finally:
            self.connection.execute("drop view lines")


def parameters(job: Job) -> dict[str, Any]:
    """What rows of a batch have in common."""
    return {
        "batch_id": job.batch_id,
        "contract_version": job.contract.version,
        "processed_at": job.processed_at,
    }


def _quarantined(job: Job) -> str:
    given = {
        "format": literal(job.format.name),
        **{name: f"${name}" for name in parameters(job)},
        **{name: str(getattr(job.processed_at, name)) for name in DAY},
    }
    columns = ", ".join(
        f"{given.get(name, identifier(name))}::{sql} as {identifier(name)}"
        for name, sql in QUARANTINE_TYPES.items()
    )
    return f"select {columns} from {_ROWS} where not is_blank"
