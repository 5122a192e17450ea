"""Removing duplicates from staged files: inside the batch, and against files of the table.

Identities are looked at first as 64-bit hashes, which is cheap; only what collides there is compared
in full. Files without a duplicate, the rule, are not touched; the others are written again.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from loglode.engines.base import Existing, Job, StagedLines
from loglode.engines.duckdb.files import Target, parquet, write_partitioned
from loglode.engines.duckdb.session import allow_s3
from loglode.engines.heads import HeadRow, own_ids
from loglode.files import StagedFile
from loglode.silver.identity import BY_SOURCE, IN_HEAD, SHARED_DIGITS
from loglode.sql import identifier, literal, literals
from loglode.storage import Location
from loglode.tables import QUARANTINE

QUARANTINE_TYPES = {name: sql for name, sql, _ in QUARANTINE.columns}


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of a table: what identifies them, their types, and the beginning of their files' names.

    `has_heads`: they come from whole objects, with ids from which those that begin alike can be distinguished.
    """

    key: str
    types: Mapping[str, str]
    prefix: str
    has_heads: bool = False


def without_duplicates(
    connection: duckdb.DuckDBPyConnection, job: Job, staged: StagedLines, existing: Existing
) -> StagedLines:
    """Drop what was staged twice and what exists already; the dropped rows are counted."""
    started = time.perf_counter()
    events = _Rows("event_id", job.silver_types, job.batch_id, has_heads=job.has_heads)
    silver = _remove(connection, _by_place(connection, staged, events), existing.silver, events)
    conflicting, apart = (_conflicting(connection), _apart(connection)) if staged.silver else (0, {})
    refused = _Rows("line_id", QUARANTINE_TYPES, job.batch_id)
    quarantine = _remove(connection, staged.quarantine, existing.quarantine, refused)
    kept = replace(staged, silver=silver, quarantine=quarantine, conflicting=conflicting, apart=apart)
    dropped = staged.rows_silver + staged.rows_quarantine - kept.rows_silver - kept.rows_quarantine
    return replace(
        kept,
        duplicates=staged.duplicates + dropped,
        dedupe_seconds=staged.dedupe_seconds + time.perf_counter() - started,
    )


def _remove(
    connection: duckdb.DuckDBPyConnection,
    staged: Sequence[StagedFile],
    existing: Sequence[Location],
    rows: _Rows,
) -> Sequence[StagedFile]:
    if not staged:
        return staged
    paths = [f.path for f in staged]
    allow_s3(connection, existing)
    _find_suspects(connection, paths, rows.key, existing)
    connection.execute(_OWN)
    if rows.has_heads:
        _find_own(connection, paths, existing)
    connection.execute(f"create or replace temp table doubles as {_DOUBLES}")
    return _rewritten(connection, staged, rows)


def _by_place(
    connection: duckdb.DuckDBPyConnection, staged: StagedLines, rows: _Rows
) -> Sequence[StagedFile]:
    """The staged files of silver with the ids that they had at first: which rows are events of their own is
    decided anew."""
    if not staged.apart:
        return staged.silver
    connection.execute(_OWN)
    source = _staged([f.path for f in staged.silver], rows.key)
    pairs = [list(staged.apart), list(staged.apart.values())]
    connection.execute(
        f"insert into own select source_object, source_line, id, file, plain from {source}"
        " join (select unnest(?) as id, unnest(?) as plain) using (id)",
        pairs,
    )
    connection.execute("create or replace temp table doubles (id varchar, file varchar, is_kept boolean)")
    return _rewritten(connection, staged.silver, rows)


def _rewritten(
    connection: duckdb.DuckDBPyConnection, staged: Sequence[StagedFile], rows: _Rows
) -> Sequence[StagedFile]:
    """The files, those that have rows in `own` or `doubles` written again."""
    found = connection.execute("select file from doubles union select file from own").fetchall()
    hit = {row[0] for row in found}
    if not hit:
        return staged
    kept = [f for f in staged if str(f.path) not in hit]
    for file in (f for f in staged if str(f.path) in hit):
        kept += _without_doubles(connection, file, rows)
    return kept


def _without_doubles(
    connection: duckdb.DuckDBPyConnection, file: StagedFile, rows: _Rows
) -> list[StagedFile]:
    """The file written again without its doubles; none if they were all it held."""
    key, types = rows.key, rows.types
    doubles = f"(from doubles where file = {literal(str(file.path))})"
    source = (
        f"(select r.* replace (coalesce(o.new_id, r.{key}) as {key}) from {parquet([file.path])} r left join own o"
        f" on r.{key} = o.id and r.source_object = o.source_object and r.source_line = o.source_line)"
    )
    columns = ", ".join(f"s.{identifier(name)}" for name in types if name not in file.partition)
    first = f"row_number() over (partition by s.{key} order by s.source_object, s.source_line) = 1"
    written = write_partitioned(
        connection,
        f"select {columns} from {source} s anti join {doubles} d on s.{key} = d.id"
        f" union all by name select {columns} from {source} s semi join {doubles} d on s.{key} = d.id and d.is_kept"
        f" qualify {first}",
        Target(file.local.parent, rows.prefix, types),
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
    digits with another row, few as a rule."""
    source = _staged(staged, key)
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


def _find_own(
    connection: duckdb.DuckDBPyConnection, staged: Sequence[Location], existing: Sequence[Location]
) -> None:
    """Fill table `own` with rows that get new ids (see `engines.heads`), which are then candidates no more."""
    if not connection.execute(f"{_FAMILIES} limit 1").fetchall():
        return
    connection.execute(f"create or replace temp table families as {_FAMILIES}")
    found = connection.execute(
        f"{_HEADS} from {_staged(staged, 'event_id', 'event_ts')} {_CONCERNED}"
    ).fetchall()
    if not found:
        return
    rows = {(row.object, row.line): row for row in (HeadRow(*values[:4]) for values in found)}
    files = {(values[0], values[1]): values[4] for values in found}
    known = [row[0] for row in connection.execute("from known").fetchall()]
    given = own_ids(rows.values(), known, lambda halves: _held(connection, existing, halves))
    if given:
        own = [(*place, rows[place].id, files[place], new) for place, new in given.items()]
        connection.executemany("insert into own values (?, ?, ?, ?, ?)", own)
        connection.execute(
            "delete from candidates c using own o"
            " where c.id = o.id and c.source_object = o.source_object and c.source_line = o.source_line"
        )


def _held(
    connection: duckdb.DuckDBPyConnection, existing: Sequence[Location], halves: Collection[str]
) -> list[tuple[str, int]]:
    """Rows of the table whose ids begin so: ids and microseconds."""
    if not existing:
        return []
    return connection.execute(
        f"select event_id, epoch_us(event_ts) from {parquet(existing)}"
        f" where substr(event_id, 1, {SHARED_DIGITS}) in (select unnest(?))",
        [list(halves)],
    ).fetchall()


def _staged(files: Sequence[Location], key: str, *columns: str) -> str:
    """Staged rows: what identifies them, their places, and more columns; the contract's own may have any names."""
    source = f"read_parquet([{literals(str(path) for path in files)}], hive_partitioning = false, filename = 'of file')"
    names = ", ".join((f"{key} as id", "source_object", "source_line", '"of file" as file', *columns))
    return f"(select {names} from {source})"


def _apart(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(connection.execute("select new_id, id from own").fetchall())


def _conflicting(connection: duckdb.DuckDBPyConnection) -> int:
    """Staged events whose source's id names other events as well, staged or known; one of each id is none."""
    ((found,),) = connection.execute(_CONFLICTING).fetchall()
    return int(found)


_OWN = (
    "create or replace temp table own"
    " (source_object varchar, source_line bigint, id varchar, file varchar, new_id varchar)"
)
_HALF = f"substr(id, 1, {SHARED_DIGITS})"
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
# Ids that begin as others do: of lines in heads that follow the same lines.
_FAMILIES = f"""
    select {_HALF} as half from (select id from candidates union select id from known)
    where starts_with(id, {literal(IN_HEAD)}) group by half having count(*) > 1
"""
# Heads of objects that have such a line below another row.
_HEADS = "select source_object, source_line, id, epoch_us(event_ts), file"
_CONCERNED = f"""
    where starts_with(id, {literal(IN_HEAD)})
        and source_object in (select source_object from candidates where {_HALF} in (from families))
    qualify max(source_line) filter ({_HALF} in (from families)) over (partition by source_object)
        > min(source_line) over (partition by source_object)
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
        where starts_with(id, {literal(BY_SOURCE)})
        group by half
    )
    where fresh > 0
"""
