"""Quarantined lines as lines again, and quarantine's files without those that were freed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from loglode.engines.duckdb.engine import DuckDBEngine
from loglode.engines.duckdb.files import Target, of_table, parquet, write_partitioned
from loglode.engines.duckdb.session import allow_s3
from loglode.files import StagedFile
from loglode.sources.lines import FAULTS
from loglode.sql import identifiers, literals
from loglode.storage import Location
from loglode.tables import DAY, QUARANTINE

_FAULTS = literals(FAULTS)


class Refused:
    """The lines of quarantine's active files; `files` maps paths as the table knows them to places."""

    def __init__(self, engine: DuckDBEngine, files: Mapping[str, Location]) -> None:
        self._engine = engine
        self._files = files
        allow_s3(engine.connection, files.values())
        self._source = _with_events(
            parquet(files.values(), "hive_partitioning = false, filename = true, union_by_name = true")
        )
        engine.connection.execute(
            "create or replace temp table freed (line_id varchar, filename varchar, event_ts timestamptz)"
        )

    def formats(self) -> list[str]:
        """Formats that there are lines of."""
        if not self._files:
            return []
        rows = self._engine.connection.execute(f"select distinct format from {self._source} order by all")
        return [row[0] for row in rows.fetchall()]

    def lines(self, fmt: str, reason: str | None) -> pa.RecordBatchReader:
        """Lines in the readers' shape; those that were cut or damaged keep their fault."""
        cursor = self._engine.connection.cursor()
        fault = f"list_filter(reasons, lambda x: x in ({_FAULTS}))[1]"
        return cursor.execute(
            f"select source_object, '' as fingerprint, source_line, raw as text, null::varchar as header, -1::integer as key_count, line_id,"
            f" {fault} || ':' || raw_bytes as fault from {self._source} where {_chosen()}",
            _parameters(fmt, reason),
        ).to_arrow_reader(10_000)

    def mark_freed(self, fmt: str, reason: str | None, refused_again: Sequence[Path]) -> int:
        """Remember the lines that were not refused again; returns how many."""
        again = (
            f"select line_id from {parquet(refused_again)}" if refused_again else "select null where false"
        )
        before = self._count()
        self._engine.connection.execute(
            f"insert into freed select line_id, filename, event_ts from {self._source}"
            f" where {_chosen()} and line_id not in ({again})",
            _parameters(fmt, reason),
        )
        return self._count() - before

    def mark_events(self, silver: Sequence[Location]) -> int:
        """Remember the lines whose events are in files of silver; returns how many."""
        allow_s3(self._engine.connection, silver)
        before = self._count()
        self._engine.connection.execute(
            f"insert into freed select line_id, filename, event_ts from {self._source}"
            f" where coalesce(event_id, line_id) in (select event_id from {parquet(silver)})"
        )
        return self._count() - before

    def freed_days(self) -> list[tuple[int, int, int]]:
        """UTC days of the freed lines, as quarantine had them."""
        return self._engine.connection.execute(
            "select distinct year(utc), month(utc), day(utc) from (select make_timestamp(epoch_us(event_ts)) as utc"
            " from freed where event_ts is not null)"
        ).fetchall()

    def without_freed(self, folder: Path, prefix: str) -> tuple[list[str], list[StagedFile]]:
        """Paths of the files that held freed lines, and those files written again without them."""
        rows = self._engine.connection.execute("select distinct filename from freed").fetchall()
        held = {row[0] for row in rows}
        touched = {path: place for path, place in self._files.items() if str(place) in held}
        source = _with_events(of_table(list(touched.values())))
        columns = identifiers(name for name, _, _ in QUARANTINE.columns)
        staged = write_partitioned(
            self._engine.connection,
            f"select {columns} from {source} where line_id not in (select line_id from freed)",
            Target(folder, prefix, {name: sql for name, sql, _ in QUARANTINE.columns}, DAY),
        )
        return sorted(touched), staged

    def _count(self) -> int:
        row = self._engine.connection.execute("select count(*) from freed").fetchone()
        return int(row[0]) if row else 0


def _with_events(source: str) -> str:
    """Files of quarantine; those of earlier releases have no `event_id`."""
    return f"(select null::varchar as event_id where false union all by name from {source})"


def _chosen() -> str:
    # Lines that maintenance has emptied cannot be read again.
    return "raw is not null and format = $format and ($reason is null or list_contains(reasons, $reason))"


def _parameters(fmt: str, reason: str | None) -> dict[str, str | None]:
    return {"format": fmt, "reason": reason}
