"""One Delta table: its declaration, and its state at a version."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from loglode.errors import LakeError
from loglode.files import writing
from loglode.lake.delta import delta_options, reaching
from loglode.lake.heads import Heads
from loglode.lake.log import commit_metadata
from loglode.lake.schema import delta_schema, new_columns, sql_type
from loglode.lake.state import (
    FORMAT,
    FORMAT_PROPERTY,
    RETENTION,
    ActiveFile,
    State,
    advanced,
    is_bookmark,
    load,
)
from loglode.storage import Location
from loglode.tables import TableSpec

# Commits between two checkpoints, which other readers of the tables need to open them quickly.
CHECKPOINT_INTERVAL = 50
CONFIGURATION = {
    "delta.checkpointInterval": str(CHECKPOINT_INTERVAL),
    FORMAT_PROPERTY: str(FORMAT),
}


class Snapshot:
    """A table at one version."""

    def __init__(self, table: Table, state: State) -> None:
        self.table = table
        self.state = state

    @property
    def version(self) -> int:
        return self.state.version

    @property
    def created_ms(self) -> int:
        """When the table was made, in milliseconds since 1970."""
        return int(self.state.metadata.get("createdTime") or 0)

    def transaction(self, app_id: str) -> int | None:
        """Version last committed under an application id, or None."""
        found = self.state.transactions.get(app_id)
        return None if found is None else found[0]

    @property
    def bookmarks(self) -> dict[str, int]:
        """All application transactions that are bookmarks (see `is_bookmark`)."""
        return {app_id: at[0] for app_id, at in self.state.transactions.items() if is_bookmark(app_id)}

    @property
    def may_lose_bookmarks(self) -> bool:
        """Whether a checkpoint drops bookmarks with time: in tables of earlier releases."""
        return bool(self.bookmarks) and RETENTION in self.state.metadata["configuration"]

    def recorded(self, app_ids: Collection[str]) -> set[str]:
        """Which of the application ids have committed."""
        return {app_id for app_id in app_ids if app_id in self.state.transactions}

    def nulls(self, column: str) -> dict[str, int]:
        """Nulls of a column by file, where the file's statistics count them."""
        counts = {
            path: (json.loads(add.get("stats") or "{}").get("nullCount") or {}).get(column)
            for path, add in self.state.adds.items()
        }
        return {path: count for path, count in counts.items() if count is not None}

    def files(self, days: Iterable[tuple[int, int, int]] | None = None) -> list[ActiveFile]:
        """Files of the snapshot, all or those of some (year, month, day)."""
        if days is None:
            return self.state.files
        chosen = {(str(y), str(m), str(d)) for y, m, d in days}
        return [f for f in self.state.files if tuple(f.partition.values()) in chosen]

    def largest(self, column: str) -> int:
        """Largest value of a column of numbers, by the files' statistics; 0 where none records any."""
        stats = (json.loads(add.get("stats") or "{}") for add in self.state.adds.values())
        return max((found.get("maxValues") or {}).get(column) or 0 for found in (*stats, {}))

    def files_above(self, column: str, value: int) -> list[ActiveFile]:
        """Files that may have values of a column above one: all that do not record its maximum, too."""

        def may(add: Mapping[str, Any]) -> bool:
            highest = (json.loads(add.get("stats") or "{}").get("maxValues") or {}).get(column)
            return highest is None or highest > value

        return [file for file in self.files() if may(self.state.adds[file.path])]

    def adds(self) -> list[dict[str, Any]]:
        """The files as add actions, to be committed once more."""
        return [
            {
                "path": file.path,
                "size": file.bytes,
                "partition": file.partition,
                "modified_ms": file.modified_ms,
                "stats": self.state.adds[file.path].get("stats"),
            }
            for file in self.files()
        ]


class Table:
    """A table of the lake, at a folder. `heads` holds the states that are known of all tables of a lake."""

    def __init__(self, spec: TableSpec, root: Location, heads: Heads | None = None) -> None:
        self.spec = spec
        self.root = root
        self._heads = heads or Heads()
        # What this process records in the table's properties, and what these may have been before.
        self.properties: Mapping[str, str] = {}
        self._before: Mapping[str, str] = {}

    def declared(self, spec: TableSpec) -> Table:
        """The same table with another declaration."""
        return Table(spec, self.root, self._heads)

    def declare(self, properties: Mapping[str, str], before: Mapping[str, str]) -> None:
        """Record properties from the next commit on, in place of those before and of no others."""
        self.properties, self._before = properties, before

    def require_properties(self, found: Mapping[str, str]) -> None:
        """Raise LakeError where another process has recorded other properties meanwhile."""
        for name, value in self.properties.items():
            if name in found and found[name] not in (value, self._before.get(name)):
                raise LakeError(
                    f"table {self.spec.name}: another process has changed the property {name}",
                    hint="run again: the run then says whether its key and settings fit the lake",
                )

    @property
    def exists(self) -> bool:
        """Whether a first commit was made; what a killed process left in the log does not count."""
        return self.known() is not None

    def known(self) -> Snapshot | None:
        """A version that may no longer be the newest, without a look at the log; None where no table is.

        Good enough to plan a commit, which is refused if another version follows. Raises LakeError.
        """
        state = self._heads.get(self.root)
        return self.newest() if state is None else Snapshot(self, state)

    def newest(self) -> Snapshot | None:
        """The newest version; None where no table is. Lists the log once. Raises LakeError."""
        known = self._heads.get(self.root)
        if known is None:
            state = load(self.spec.name, self.root)
        else:
            state = advanced(self.spec.name, self.root, known)
        if state is None:
            return None
        self._heads.put(self.root, state)
        return Snapshot(self, state)

    def snapshot(self, version: int | None = None) -> Snapshot:
        """The newest version, or a certain one. Raises LakeError where there is none that can be read."""
        if version is None:
            found = self.newest()
        else:
            state = load(self.spec.name, self.root, version)
            found = None if state is None else Snapshot(self, state)
        if found is None:
            raise LakeError(f"no table at {self.root}", hint="`loglode run SOURCE --lake DIR` creates it")
        return found

    @property
    def followed(self) -> int:
        """The version of another table that this one has followed, as far as this process knows."""
        return self._heads.followed(self.root)

    def follow(self, version: int) -> None:
        """Note that this table has followed another one to a version: it had nothing to commit for it."""
        self._heads.follow(self.root, version)

    def metadata_after(self, after: int, until: int) -> dict[int, dict[str, Any]] | None:
        """As `commit_metadata`; reads only the commits that this process has not seen."""
        state = self._heads.get(self.root)
        recent = {} if state is None else state.recent
        versions = range(after + 1, until + 1)
        unseen = [version for version in versions if version not in recent]
        found = commit_metadata(self.root, unseen[0] - 1, unseen[-1]) if unseen else {}
        if found is None:
            return None
        return {version: recent.get(version, found.get(version, {})) for version in versions}

    def remember(self, state: State) -> None:
        """Note the state that a commit has led to."""
        self._heads.put(self.root, state)

    def check_declaration(self) -> None:
        """Raise SchemaMismatchError if the table contradicts its declaration; a missing one does not."""
        snapshot = self.known()
        if snapshot is not None:
            self._lacking(snapshot)

    def snapshot_or_create(self, *, keeps_columns: bool = True) -> Snapshot:
        """A known version, to plan a commit on. Creates a missing table, and adds columns that it lacks.

        `keeps_columns` is False for a commit that replaces all columns: then the table's do not matter.
        Raises SchemaMismatchError where table and declaration contradict each other.
        """
        snapshot = self.known() or self._created()
        if not keeps_columns:
            return snapshot
        if self._lacking(snapshot):
            snapshot = self.snapshot()
        while added := self._lacking(snapshot):
            # Refused when another process changed the table meanwhile: then look again.
            with contextlib.suppress(CommitFailedError), reaching(self.root):
                self.delta().alter.add_columns(added)
            snapshot = self.snapshot()
        return snapshot

    def delta(self) -> deltalake.DeltaTable:
        """The newest version as deltalake opens it, for what only the library can do."""
        with reaching(self.root):
            return deltalake.DeltaTable(str(self.root), storage_options=delta_options(self.root))

    def _created(self) -> Snapshot:
        if isinstance(self.root, Path):
            with writing(self.root):
                self.root.mkdir(parents=True, exist_ok=True)
        # Another process may create it in the same moment; if none did, the next line says so.
        with contextlib.suppress(DeltaError):
            self._create()
        return self.snapshot()

    def _create(self) -> None:
        days = self.spec.forgets_after_days
        retention = {} if days is None else {RETENTION: f"interval {days} days"}
        with reaching(self.root):
            deltalake.DeltaTable.create(
                str(self.root),
                delta_schema(self.spec),
                mode="ignore",
                partition_by=list(self.spec.partition_by),
                name=self.spec.name,
                description=self.spec.description,
                configuration={**CONFIGURATION, **retention, **self.properties},
                storage_options=delta_options(self.root),
                raise_if_key_not_exists=False,
            )

    def _lacking(self, snapshot: Snapshot) -> list[deltalake.Field]:
        """Declared columns that the table lacks. Raises SchemaMismatchError."""
        return new_columns(self.spec, snapshot.state.fields, snapshot.state.partition_by)


def as_it_stands(name: str, root: Location, version: int | None = None) -> Snapshot:
    """A table at its newest or a certain version, declared as its log says. Raises LakeError for none."""
    undeclared = Table(TableSpec(name, (), (), ""), root)
    state = undeclared.snapshot(version).state
    columns = tuple((f.name, sql_type(f.type), str(f.metadata.get("comment", ""))) for f in state.fields)
    description = state.metadata.get("description") or ""
    spec = TableSpec(name, columns, tuple(state.partition_by), description)
    return Snapshot(undeclared.declared(spec), state)
