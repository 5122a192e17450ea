"""A data file that is written but that no table knows yet: what engines hand to the committer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loglode.errors import LakeError
from loglode.storage import Location


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
    # Whether a copy of it stands in its table's folder, where that is not on the same disk.
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
