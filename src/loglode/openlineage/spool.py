"""Runs whose end was not told yet, one small file each, kept in the lake.

A file is there from before START is sent until the end has been: who finds one whose process is gone
tells its end, and what could not be sent is sent by whoever comes next.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from loglode.openlineage.event import Json
from loglode.storage import Location, names_after

SUFFIX = ".json"


@dataclass(slots=True)
class Waiting:
    """A run: its START, what is needed to tell its end for it, and the end where that is known.

    `owner` names the staging folder of its process; `about` is the step's own.
    """

    start: Json
    owner: str
    correlation_id: str
    about: Json = field(default_factory=dict)
    is_start_sent: bool = False
    end: Json | None = None

    @property
    def run_id(self) -> str:
        return str(self.start["run"]["runId"])


class Spool:
    """The folder of waiting runs; `scratch` is a place on the same disk for files in the making."""

    def __init__(self, folder: Location, scratch: Path) -> None:
        self._folder = folder
        self._scratch = scratch

    def put(self, waiting: Waiting) -> None:
        """Write a run, in one step. Raises OSError, StorageError."""
        data = json.dumps(asdict(waiting)).encode()
        target = self._place(waiting.run_id)
        if not isinstance(target, Path):
            target.write_bytes(data)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = self._scratch / target.name
        draft.write_bytes(data)
        draft.replace(target)

    def remove(self, run_id: str) -> None:
        """Forget a run. Raises OSError, StorageError."""
        self._place(run_id).unlink()

    def names(self) -> list[str]:
        """Ids of the runs, in the order of time."""
        names = names_after(self._folder)
        return [name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)]

    @contextlib.contextmanager
    def taken(self, run_id: str) -> Iterator[Waiting | None]:
        """A run that nobody else may tell meanwhile; None where somebody does or did.

        On S3 there is no lock: two that come at once tell the same end twice.
        """
        place = self._place(run_id)
        if not isinstance(place, Path):
            yield Waiting(**json.loads(place.read_bytes())) if place.exists() else None
            return
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(place.open("rb"))
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (FileNotFoundError, BlockingIOError):
                yield None
                return
            is_there = place.exists() and os.path.samestat(place.stat(), os.fstat(file.fileno()))
            yield Waiting(**json.loads(file.read())) if is_there else None

    def _place(self, run_id: str) -> Location:
        return self._folder / f"{run_id}{SUFFIX}"
