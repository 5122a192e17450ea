"""A table's state at one version, replayed from its transaction log.

deltalake needs about 25 requests to open a table on S3, and answers questions about application
transactions one at a time. A state costs one request for each commit that is not known yet, and can be
stored. Measurements: docs/decisions/0028. Format:
https://github.com/delta-io/delta/blob/master/PROTOCOL.md (commit files, checkpoints, add, remove, txn).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from io import BytesIO
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import Field, Schema

from loglode.errors import LakeError, LakeFormatError
from loglode.lake.log import LOG, METADATA, commit_name, commits_in
from loglode.storage import Location, names_after, read_if_there

# The format of a lake, stored in the configuration of each table: the newest that has written the table.
# A table without it was written by the first release, whose format is 1. See docs/upgrading.md.
FORMAT = 3
FORMAT_PROPERTY = "loglode.format"
# How long checkpoints must keep an application transaction; without it for ever.
RETENTION = "delta.setTransactionRetentionDuration"
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.\d{10}\.(\d{10}))?\.parquet")
_CHECKPOINT_COLUMNS = (
    "add.path add.partitionValues add.size add.modificationTime add.stats txn metaData protocol".split()
)
_RECENT = 32
_DAMAGE = (ValueError, KeyError, TypeError, pa.ArrowException)


@dataclass(frozen=True, slots=True)
class ActiveFile:
    """A file of a table; `path` is relative to it. Bounds are of `event_ts`, ISO text."""

    path: str
    rows: int
    bytes: int
    partition: dict[str, str]
    first_event: str | None
    last_event: str | None
    modified_ms: int


@dataclass(frozen=True)
class State:
    """What the log says until a version. `adds` by path; `transactions` are (version, when in ms) by id.

    `digest` is of the version's commit file: it differs when the table was removed and made anew.
    """

    version: int
    digest: str
    protocol: dict[str, Any]
    metadata: dict[str, Any]
    adds: dict[str, dict[str, Any]]
    transactions: dict[str, tuple[int, int]]
    # Our metadata of the last commits, as far as this process has seen them.
    recent: dict[int, dict[str, Any]] = field(default_factory=dict)

    def after(self, commits: Iterable[tuple[int, bytes]]) -> State:
        """The state after further commits (version, content), which follow without a gap."""
        protocol, metadata = self.protocol, self.metadata
        adds, transactions, recent = dict(self.adds), dict(self.transactions), dict(self.recent)
        last, data = self.version, b""
        for last, data in commits:
            for line in data.splitlines():
                action = json.loads(line) if line.strip() else {}
                if add := action.get("add"):
                    adds[unquote(add["path"])] = add
                elif remove := action.get("remove"):
                    adds.pop(unquote(remove["path"]), None)
                elif txn := action.get("txn"):
                    transactions[txn["appId"]] = (txn["version"], txn.get("lastUpdated") or 0)
                elif info := action.get("commitInfo"):
                    recent[last] = info.get(METADATA) or {}
                protocol = action.get("protocol") or protocol
                metadata = action.get("metaData") or metadata
        recent = {version: recent[version] for version in sorted(recent)[-_RECENT:]}
        newest = digest(data) if data else self.digest
        return State(last, newest, protocol, metadata, adds, transactions, recent)

    @cached_property
    def fields(self) -> list[Field]:
        """Columns of the table."""
        return list(Schema.from_json(self.metadata["schemaString"]).fields)

    @property
    def partition_by(self) -> list[str]:
        return list(self.metadata["partitionColumns"])

    @property
    def format(self) -> int:
        """The newest format of a lake that has written the table."""
        return int(self.metadata["configuration"].get(FORMAT_PROPERTY, 1))

    @property
    def properties(self) -> dict[str, str]:
        """The table's own properties, Delta's among them."""
        return {name: str(value) for name, value in self.metadata["configuration"].items()}

    @cached_property
    def files(self) -> list[ActiveFile]:
        """Files of the table, by path."""
        keys = self.partition_by
        return [_active(path, add, keys) for path, add in sorted(self.adds.items())]

    def as_dict(self) -> dict[str, Any]:
        """For a file of JSON; `from_dict` is the way back."""
        return {part.name: getattr(self, part.name) for part in fields(self) if part.name != "recent"}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> State:
        transactions = {app: (version, when) for app, (version, when) in found["transactions"].items()}
        return cls(**{**found, "transactions": transactions})


_NOTHING = State(-1, "", {}, {}, {}, {})


def is_bookmark(app_id: str) -> bool:
    """Whether an application transaction says how far a table has followed another one.

    The others are identities of objects and the committer's own: their names contain a slash.
    """
    return "/" not in app_id


def digest(commit: bytes) -> str:
    """A hash that identifies the content of a commit file."""
    return hashlib.sha256(commit).hexdigest()[:32]


def _active(path: str, add: Mapping[str, Any], keys: list[str]) -> ActiveFile:
    stats = json.loads(add.get("stats") or "{}")
    return ActiveFile(
        path=path,
        rows=stats.get("numRecords") or 0,
        bytes=add["size"],
        partition={key: str(add["partitionValues"][key]) for key in keys},
        first_event=(stats.get("minValues") or {}).get("event_ts"),
        last_event=(stats.get("maxValues") or {}).get("event_ts"),
        modified_ms=add["modificationTime"],
    )


def load(name: str, root: Location, version: int | None = None) -> State | None:
    """The newest state of a table, or that at a version; None where no table is.

    Raises LakeError for a version that the log does not reach, and for a damaged log.
    """
    names = names_after(root / LOG)
    commits, checkpoints = commits_in(names), _checkpoints(names)
    if not commits and not checkpoints:
        return None
    newest = max([*commits, *checkpoints])
    last = newest if version is None else version
    if last > newest:
        raise LakeError(f"no version {last} of {name}: the newest is {newest}")
    base = max((found for found in checkpoints if found <= last), default=-1)
    if missing := [number for number in range(base + 1, last + 1) if number not in commits]:
        if version is not None:
            raise LakeError(f"the log of {name} no longer reaches back to version {version}")
        raise damaged(name, root, f"its log lacks version {missing[0]}")
    try:
        state = _NOTHING if base < 0 else _checkpointed(root, base, checkpoints[base], commits)
        state = state.after(_commits(root, range(base + 1, last + 1)))
        if not state.metadata or not state.protocol:
            raise damaged(name, root, "its log says nothing of its columns")
        return readable(name, root, state)
    except _DAMAGE as error:
        raise damaged(name, root, " ".join(str(error).split())[:200]) from error


def advanced(name: str, root: Location, state: State) -> State:
    """The newest state, from an older one. Raises LakeError."""
    found = commits_in(names_after(root / LOG, commit_name(state.version)))
    after = sorted(number for number in found if number > state.version)
    if not after:
        return state
    if after != list(range(state.version + 1, after[-1] + 1)):
        return load(name, root) or state
    try:
        return readable(name, root, state.after(_commits(root, after)))
    except _DAMAGE as error:
        raise damaged(name, root, " ".join(str(error).split())[:200]) from error


def readable(name: str, root: Location, state: State) -> State:
    """The state, if this version of Loglode understands it. Raises LakeError, LakeFormatError."""
    if state.format > FORMAT:
        raise LakeFormatError(
            f"table {name} at {root} has format {state.format}; this version of Loglode reads up to {FORMAT}",
            hint="update Loglode",
        )
    if state.protocol["minReaderVersion"] > 1:
        raise LakeError(
            f"table {name} at {root} needs Delta reader version {state.protocol['minReaderVersion']}",
            hint="another program has switched on features of Delta that Loglode does not read",
        )
    return state


def damaged(name: str, root: Location, why: str) -> LakeError:
    """The error for a log that cannot be read."""
    return LakeError(
        f"table {name} at {root} is damaged: {why}",
        hint="remove it if it is a gold table: `loglode run` rebuilds it; restore the logs of others",
    )


def newest_checkpoint(names: Iterable[str]) -> tuple[int, list[str]]:
    """Version and files of the newest complete checkpoint among a log's files; -1 and none without one."""
    return max(_checkpoints(names).items(), default=(-1, []))


def _commits(root: Location, versions: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    return ((version, (root / LOG / commit_name(version)).read_bytes()) for version in versions)


def _checkpoints(names: Iterable[str]) -> dict[int, list[str]]:
    """Complete checkpoints: their files by version. One of several parts counts when all are there."""
    found: dict[tuple[int, int], list[str]] = {}
    for name in names:
        if matched := _CHECKPOINT.fullmatch(name):
            found.setdefault((int(matched[1]), int(matched[2] or 1)), []).append(name)
    return {version: parts for (version, count), parts in found.items() if len(parts) == count}


def _checkpointed(root: Location, version: int, parts: list[str], commits: Iterable[int]) -> State:
    protocol: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    adds: dict[str, dict[str, Any]] = {}
    transactions: dict[str, tuple[int, int]] = {}
    for part in parts:
        content = pq.ParquetFile(BytesIO((root / LOG / part).read_bytes())).read(columns=_CHECKPOINT_COLUMNS)
        for add in _rows(content, "add"):
            adds[unquote(add["path"])] = {**add, "partitionValues": dict(add["partitionValues"])}
        for txn in _rows(content, "txn"):
            transactions[txn["appId"]] = (txn["version"], txn.get("lastUpdated") or 0)
        for found in _rows(content, "metaData"):
            form = {**found["format"], "options": dict(found["format"]["options"] or ())}
            metadata = {**found, "format": form, "configuration": dict(found["configuration"] or ())}
        for found in _rows(content, "protocol"):
            protocol = {key: value for key, value in found.items() if value is not None}
    # Of an idle table the log may have been cleaned up to its checkpoint.
    last = read_if_there(root / LOG / commit_name(version)) if version in commits else None
    return State(version, digest(last) if last else "", protocol, metadata, adds, transactions)


def _rows(content: pa.Table, column: str) -> list[dict[str, Any]]:
    if column not in content.column_names:
        return []
    return list(pc.drop_null(content.column(column)).to_pylist())
