"""Removing duplicates from staged files: inside the batch, and against files of the table.

Identities are looked at first as 64-bit hashes, which is cheap; only what collides there is compared
in full. Files without a duplicate, the rule, are not touched; the others are written again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from loglode.engines.base import Existing, Job, StagedLines
from loglode.engines.duckdb.files import parquet, write_partitioned
from loglode.engines.duckdb.session import allow_s3
from loglode.files import StagedFile
from loglode.storage import Location
from loglode.tables import QUARANTINE

QUARANTINE_TYPES = {name: sql for name, sql, _ in QUARANTINE.columns}


def without_duplicates(
    connection: duckdb.DuckDBPyConnection, job: Job, staged: StagedLines, existing: Existing
) -> StagedLines:
    """Drop what was staged twice and what exists already; the dropped rows are counted."""
    started = time.perf_counter()
    prefix = job.batch_id
    silver = _remove(connection, staged.silver, "event_id", existing.silver, job.silver_types, prefix)
    quarantine = _remove(
        connection, staged.quarantine, "line_id", existing.quarantine, QUARANTINE_TYPES, prefix
    )
    kept = replace(staged, silver=silver, quarantine=quarantine)
    dropped = staged.rows_silver + staged.rows_quarantine - kept.rows_silver - kept.rows_quarantine
    return replace(
        kept,
        duplicates=staged.duplicates + dropped,
        dedupe_seconds=staged.dedupe_seconds + time.perf_counter() - started,
    )


def _remove(
    connection: duckdb.DuckDBPyConnection,
    staged: Sequence[StagedFile],
    key: str,
    existing: Sequence[Location],
    types: Mapping[str, str],
    prefix: str,
) -> Sequence[StagedFile]:
    if not staged:
        return staged
    paths = [f.path for f in staged]
    allow_s3(connection, existing)
    connection.execute(f"create or replace temp table doubles as {_doubles(paths, key, existing)}")
    hit = {row[0] for row in connection.execute("select distinct filename from doubles").fetchall()}
    if not hit:
        return staged
    kept = [f for f in staged if str(f.path) not in hit]
    for file in (f for f in staged if str(f.path) in hit):
        kept += _without_doubles(connection, file, types, prefix)
    return kept


def _without_doubles(
    connection: duckdb.DuckDBPyConnection, file: StagedFile, types: Mapping[str, str], prefix: str
) -> list[StagedFile]:
    """The file written again without its doubles; none if they were all it held."""
    source = parquet([file.path], "hive_partitioning = false, filename = true, file_row_number = true")
    columns = ", ".join(f's."{name}"' for name in types if name not in file.partition)
    written = write_partitioned(
        connection,
        f"select {columns} from {source} s anti join doubles d"
        " on s.filename = d.filename and s.file_row_number = d.file_row_number",
        file.local.parent,
        prefix=prefix,
        partition_by=(),
        types=types,
    )
    file.local.unlink()
    return [replace(f, partition=file.partition) for f in written]


def _doubles(staged: Sequence[Location], key: str, existing: Sequence[Location]) -> str:
    """Rows (filename, file_row_number) to drop: all but the first of an id, and all that exist already."""
    source = parquet(staged, "hive_partitioning = false, filename = true, file_row_number = true")
    known = (
        f"select distinct {key} from {parquet(existing)} where hash({key}) in (select hash({key}) from {source})"
        if existing
        else f"select {key} from {source} where false"
    )
    return f"""
        with known as ({known}),
        suspects as (
            select hash({key}) as h from {source} group by h having count(*) > 1
            union
            select hash({key}) from known
        ),
        candidates as (
            select
                {key}, filename, file_row_number,
                row_number() over (partition by {key} order by source_object, source_line, filename, file_row_number)
                    as place
            from {source}
            where hash({key}) in (select h from suspects)
        )
        select filename, file_row_number
        from candidates
        where place > 1 or {key} in (select {key} from known)
    """
