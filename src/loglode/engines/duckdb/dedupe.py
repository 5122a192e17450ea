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
from loglode.engines.duckdb.files import Target, parquet, write_partitioned
from loglode.engines.duckdb.session import allow_s3
from loglode.files import StagedFile
from loglode.silver.identity import SOURCE_ID_DIGITS
from loglode.sql import identifier, literal, literals
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
    conflicting = _conflicting(connection) if staged.silver else 0
    quarantine = _remove(
        connection, staged.quarantine, "line_id", existing.quarantine, QUARANTINE_TYPES, prefix
    )
    kept = replace(staged, silver=silver, quarantine=quarantine, conflicting=conflicting)
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
    _find_suspects(connection, paths, key, existing)
    connection.execute(f"create or replace temp table doubles as {_DOUBLES}")
    hit = {row[0] for row in connection.execute("select distinct file from doubles").fetchall()}
    if not hit:
        return staged
    kept = [f for f in staged if str(f.path) not in hit]
    for file in (f for f in staged if str(f.path) in hit):
        kept += _without_doubles(connection, file, key, types, prefix)
    return kept


def _without_doubles(
    connection: duckdb.DuckDBPyConnection, file: StagedFile, key: str, types: Mapping[str, str], prefix: str
) -> list[StagedFile]:
    """The file written again without its doubles; none if they were all it held."""
    source, doubles = parquet([file.path]), f"(from doubles where file = {literal(str(file.path))})"
    columns = ", ".join(f"s.{identifier(name)}" for name in types if name not in file.partition)
    first = f"row_number() over (partition by s.{key} order by s.source_object, s.source_line) = 1"
    written = write_partitioned(
        connection,
        f"select {columns} from {source} s anti join {doubles} d on s.{key} = d.id"
        f" union all by name select {columns} from {source} s semi join {doubles} d on s.{key} = d.id and d.is_kept"
        f" qualify {first}",
        Target(file.local.parent, prefix, types),
    )
    file.local.unlink()
    return [replace(f, partition=file.partition) for f in written]


def _find_suspects(
    connection: duckdb.DuckDBPyConnection,
    staged: Sequence[Location],
    key: str,
    existing: Sequence[Location],
) -> None:
    """Tables `known`, ids of the table's files, and `candidates`, staged rows: those that share the id's first
    digits with another row, few as a rule.

    Only the columns named here are read, so the contract's own fields may have any names.
    """
    places = f"read_parquet([{literals(str(path) for path in staged)}], hive_partitioning = false, filename = 'of file')"
    source = f'(select {key} as id, source_object, source_line, "of file" as file from {places})'
    held = (
        f"(select {key} as id from {parquet(existing)})"
        if existing
        else f"(select id from {source} where false)"
    )
    connection.execute(
        f"create or replace temp table known as"
        f" select distinct id from {held} where {_HASH} in (select {_HASH} from {source})"
    )
    connection.execute(
        f"create or replace temp table candidates as with suspects as ("
        f" select {_HASH} as h from {source} group by h having count(*) > 1 union select {_HASH} from known)"
        f" select * from {source} where {_HASH} in (select h from suspects)"
    )


def _conflicting(connection: duckdb.DuckDBPyConnection) -> int:
    """Staged events whose source's id names other events as well, staged or known; one of each id is none."""
    ((found,),) = connection.execute(_CONFLICTING).fetchall()
    return int(found)


_HALF = f"substr(id, 1, {SOURCE_ID_DIGITS})"
_HASH = f"hash({_HALF})"
# (id, file, is_kept) of each id that a file holds and that occurs elsewhere or several times in it. Of an id
# that no table's file holds, the first row of all is kept: in the file where `is_kept`.
_DOUBLES = """
    with twice as (
        select hash(id) as h from candidates group by h having count(*) > 1
        union
        select hash(id) from known
    ),
    ordered as (
        select id, file, row_number() over (partition by id order by source_object, source_line, file) as place
        from candidates where hash(id) in (select h from twice)
    ),
    counted as (select id, file, count(*) as held_here, min(place) as first_place from ordered group by id, file)
    select id, file, first_place = 1 and id not in (select id from known) as is_kept
    from counted
    where held_here > 1 or first_place > 1 or id in (select id from known)
"""
_CONFLICTING = f"""
    select coalesce(sum(fresh - (held = 0)::bigint), 0)::bigint
    from (
        select {_HALF} as half, count(*) filter (not is_known) as fresh, count(*) filter (is_known) as held
        from (
            select distinct id, id in (select id from known) as is_known from candidates
            union
            select id, true from known
        )
        group by half
    )
    where fresh > 0
"""
