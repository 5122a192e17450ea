"""One Delta table: its declaration, its snapshot and the files it holds."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from loglode.errors import LakeError
from loglode.files import writing
from loglode.lake.delta import delta_options, reaching
from loglode.lake.schema import delta_schema, new_columns, sql_type
from loglode.storage import Location, names_after
from loglode.tables import TableSpec

# Checkpoints keep loading quick; application transactions are forgotten after a while, and what
# comes again later is caught by the events' own identity.
TRANSACTION_DAYS = 60
# Of an error of deltalake, which may list all of a log.
_MOST_TOLD = 200
LOG = "_delta_log"
CONFIGURATION = {
    "delta.checkpointInterval": "10",
    "delta.setTransactionRetentionDuration": f"interval {TRANSACTION_DAYS} days",
}
_FACTS = ("path", "num_records", "size_bytes", "modification_time", "min.event_ts", "max.event_ts")


@dataclass(frozen=True, slots=True)
class ActiveFile:
    """A file of a snapshot; `path` is relative to the table. Bounds are of `event_ts`, ISO text."""

    path: str
    rows: int
    bytes: int
    partition: dict[str, str]
    first_event: str | None
    last_event: str | None
    modified_ms: int


class Snapshot:
    """A table at one version."""

    def __init__(self, table: Table, delta: deltalake.DeltaTable) -> None:
        self.table = table
        self.delta = delta
        self.version = delta.version()
        # Of a version, which never changes. Each question to the log reads it anew.
        self._files: list[ActiveFile] | None = None
        self._transactions: dict[str, int | None] = {}

    @property
    def is_newest(self) -> bool:
        """Whether no version follows: the log is listed, which costs less than to read it."""
        follows = f"{self.version + 1:020d}"
        return self.delta.version() == self.version and not names_after(self.table.root / LOG, follows)

    def seen_as(self, table: Table) -> Snapshot:
        """The same version, with another declaration of its table."""
        other = copy.copy(self)
        other.table = table
        return other

    def transaction(self, app_id: str) -> int | None:
        """Version last committed under an application id, or None."""
        if app_id not in self._transactions:
            with reaching(self.table.root):
                self._transactions[app_id] = self.delta.transaction_version(app_id)
        return self._transactions[app_id]

    def nulls(self, column: str) -> dict[str, int]:
        """Nulls of a column in each file that tells; paths are relative to the table."""
        actions = self.delta.get_add_actions(flatten=True)
        name = f"null_count.{column}"
        if name not in actions.schema.names:
            return {}
        paths, counts = (actions.column(part).to_pylist() for part in ("path", name))
        return {path: count for path, count in zip(paths, counts, strict=True) if count is not None}

    def files(self, days: Iterable[tuple[int, int, int]] | None = None) -> list[ActiveFile]:
        """Files of the snapshot, all or those of some (year, month, day)."""
        if self._files is None:
            self._files = self._active()
        if days is None:
            return self._files
        wanted = {(str(y), str(m), str(d)) for y, m, d in days}
        return [f for f in self._files if tuple(f.partition.values()) in wanted]

    def adds(self) -> list[dict[str, Any]]:
        """The files as add actions, to be committed once more."""
        actions = self.delta.get_add_actions(flatten=True)
        columns: dict[str, Any] = {n: actions.column(n).to_pylist() for n in actions.schema.names}
        return [_as_add(file, columns, columns["path"].index(file.path)) for file in self.files()]

    def _active(self) -> list[ActiveFile]:
        keys = self.table.spec.partition_by
        actions = self.delta.get_add_actions(flatten=True)
        names = {*_FACTS, *(f"partition.{key}" for key in keys)}
        columns: dict[str, Any] = {
            name: actions.column(name).to_pylist() for name in actions.schema.names if name in names
        }
        found = [
            ActiveFile(
                path=path,
                rows=columns["num_records"][i] or 0,
                bytes=columns["size_bytes"][i],
                partition={key: str(columns[f"partition.{key}"][i]) for key in keys},
                first_event=_iso(columns.get("min.event_ts"), i),
                last_event=_iso(columns.get("max.event_ts"), i),
                modified_ms=columns["modification_time"][i],
            )
            for i, path in enumerate(columns["path"])
        ]
        return sorted(found, key=lambda f: f.path)


def _as_add(file: ActiveFile, columns: dict[str, Any], index: int) -> dict[str, Any]:
    stats: dict[str, Any] = {"numRecords": file.rows}
    for kind, name in (("min", "minValues"), ("max", "maxValues"), ("null_count", "nullCount")):
        told = [column for column in columns if column.startswith(f"{kind}.")]
        found = {column.split(".", 1)[1]: columns[column][index] for column in told}
        stats[name] = {column: _plain(value) for column, value in found.items() if value is not None}
    return {
        "path": file.path,
        "size": file.bytes,
        "partition": file.partition,
        "modified_ms": file.modified_ms,
        "stats": json.dumps(stats),
    }


def _plain(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else value


def _iso(values: list[Any] | None, index: int) -> str | None:
    value = values[index] if values else None
    return None if value is None else value.isoformat()


class Table:
    """A table of the lake, at a path."""

    def __init__(self, spec: TableSpec, root: Location) -> None:
        self.spec = spec
        self.root = root
        self._last: Snapshot | None = None

    @property
    def exists(self) -> bool:
        """Whether a first commit was made; what a killed process left in the log does not count."""
        if self._last is not None:
            return True
        with reaching(self.root):
            return deltalake.DeltaTable.is_deltatable(str(self.root), delta_options(self.root))

    def newest(self) -> Snapshot | None:
        """The newest version; None of a table that is not there. Raises LakeError for a damaged one."""
        try:
            return self._load(None)
        except TableNotFoundError:
            return None

    def snapshot(self, version: int | None = None) -> Snapshot:
        """The newest version, or a certain one. Raises LakeError where there is none that can be read."""
        try:
            return self._load(version)
        except TableNotFoundError as error:
            raise LakeError(
                f"no table at {self.root}", hint="`loglode run SOURCE --lake DIR` makes it"
            ) from error

    def _load(self, version: int | None) -> Snapshot:
        if version is None and self._last is not None and self._last.is_newest:
            return self._last
        options = delta_options(self.root)
        try:
            with reaching(self.root):
                found = deltalake.DeltaTable(str(self.root), version=version, storage_options=options)
        except TableNotFoundError:
            raise
        except DeltaError as error:
            if version is not None and version > (newest := self.snapshot().version):
                text = f"no version {version} of {self.spec.name}: the newest is {newest}"
                raise LakeError(text) from error
            why = " ".join(str(error).split())[:_MOST_TOLD]
            raise LakeError(
                f"table {self.spec.name} at {self.root} is damaged: {why}",
                hint="remove it if it is gold's: `loglode run` makes it again; of others get the log back",
            ) from error
        snapshot = Snapshot(self, found)
        if version is None:
            self._last = snapshot
        return snapshot

    def snapshot_or_create(self, known: Snapshot | None = None) -> Snapshot:
        """The newest version, or one that is known; a table without one is made.

        Columns new in the declaration are added.
        """
        snapshot = known or self.newest() or self._made()
        while added := self._not_in(snapshot):
            # Refused when another process changed the table meanwhile: then look again.
            with contextlib.suppress(CommitFailedError), reaching(self.root):
                snapshot.delta.alter.add_columns(added)
            snapshot = self.snapshot()
        return snapshot

    def _made(self) -> Snapshot:
        if isinstance(self.root, Path):
            with writing(self.root):
                self.root.mkdir(parents=True, exist_ok=True)
        # Another process may make it in the same moment; if none did, the next line says so.
        with contextlib.suppress(DeltaError):
            self._create()
        return self.snapshot()

    def _create(self) -> None:
        with reaching(self.root):
            deltalake.DeltaTable.create(
                str(self.root),
                delta_schema(self.spec),
                mode="ignore",
                partition_by=list(self.spec.partition_by),
                name=self.spec.name,
                description=self.spec.description,
                configuration=CONFIGURATION,
                storage_options=delta_options(self.root),
            )

    def _not_in(self, snapshot: Snapshot) -> list[deltalake.Field]:
        """Declared columns that the table lacks. Raises SchemaMismatchError."""
        delta = snapshot.delta
        return new_columns(self.spec, delta.schema().fields, delta.metadata().partition_columns)


def as_it_stands(name: str, root: Location, version: int | None = None) -> Snapshot:
    """A table at its newest or a certain version, declared as its log says. Raises LakeError for none."""
    delta = Table(TableSpec(name, (), (), ""), root).snapshot(version).delta
    fields, metadata = delta.schema().fields, delta.metadata()
    columns = tuple((f.name, sql_type(f.type), str(f.metadata.get("comment", ""))) for f in fields)
    spec = TableSpec(name, columns, tuple(metadata.partition_columns), metadata.description or "")
    return Snapshot(Table(spec, root), delta)
