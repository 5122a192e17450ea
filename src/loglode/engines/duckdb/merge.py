"""Several files of a table as one, for maintenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from loglode.engines.duckdb.files import Target, write_partitioned
from loglode.engines.duckdb.models import view
from loglode.engines.duckdb.session import connect, restrict
from loglode.files import StagedFile
from loglode.sql import identifier
from loglode.storage import Location
from loglode.tables import TableSpec


class Merger:
    """Rewrites files of the tables under `folder`; its memory does not grow with their number."""

    def __init__(
        self, *, memory_limit_mb: int, threads: int | None, folder: Path, tables: Sequence[Location]
    ) -> None:
        self._folder = folder
        self._connection = connect(
            memory_limit_mb=memory_limit_mb, threads=threads, temp_dir=folder / "merge-spill"
        )
        restrict(self._connection, folders=[folder, *tables])

    def close(self) -> None:
        self._connection.close()

    def merge(
        self,
        spec: TableSpec,
        files: Sequence[Location],
        partition: Mapping[str, str],
        *,
        emptied: Sequence[str] = (),
    ) -> StagedFile:
        """The rows of the files of one partition in one file, with null in the columns `emptied`.

        A column that older files lack is null. Raises LakeError when the disk refuses.
        """
        columns = [(name, sql) for name, sql, _ in spec.columns if name not in spec.partition_by]
        view(self._connection, "merging", files, columns)
        chosen = ", ".join(
            f"null::{sql} as {identifier(name)}" if name in emptied else identifier(name)
            for name, sql in columns
        )
        (written,) = write_partitioned(
            self._connection,
            f"select {chosen} from merging",
            Target(self._folder / "merged" / spec.name, "merged", dict(columns)),
        )
        return replace(written, partition=partition)
