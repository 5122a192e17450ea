"""What a table's Parquet files say of their own columns, held against the types in the table's log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq

from loglode.errors import StorageError
from loglode.lake.schema import is_written_as
from loglode.lake.state import ActiveFile
from loglode.lake.table import Snapshot
from loglode.storage import Location, read_end

# The footer of a file of ours has some KiB; a longer one is read by a second request.
_FIRST_BYTES = 1 << 16
_TRAILER = 8
_THREADS = 16


def differing_files(snapshot: Snapshot) -> list[str]:
    """Files, relative to the table, that have a column of another type than the log says, and which.

    So has one whose folders, which engines read, name another partition than the log, which Delta reads.
    Reads the end of each file and no rows, several files at a time.
    """
    kinds = {field.name: field.type for field in snapshot.state.fields}

    def difference(file: ActiveFile) -> str:
        path, partition = file.path, file.partition
        try:
            columns = _columns(snapshot.table.root.joinpath(path))
        except (pa.ArrowException, OSError, StorageError) as error:
            return f"{path}: {error}"
        if named_partition(path) != partition:
            return f"{path}: the log has it in {'/'.join(f'{k}={v}' for k, v in partition.items())}"
        unlike = [c.name for c in columns if c.name in kinds and not is_written_as(kinds[c.name], c.type)]
        return f"{path}: {', '.join(unlike)}" if unlike else ""

    with ThreadPoolExecutor(_THREADS) as pool:
        return [found for found in pool.map(difference, snapshot.files()) if found]


def named_partition(path: str) -> dict[str, str]:
    """The partition that the folders of a table's file name."""
    return dict(part.split("=", 1) for part in path.split("/")[:-1] if "=" in part)


def _columns(path: Location) -> pa.Schema:
    end = read_end(path, _FIRST_BYTES)
    length = int.from_bytes(end[-_TRAILER:-4], "little") + _TRAILER
    if length > len(end):
        end = read_end(path, length)
    return pq.read_metadata(pa.BufferReader(end)).schema.to_arrow_schema()
