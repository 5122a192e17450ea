"""Removing duplicates from staged files with Spark.

What is shuffled of all rows is a 64-bit hash of the identity; only rows whose hash collides are
compared in full. Files without a duplicate, the rule, are not touched; the others are written again.
The same row of an event is kept as by the embedded engine: the first of the first object.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as f

from loglode.engines.spark.files import FILE_NAME, ROW_INDEX, read, write
from loglode.files import StagedFile
from loglode.silver.identity import BY_SOURCE, SHARED_DIGITS
from loglode.storage import Location

_HASH, _KNOWN, _HALF = "_hash", "_is_known", "_half"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table: the column that identifies them, their types, and where they are written again."""

    key: str
    types: Mapping[str, str]
    folder: Path
    root: Location


def without_doubles(
    spark: SparkSession, staged: Sequence[StagedFile], existing: Sequence[Location], rows: Rows
) -> Sequence[StagedFile]:
    """The staged files, where needed written again, without what they or `existing` hold."""
    if not staged:
        return staged
    with contextlib.ExitStack() as cached:
        doubles = _cached(_doubles(spark, staged, existing, rows, cached), cached)
        counts = doubles.groupBy(FILE_NAME).count().collect()
        hit: dict[str, int] = {row[FILE_NAME]: row["count"] for row in counts}
        if not hit:
            return staged
        kept = [file for file in staged if file.relative_path not in hit]
        rewritten = [file for file in staged if 0 < hit.get(file.relative_path, 0) < file.rows]
        if rewritten:
            kept += _rewrite(spark, rewritten, doubles, rows)
    for file in staged:
        if file.relative_path in hit:
            file.path.unlink()
    return kept


def conflicting(
    spark: SparkSession, staged: Sequence[StagedFile], existing: Sequence[Location], rows: Rows
) -> int:
    """Events, of those left, whose source's id names other events as well; one of each id is none."""
    if not staged:
        return 0
    types = {rows.key: rows.types[rows.key]}
    half = f.substring(rows.key, 1, SHARED_DIGITS)
    named = read(spark, [file.path for file in staged], types).where(f.col(rows.key).startswith(BY_SOURCE))
    found = named.groupBy(half.alias(_HALF)).count()
    if existing:
        held = read(spark, existing, types).select(half.alias(_HALF), f.lit(1).alias(_KNOWN)).distinct()
        found = found.join(held, _HALF, "left")
    else:
        found = found.withColumn(_KNOWN, f.lit(None).cast("int"))
    repeats = f.sum(f.col("count") - f.when(f.col(_KNOWN).isNull(), 1).otherwise(0))
    return int(found.where(f"count > 1 or {_KNOWN} is not null").agg(repeats).collect()[0][0] or 0)


def _cached(frame: DataFrame, cached: contextlib.ExitStack) -> DataFrame:
    """Keep the rows until the stack is left, also by an error."""
    kept = frame.persist()
    cached.callback(kept.unpersist)
    return kept


def _doubles(
    spark: SparkSession,
    staged: Sequence[StagedFile],
    existing: Sequence[Location],
    rows: Rows,
    cached: contextlib.ExitStack,
) -> DataFrame:
    """Places of the rows to drop: all but the first of an id, and all that exist already."""
    key, types = rows.key, rows.types
    lines = {name: types[name] for name in (key, "source_object", "source_line")}
    paths = [file.path for file in staged]
    source = read(spark, paths, lines, with_place=True)
    source = source.withColumn(_HASH, f.xxhash64(key))
    suspects = source.groupBy(_HASH).count().where("count > 1").select(_HASH)
    if not existing:
        return _places(source.join(suspects, _HASH, "left_semi"), key, f.lit(False))
    held = read(spark, existing, {key: types[key]}).withColumn(_HASH, f.xxhash64(key))
    known = _cached(held.join(source.select(_HASH), _HASH, "left_semi").distinct(), cached)
    suspects = suspects.union(known.select(_HASH)).distinct()
    marked = known.select(key, f.lit(True).alias(_KNOWN))
    candidates = source.join(suspects, _HASH, "left_semi").join(marked, key, "left")
    return _places(candidates, key, f.col(_KNOWN).isNotNull())


def _places(candidates: DataFrame, key: str, is_known: Column) -> DataFrame:
    order = Window.partitionBy(key).orderBy("source_object", "source_line", FILE_NAME, ROW_INDEX)
    placed = candidates.withColumn("_place", f.row_number().over(order))
    return placed.where((f.col("_place") > 1) | is_known).select(FILE_NAME, ROW_INDEX)


def _rewrite(
    spark: SparkSession, files: Sequence[StagedFile], doubles: DataFrame, rows: Rows
) -> list[StagedFile]:
    found = read(spark, [file.path for file in files], rows.types, with_place=True)
    kept = found.join(doubles, [FILE_NAME, ROW_INDEX], "left_anti").select(*[f"`{n}`" for n in rows.types])
    return write(kept, rows.folder, rows.root, rows.types, tuple(files[0].partition))
