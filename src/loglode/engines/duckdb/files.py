"""Writing rows as partitioned Parquet files, with what the table's log records of each."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from loglode.engines.duckdb.session import s3_errors
from loglode.errors import LakeError
from loglode.files import StagedFile
from loglode.sql import identifier, identifiers, literal, literals
from loglode.storage import Location
from loglode.tables import DAY
from loglode.types import TIMESTAMP, is_bounded

# Measured on silver rows: level 1 is a fifth faster to write than the default 3, and no larger.
_ZSTD_LEVEL = 1
GROUP_PARTITIONS = 50
_DAY_TYPES = f"hive_types = {{{', '.join(f'{key}: integer' for key in DAY)}}}"
_DAY_FOLDERS = "".join(f"/{key}=([0-9]+)" for key in DAY) + "/[^/]+$"
# A name that no field of a contract can have.
_PLACE = "of file"


@dataclass(frozen=True, slots=True)
class Target:
    """Files to write: `folder/key=value/.../prefix-<uuid>.parquet`.

    `types` gives the SQL type of each column, for the bounds; `partition_by` names the keys.
    """

    folder: Path
    prefix: str
    types: Mapping[str, str]
    partition_by: tuple[str, ...] = ()

    def options(self) -> tuple[str, str]:
        """(path, options) of a COPY statement."""
        if not self.partition_by:
            return literal(str(self.folder / f"{self.prefix}-{uuid.uuid4()}.parquet")), ""
        pattern = literal(self.prefix + "-{uuid}")
        keys = f" partition_by ({identifiers(self.partition_by)}), append, filename_pattern {pattern},"
        return literal(str(self.folder)), keys


def write_partitioned(
    connection: duckdb.DuckDBPyConnection,
    select: str,
    target: Target,
    parameters: Mapping[str, Any] | None = None,
) -> list[StagedFile]:
    """Run a SELECT into files; one StagedFile each. Raises LakeError when the disk refuses."""
    target.folder.mkdir(parents=True, exist_ok=True)
    path, keys = target.options()
    try:
        with s3_errors():
            rows = connection.execute(
                f"copy ({select}) to {path} (format parquet, compression zstd, compression_level {_ZSTD_LEVEL},{keys}"
                " return_stats true)",
                parameters or None,
            ).fetchall()
    except duckdb.IOException as error:
        raise LakeError(
            f"cannot write {target.folder.name}: {' '.join(str(error).split())[-300:]}",
            hint="free disk space or fix the permissions, then run again; nothing was lost",
        ) from error
    return [_staged(row, target.types) for row in rows if row[1]]


def parquet(paths: Iterable[Location | str], options: str = "hive_partitioning = false") -> str:
    """A table function over files."""
    return f"read_parquet([{literals(str(path) for path in paths)}], {options})"


def of_table(paths: Sequence[Location]) -> str:
    """A table function over files of a table, with the day that the last folders of each name.

    DuckDB would also read columns from the folders above the table: of a lake below `status=500` it would
    take that for every row's status. For such a lake the day is cut from the path, which costs DuckDB the
    choice of files by a query's days.
    """
    if not any("=" in folder for path in paths for folder in str(path).split("/")[: -len(DAY) - 1]):
        return parquet(paths, f"hive_partitioning = true, union_by_name = true, {_DAY_TYPES}")
    source = parquet(paths, f"hive_partitioning = false, union_by_name = true, filename = {literal(_PLACE)}")
    place = identifier(_PLACE)
    days = ", ".join(
        f"cast(regexp_extract({place}, {literal(_DAY_FOLDERS)}, {number}) as integer) as {identifier(key)}"
        for number, key in enumerate(DAY, 1)
    )
    return f"(select * exclude ({place}), {days} from {source})"


def partition_by_groups(
    connection: duckdb.DuckDBPyConnection,
    whole: Sequence[Path],
    target: Target,
) -> list[StagedFile]:
    """Cut files that hold their partition columns into partitioned ones, a group of partitions at a
    time: each open partition takes about a megabyte a thread. The whole files are removed."""
    source, keys = parquet(whole), identifiers(target.partition_by)
    connection.execute(
        f"create or replace temp table places as select *, row_number() over (order by {keys}) as place"
        f" from (select distinct {keys} from {source})"
    )
    count = connection.execute("select count(*) from places").fetchone()
    staged: list[StagedFile] = []
    for first in range(1, (count[0] if count else 0) + 1, GROUP_PARTITIONS):
        staged += write_partitioned(
            connection,
            f"select {identifiers(target.types)} from {source} semi join (from places where place between {first}"
            f" and {first + GROUP_PARTITIONS - 1}) using ({keys})",
            target,
        )
    for path in whole:
        path.unlink()
    return staged


def _staged(row: tuple[Any, ...], types: Mapping[str, str]) -> StagedFile:
    path, count, size, _, statistics, partition = row
    minimum: dict[str, str | int | float] = {}
    maximum: dict[str, str | int | float] = {}
    nulls: dict[str, int] = {}
    for quoted, facts in (statistics or {}).items():
        name = quoted.strip('"')
        if name not in types:
            continue  # parts of arrays and structs
        nulls[name] = int(facts.get("null_count") or 0)
        if "min" in facts and "max" in facts and facts.get("has_nan") != "true":
            low, high = _bound(types[name], facts["min"]), _bound(types[name], facts["max"])
            if low is not None and high is not None:
                minimum[name], maximum[name] = low, high
    return StagedFile(Path(path), count, size, partition or {}, minimum, maximum, nulls)


def _bound(sql_type: str, text: str) -> str | int | float | None:
    if not is_bounded(sql_type):
        return None
    if sql_type == TIMESTAMP:
        # '2026-10-01 00:00:00.123+00'; Delta wants ISO 8601.
        return text.replace(" ", "T").replace("+00", "Z")
    return float(text) if sql_type == "DOUBLE" else int(text)
