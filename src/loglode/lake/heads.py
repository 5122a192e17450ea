"""The newest known state of each table: in memory, and in one file of the lake for the next process.

The file is a cache. A state from it is used only if the commit file of its version is still the same one;
whether other commits follow, a conditional write or a listing of the log decides. So a missing, old or
overwritten file costs requests, and nothing else.
"""

from __future__ import annotations

import gzip
import json
import logging
import secrets
import time
import zlib
from pathlib import Path
from typing import Any

from loglode.errors import AccessDeniedError, StorageError
from loglode.lake.log import LOG, commit_name
from loglode.lake.state import FORMAT, State, digest, is_bookmark
from loglode.storage import Location, read_if_there

_log = logging.getLogger(__name__)
# Application transactions are forgotten after a while; events that come again later are caught by their
# own identity.
TRANSACTION_DAYS = 60
# Below the lake.
STATES_FILE = "ops/_heads.json.gz"
# A table with more of them is loaded from its checkpoint instead.
MAX_TRANSACTIONS = 50_000
_DAY_MS = 24 * 3600 * 1000
_DAMAGE = (EOFError, ValueError, KeyError, TypeError, AttributeError, zlib.error)


class Heads:
    """States by folder of the table. Without a lake they live in memory alone."""

    def __init__(self, lake: Location | None = None) -> None:
        self._file = None if lake is None else lake.joinpath(*STATES_FILE.split("/"))
        self._lake = str(lake)
        self._states: dict[str, State] = {}
        self._followed: dict[str, int] = {}
        self._stored: dict[str, Any] | None = None
        self._is_changed = False

    def get(self, root: Location) -> State | None:
        """The newest state that is known of a table; commits of others may follow it. Raises StorageError."""
        if str(root) not in self._states and (found := self._from_file(root)):
            self._states[str(root)] = found
        return self._states.get(str(root))

    def put(self, root: Location, state: State) -> None:
        """Remember a newer state."""
        self._is_changed |= self._states.get(str(root)) is not state
        self._states[str(root)] = state

    def followed(self, root: Location) -> int:
        """See `Table.followed`. Forgotten with the state: a table that was made anew has followed nothing."""
        return self._followed.get(str(root), 0) if self.get(root) else 0

    def follow(self, root: Location, version: int) -> None:
        """See `Table.follow`."""
        self._is_changed |= self._followed.get(str(root)) != version
        self._followed[str(root)] = version

    def save(self) -> None:
        """Store the states for the next process. A failure costs that process requests, and is logged."""
        if self._file is None or not self._is_changed:
            return
        tables = dict(self._stored or {})
        for root, state in self._states.items():
            tables.pop(root.removeprefix(self._lake), None)
            kept = _kept(state)
            if len(kept.transactions) <= MAX_TRANSACTIONS:
                followed = self._followed.get(root, 0)
                tables[root.removeprefix(self._lake)] = {"followed": followed, "state": kept.as_dict()}
        text = json.dumps({"format": FORMAT, "tables": tables}, separators=(",", ":"))
        data = gzip.compress(text.encode(), compresslevel=1, mtime=0)
        try:
            if isinstance(self._file, Path):
                new = self._file.with_name(f"{self._file.name}.{secrets.token_hex(8)}")
                new.write_bytes(data)
                new.replace(self._file)
            else:
                self._file.write_bytes(data)
        except (OSError, StorageError) as error:
            _log.warning(f"cannot store table states: {error}", extra={"error": type(error).__name__})
        self._is_changed = False

    def _from_file(self, root: Location) -> State | None:
        if self._stored is None:
            self._stored = self._read()
        stored = self._stored.get(str(root).removeprefix(self._lake))
        if stored is None:
            return None
        try:
            followed, found = int(stored["followed"]), State.from_dict(stored["state"])
            name = commit_name(found.version)
        except _DAMAGE:
            return None
        if not found.digest:
            return None
        try:
            commit = read_if_there(root / LOG / name)
        except AccessDeniedError:  # what S3 answers for a missing object where listing is restricted
            return None
        if commit is None or digest(commit) != found.digest:
            return None
        self._followed[str(root)] = followed
        return found

    def _read(self) -> dict[str, Any]:
        if self._file is None:
            return {}
        try:
            data = read_if_there(self._file)
            found = {} if data is None else json.loads(gzip.decompress(data))
            return dict(found["tables"]) if found.get("format") == FORMAT else {}
        except (AccessDeniedError, OSError, *_DAMAGE):
            return {}


def _kept(state: State) -> State:
    """Without identities of objects that Delta would forget, too."""
    floor = time.time() * 1000 - TRANSACTION_DAYS * _DAY_MS
    kept = {app: at for app, at in state.transactions.items() if is_bookmark(app) or at[1] >= floor}
    return State(state.version, state.digest, state.protocol, state.metadata, state.adds, kept)
