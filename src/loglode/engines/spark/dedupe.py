"""Removing duplicates from staged files with Spark.

What is shuffled of all rows is a 64-bit hash of the identity; only rows whose hash collides are
compared in full. Files without a duplicate, the rule, are not touched; the others are written again.
The same row of an event is kept as by the embedded engine: the first of the first object.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as f

from loglode.engines.heads import HeadRow, own_ids
from loglode.engines.spark.files import FILE_NAME, ROW_INDEX, read, write
from loglode.files import StagedFile
from loglode.silver.identity import BY_SOURCE, IN_HEAD, SHARED_DIGITS
from loglode.storage import Location

_HASH, _KNOWN, _HALF, _NEW = "_hash", "_is_known", "_half", "_new_id"
_ID = "_id"
_PLACE = [FILE_NAME, ROW_INDEX]
_PLACES = f"{FILE_NAME} string, {ROW_INDEX} bigint"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table: the column that identifies them, their types, and where they are written again."""

    key: str
    types: Mapping[str, str]
    folder: Path
    root: Location
    # They come from whole objects, with ids from which those that begin alike can be distinguished.
    has_heads: bool = False


def without_doubles(
    spark: SparkSession, staged: Sequence[StagedFile], existing: Sequence[Location], rows: Rows
) -> tuple[Sequence[StagedFile], Mapping[str, str]]:
    """The staged files, where needed written again, without what they or `existing` hold, and new ids in them with
    those by place."""
    if not staged:
        return staged, {}
    with contextlib.ExitStack() as cached:
        candidates, known = _candidates(spark, staged, existing, rows, cached)
        own = _cached(_own(spark, staged, existing, rows, (candidates, known)), cached)
        doubles = _cached(_places(candidates.join(own, _PLACE, "left_anti"), rows.key), cached)
        apart = {row[_NEW]: row[_ID] for row in own.select(_NEW, _ID).collect()}
        return _rewritten(spark, staged, doubles, own, rows), apart


def by_place(
    spark: SparkSession, staged: Sequence[StagedFile], apart: Mapping[str, str], rows: Rows
) -> Sequence[StagedFile]:
    """The staged files with the ids that they had at first: which rows are events of their own is decided anew."""
    if not apart:
        return staged
    pairs = spark.createDataFrame(list(apart.items()), f"{rows.key} string, {_NEW} string")
    found = read(spark, [file.path for file in staged], {rows.key: rows.types[rows.key]}, with_place=True)
    own = found.join(f.broadcast(pairs), rows.key).select(*_PLACE, f.col(rows.key).alias(_ID), _NEW)
    return _rewritten(spark, staged, spark.createDataFrame([], _PLACES), own, rows)


def _rewritten(
    spark: SparkSession, staged: Sequence[StagedFile], doubles: DataFrame, own: DataFrame, rows: Rows
) -> Sequence[StagedFile]:
    """The files, those that have rows among these written again."""
    counts = doubles.groupBy(FILE_NAME).count().collect()
    hit = dict.fromkeys((row[FILE_NAME] for row in own.select(FILE_NAME).distinct().collect()), 0)
    hit |= {row[FILE_NAME]: row["count"] for row in counts}
    if not hit:
        return staged
    kept = [file for file in staged if file.relative_path not in hit]
    rewritten = [file for file in staged if hit.get(file.relative_path, file.rows) < file.rows]
    if rewritten:
        kept += _rewrite(spark, rewritten, doubles, own, rows)
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
    half, is_named = _half(rows.key), f.col(rows.key).startswith(BY_SOURCE)
    found = (
        read(spark, [file.path for file in staged], types).where(is_named).groupBy(half.alias(_HALF)).count()
    )
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


def _candidates(
    spark: SparkSession,
    staged: Sequence[StagedFile],
    existing: Sequence[Location],
    rows: Rows,
    cached: contextlib.ExitStack,
) -> tuple[DataFrame, DataFrame]:
    """Staged rows whose id begins as that of another row, _KNOWN where the table has it; such ids of the table."""
    key, types = rows.key, rows.types
    lines = {name: types[name] for name in (key, "source_object", "source_line")}
    paths = [file.path for file in staged]
    source = read(spark, paths, lines, with_place=True)
    source = source.withColumn(_HASH, f.xxhash64(_half(key)))
    suspects = source.groupBy(_HASH).count().where("count > 1").select(_HASH)
    held = read(spark, existing, {key: types[key]}).withColumn(_HASH, f.xxhash64(_half(key)))
    known = _cached(held.join(source.select(_HASH), _HASH, "left_semi").distinct(), cached)
    suspects = suspects.union(known.select(_HASH)).distinct()
    marked = known.select(key, f.lit(True).alias(_KNOWN))
    return _cached(source.join(suspects, _HASH, "left_semi").join(marked, key, "left"), cached), known


def _own(
    spark: SparkSession,
    staged: Sequence[StagedFile],
    existing: Sequence[Location],
    rows: Rows,
    found: tuple[DataFrame, DataFrame],
) -> DataFrame:
    """Places of the rows that get new ids, their ids and these (see `engines.heads`)."""
    candidates, known = found
    nothing = spark.createDataFrame([], f"{_PLACES}, {_ID} string, {_NEW} string")
    if not rows.has_heads:
        return nothing
    heads = candidates.where(f.col(rows.key).startswith(IN_HEAD)).select(rows.key, "source_object")
    ids = heads.select(rows.key).union(known.select(rows.key)).distinct()
    families = ids.groupBy(_half(rows.key).alias(_HALF)).count().where("count > 1").select(_HALF)
    concerned = heads.withColumn(_HALF, _half(rows.key)).join(families, _HALF, "left_semi")
    if not concerned.head(1):
        return nothing
    values = _concerned(spark, staged, rows, concerned)
    places = {row[:2]: (*row[4:], row[2]) for row in values}
    held = [row[0] for row in known.select(rows.key).where(f.col(rows.key).startswith(IN_HEAD)).collect()]
    given = own_ids(
        (HeadRow(*row[:4]) for row in values), held, lambda halves: _held(spark, existing, rows, halves)
    )
    renamed = [(*places[place], new) for place, new in given.items()]
    return spark.createDataFrame(renamed, nothing.schema) if renamed else nothing


def _concerned(
    spark: SparkSession, staged: Sequence[StagedFile], rows: Rows, siblings: DataFrame
) -> list[tuple[Any, ...]]:
    """Heads of staged objects that have one of these lines below another row, with the places of their rows."""
    names = (rows.key, "source_object", "source_line", "event_ts")
    found = read(
        spark, [file.path for file in staged], {name: rows.types[name] for name in names}, with_place=True
    )
    found = found.where(f.col(rows.key).startswith(IN_HEAD))
    marked = siblings.select(rows.key, "source_object", f.lit(True).alias(_KNOWN)).distinct()
    found = found.join(marked, [rows.key, "source_object"], "left")
    of_object = Window.partitionBy("source_object")
    last = f.max(f.when(f.col(_KNOWN), f.col("source_line"))).over(of_object)
    found = found.withColumn("_last", last).withColumn("_first", f.min("source_line").over(of_object))
    columns = ("source_object", "source_line", rows.key, f.unix_micros("event_ts"), FILE_NAME, ROW_INDEX)
    return [tuple(row) for row in found.where("_last > _first").select(*columns).collect()]


def _held(
    spark: SparkSession, existing: Sequence[Location], rows: Rows, halves: Collection[str]
) -> list[tuple[str, int]]:
    """Rows of the table whose ids begin so: ids and microseconds."""
    wanted = spark.createDataFrame([(half,) for half in halves], f"{_HALF} string")
    found = read(spark, existing, {name: rows.types[name] for name in (rows.key, "event_ts")})
    found = found.withColumn(_HALF, _half(rows.key)).join(f.broadcast(wanted), _HALF, "left_semi")
    return [(row[0], row[1]) for row in found.select(rows.key, f.unix_micros("event_ts")).collect()]


def _half(key: str) -> Column:
    return f.substring(key, 1, SHARED_DIGITS)


def _places(candidates: DataFrame, key: str) -> DataFrame:
    """Places of the rows to drop: all but the first of an id, and all that exist already."""
    order = Window.partitionBy(key).orderBy("source_object", "source_line", FILE_NAME, ROW_INDEX)
    placed = candidates.withColumn("_place", f.row_number().over(order))
    return placed.where((f.col("_place") > 1) | f.col(_KNOWN).isNotNull()).select(FILE_NAME, ROW_INDEX)


def _rewrite(
    spark: SparkSession, files: Sequence[StagedFile], doubles: DataFrame, own: DataFrame, rows: Rows
) -> list[StagedFile]:
    found = read(spark, [file.path for file in files], rows.types, with_place=True)
    found = found.join(doubles, _PLACE, "left_anti").join(own.select(*_PLACE, _NEW), _PLACE, "left")
    found = found.withColumn(rows.key, f.coalesce(_NEW, rows.key))
    kept = found.select(*[f"`{n}`" for n in rows.types])
    return write(kept, rows.folder, rows.root, rows.types, tuple(files[0].partition))
