"""Parquet files in and out of Spark, with what the tables' logs want to know of each.

On a disk Spark reads files itself. Those on S3 are read by the tasks with the SDK, as all of Loglode
does, so that no cluster needs a file system of Hadoop's for it.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from pathlib import Path

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.types import LongType, StringType, StructType

from loglode.engines.spark.parts import fetcher, writer
from loglode.engines.spark.session import class_in_task, one_line
from loglode.engines.spark.types import schema
from loglode.errors import LoglodeError
from loglode.files import StagedFile
from loglode.storage import Location, S3Path
from loglode.tables import DAY

# What Spark raises, whether the plan or the work was at fault.
SPARK_ERRORS = (PySparkException, Py4JError)
# A file is known by its name and the folders of its day: Spark gives files of several days one name.
FILE_NAME, ROW_INDEX = "_file_name", "_row_index"
_FILES_A_TASK = 8


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
    roots: dict[str, list[Path]] = {}
    on_s3: list[S3Path] = []
    for path in files:
        if isinstance(path, S3Path):
            on_s3.append(path)
        else:
            roots.setdefault(_root(path), []).append(path)
    # Spark reads files below one folder at a time.
    frames = [_below(spark, root, paths, columns, with_place=with_place) for root, paths in roots.items()]
    if on_s3:
        frames.append(_on_s3(spark, on_s3, columns, with_place=with_place))
    return reduce(DataFrame.unionAll, frames) if frames else spark.createDataFrame([], columns)


def _below(
    spark: SparkSession, root: str, paths: Sequence[Path], columns: StructType, *, with_place: bool
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


def _on_s3(
    spark: SparkSession, paths: Sequence[S3Path], columns: StructType, *, with_place: bool
) -> DataFrame:
    context = spark.sparkContext
    count = min(len(paths), max(context.defaultParallelism, len(paths) // _FILES_A_TASK))
    listed = context.parallelize([(path.bucket, path.key) for path in paths], count)
    wanted = StructType(list(columns))
    if with_place:
        wanted = wanted.add(FILE_NAME, StringType()).add(ROW_INDEX, LongType())
    places = (FILE_NAME, ROW_INDEX) if with_place else None
    frame = spark.createDataFrame(listed, "bucket string, key string")
    return frame.mapInArrow(fetcher(columns, places, len(DAY) + 1), wanted)


def _root(path: Path) -> str:
    """The folder above those that are named by partitions."""
    folder = str(path).rpartition("/")[0]
    while "=" in folder.rpartition("/")[2]:
        folder = folder.rpartition("/")[0]
    return folder


def write(
    frame: DataFrame,
    folder: Path,
    root: Location,
    types: Mapping[str, str],
    keys: Sequence[str],
) -> list[StagedFile]:
    """Write a relation as `key=value/.../<uuid>.parquet`: below `folder`, or in a table's folder on S3.

    Only the list of files comes to this process. Raises LoglodeError.
    """
    place = root if isinstance(root, S3Path) else folder
    ordered = frame.sortWithinPartitions(*keys)
    rows = ordered.mapInArrow(writer(place, types, keys), "file binary").collect()
    return [pickle.loads(row["file"]) for row in rows]  # noqa: S301 - made by `writer`


def failed(what: str, error: BaseException) -> LoglodeError:
    """Spark's error in one line, with the class of what a task raised."""
    text = one_line(error)
    hint = "make room, then run again; nothing was lost" if "No space left" in text else ""
    return class_in_task(error)(f"Spark failed on {what}: {text}", hint=hint)
