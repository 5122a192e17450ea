"""Parquet files in and out of Spark, with what the tables' logs want to know of each."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.types import StructType

from loglode.engines.spark.session import one_line
from loglode.engines.spark.types import schema
from loglode.errors import LoglodeError
from loglode.files import StagedFile
from loglode.lake.layout import DAY
from loglode.storage import Location

# What Spark raises, whether the plan or the work was at fault.
SPARK_ERRORS = (PySparkException, Py4JError)
# A file is known by its name and the folders of its day: Spark gives files of several days one name.
FILE_NAME, ROW_INDEX = "_file_name", "_row_index"
# Bounds are recorded where they are numbers or times: enough to prune, and no text of visitors.
_BOUNDED = frozenset({"BIGINT", "INTEGER", "SMALLINT", "DOUBLE", "TIMESTAMP WITH TIME ZONE"})
_FOOTERS_A_TASK = 64


def read(
    spark: SparkSession,
    files: Iterable[Location],
    types: Mapping[str, str],
    *,
    with_place: bool = False,
) -> DataFrame:
    """Files of one table as a relation of the declared columns, those that folders tell among them.

    A column that older files lack is null. `with_place` adds FILE_NAME and ROW_INDEX.
    """
    columns = schema(types.items())
    roots: dict[str, list[Location]] = {}
    for path in files:
        roots.setdefault(_root(path), []).append(path)
    if not roots:
        return spark.createDataFrame([], columns)
    # Spark reads files below one folder at a time.
    frames = [_below(spark, root, paths, columns, with_place=with_place) for root, paths in roots.items()]
    return reduce(DataFrame.unionAll, frames)


def _below(
    spark: SparkSession, root: str, paths: Sequence[Location], columns: StructType, *, with_place: bool
) -> DataFrame:
    # Paths are what they are, not patterns.
    reader = spark.read.schema(columns).option("__globPaths__", "false").option("basePath", root)
    frame = reader.parquet(*map(str, paths))
    depth = len(DAY) + 1
    place = (
        [
            f.substring_index("_metadata.file_path", "/", -depth).alias(FILE_NAME),
            f.col("_metadata.row_index").alias(ROW_INDEX),
        ]
        if with_place
        else []
    )
    return frame.select(*[f"`{name}`" for name in columns.names], *place)


def _root(path: Location) -> str:
    """The folder above those that are named by partitions."""
    folder = str(path).rpartition("/")[0]
    while "=" in folder.rpartition("/")[2]:
        folder = folder.rpartition("/")[0]
    return folder


def name_of(file: StagedFile) -> str:
    """What FILE_NAME says of the file's rows."""
    return "/".join(file.path.parts[-len(DAY) - 1 :])


def write(
    spark: SparkSession, frame: DataFrame, folder: Path, types: Mapping[str, str], keys: Sequence[str]
) -> list[StagedFile]:
    """Write a relation into `folder/<new>/key=value/.../part-*.parquet`; one StagedFile each.

    Only the list of files comes to this process. Raises LoglodeError.
    """
    target = folder / uuid.uuid4().hex
    frame.write.partitionBy(*keys).parquet(str(target))
    found = sorted(target.rglob("*.parquet")) if target.exists() else []
    return [file for file in _footers(spark, found, target, types, keys) if file.rows]


def _footers(
    spark: SparkSession, paths: Sequence[Path], root: Path, types: Mapping[str, str], keys: Sequence[str]
) -> list[StagedFile]:
    bounded = frozenset(name for name, sql in types.items() if sql in _BOUNDED)
    plain = frozenset(types)

    def look(part: Iterable[Path]) -> Iterator[StagedFile]:
        for path in part:
            names = path.relative_to(root).parts[:-1]
            partition = dict(zip(keys, (name.split("=", 1)[1] for name in names), strict=True))
            yield footer(path, partition, plain, bounded)

    if len(paths) <= _FOOTERS_A_TASK:
        return list(look(iter(paths)))
    tasks = -(-len(paths) // _FOOTERS_A_TASK)
    return spark.sparkContext.parallelize(paths, tasks).mapPartitions(look).collect()


def footer(
    path: Path, partition: Mapping[str, str], plain: frozenset[str], bounded: frozenset[str]
) -> StagedFile:
    """What a Parquet file's footer says: rows, nulls of the `plain` columns, bounds of the `bounded`."""
    facts = pq.read_metadata(path)
    nulls: dict[str, int] = {}
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    unbounded: set[str] = set()
    for group in range(facts.num_row_groups):
        for index in range(facts.num_columns):
            column = facts.row_group(group).column(index)
            name, statistics = column.path_in_schema, column.statistics
            if name not in plain or statistics is None:
                continue
            nulls[name] = nulls.get(name, 0) + (statistics.null_count or 0)
            if name not in bounded:
                continue
            if statistics.has_min_max:
                low[name] = min(low.get(name, statistics.min), statistics.min)
                high[name] = max(high.get(name, statistics.max), statistics.max)
            elif (statistics.null_count or 0) < column.num_values:
                unbounded.add(name)
    return StagedFile(
        path,
        facts.num_rows,
        path.stat().st_size,
        dict(partition),
        {name: _json(value) for name, value in low.items() if name not in unbounded},
        {name: _json(value) for name, value in high.items() if name not in unbounded},
        nulls,
    )


def _json(value: Any) -> str | int | float:
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value if isinstance(value, int | float) else str(value)


def failed(what: str, error: BaseException) -> LoglodeError:
    """Spark's error in one line."""
    return LoglodeError(f"Spark failed on {what}: {one_line(error)}")
