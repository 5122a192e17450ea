"""What tasks do with Parquet files: fetch those on S3, and write rows as a table's files."""

from __future__ import annotations

import pickle
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from loglode.engines.spark.lines import deliver
from loglode.engines.spark.surroundings import share, surroundings
from loglode.files import StagedFile
from loglode.storage import Location, S3Path, download
from loglode.types import is_bounded

_BATCH_ROWS = 10_000
_ROW_GROUP_BYTES = 64 << 20

Mapper = Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]


def fetcher(columns: StructType, places: tuple[str, str] | None, depth: int) -> Mapper:
    """The function for mapInArrow: (bucket, key) in, the columns of those files out.

    `places` names two more columns: the last `depth` parts of the key, and the row's number.
    """
    wanted, known = to_arrow_schema(columns), surroundings()

    def rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        share(known)
        for batch in batches:
            for bucket, key in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                with tempfile.TemporaryFile(prefix="loglode-task-") as file:
                    download(S3Path(bucket, key), file)
                    file.seek(0)
                    yield from _columns(pq.ParquetFile(file), key, wanted, places, depth)

    return rows


def _columns(
    file: pq.ParquetFile, key: str, wanted: pa.Schema, places: tuple[str, str] | None, depth: int
) -> Iterator[pa.RecordBatch]:
    """Batches of the wanted columns: from the file, from the folders' names, or null."""
    parts = key.split("/")
    # Folders above the table's own, such as `country=DE/lake`, say nothing of its rows.
    named = dict(part.split("=", 1) for part in parts[-depth:-1] if "=" in part)
    present = [name for name in wanted.names if name in file.schema_arrow.names]
    first = 0
    for batch in file.iter_batches(_BATCH_ROWS, columns=present or None):
        arrays = {
            field.name: batch.column(field.name).cast(field.type)
            if field.name in present
            else _constant(named.get(field.name), field.type, batch.num_rows)
            for field in wanted
        }
        if places:
            arrays[places[0]] = _constant("/".join(parts[-depth:]), pa.string(), batch.num_rows)
            arrays[places[1]] = pa.array(np.arange(first, first + batch.num_rows))
        first += batch.num_rows
        yield pa.RecordBatch.from_pydict(arrays)


def _constant(text: str | None, kind: pa.DataType, count: int) -> pa.Array:
    return pa.array([text], pa.string()).cast(kind).take(pa.array(np.zeros(count, np.int64)))


def writer(place: Location, types: Mapping[str, str], keys: Sequence[str]) -> Mapper:
    """The function for mapInArrow: rows in the order of their keys in, the list of files out, pickled."""
    known = surroundings()

    def files(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        share(known)
        with tempfile.TemporaryDirectory(prefix="loglode-task-") as own:
            folder = place if isinstance(place, Path) else Path(own)
            for file in _written(batches, folder, types, keys):
                told = deliver(file, place)
                if told is not file:
                    Path(str(file.path)).unlink()
                yield pa.RecordBatch.from_pydict({"file": [pickle.dumps(told)]})

    return files


def _written(
    batches: Iterable[pa.RecordBatch], folder: Path, types: Mapping[str, str], keys: Sequence[str]
) -> Iterator[StagedFile]:
    """One file for each partition, in the order in which they come."""
    bounded = frozenset(name for name, sql in types.items() if is_bounded(sql))
    part: _Part | None = None
    for batch in batches:
        for partition, rows in _runs(batch, keys):
            if part is None or part.partition != partition:
                if part is not None:
                    yield part.finish(frozenset(types), bounded)
                part = _Part(partition, folder)
            part.add(rows)
    if part is not None:
        yield part.finish(frozenset(types), bounded)


def _runs(batch: pa.RecordBatch, keys: Sequence[str]) -> Iterator[tuple[dict[str, str], pa.RecordBatch]]:
    """Runs of rows of one partition, without the columns that name it."""
    if not batch.num_rows:
        return
    values = np.stack([batch.column(key).to_numpy(zero_copy_only=False) for key in keys])
    starts = [0, *(np.flatnonzero((values[:, 1:] != values[:, :-1]).any(axis=0)) + 1).tolist()]
    rows = batch.select([name for name in batch.schema.names if name not in keys])
    for start, end in zip(starts, [*starts[1:], batch.num_rows], strict=True):
        partition = {key: str(int(value)) for key, value in zip(keys, values[:, start], strict=True)}
        yield partition, rows.slice(start, end - start)


class _Part:
    """A file in the making; rows are held until they make a row group."""

    def __init__(self, partition: dict[str, str], folder: Path) -> None:
        self.partition = partition
        names = [f"{key}={value}" for key, value in partition.items()]
        self._path = folder.joinpath(*names, f"{uuid.uuid4().hex}.parquet")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._writer: pq.ParquetWriter | None = None
        self._held: list[pa.RecordBatch] = []
        self._bytes = 0

    def add(self, rows: pa.RecordBatch) -> None:
        self._held.append(rows)
        self._bytes += rows.nbytes
        if self._bytes >= _ROW_GROUP_BYTES:
            self._flush()

    def finish(self, plain: frozenset[str], bounded: frozenset[str]) -> StagedFile:
        self._flush()
        if self._writer is not None:
            self._writer.close()
        return footer(self._path, self.partition, plain, bounded)

    def _flush(self) -> None:
        if not self._held:
            return
        table = pa.Table.from_batches(self._held)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_table(table, row_group_size=table.num_rows)
        self._held, self._bytes = [], 0


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
