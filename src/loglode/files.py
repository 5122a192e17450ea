"""A data file that is written but that no table knows yet: what engines hand to the committer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loglode.errors import LakeError
from loglode.storage import Location


@contextlib.contextmanager
def writing(place: Location) -> Iterator[None]:
    """Raise what the system refuses while a place of a lake is written as LakeError, with its name."""
    try:
        yield
    except OSError as error:
        raise LakeError(
            f"cannot write {place}: {error.strerror or error}",
            hint="check the path, permissions and free space, then run again; nothing was lost",
        ) from error


@dataclass(frozen=True, slots=True)
class StagedFile:
    """`partition` in path order; `minimum`, `maximum` and `nulls` per column, where known."""

    path: Location
    rows: int
    bytes: int
    partition: Mapping[str, str]
    minimum: Mapping[str, str | int | float] = field(default_factory=dict)
    maximum: Mapping[str, str | int | float] = field(default_factory=dict)
    nulls: Mapping[str, int] = field(default_factory=dict)
    # Whether its table's folder contains a copy, where that is not on the same disk.
    is_uploaded: bool = False

    @property
    def local(self) -> Path:
        """Its path on this disk. Raises LakeError where an engine has put it elsewhere."""
        if isinstance(self.path, Path):
            return self.path
        raise LakeError(f"{self.path} is not on this disk")

    @property
    def relative_path(self) -> str:
        """Where it is, or will be, in its table's folder."""
        return "/".join([*(f"{key}={value}" for key, value in self.partition.items()), self.path.name])
