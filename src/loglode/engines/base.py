"""The interface between the pipeline and its engines: jobs in, staged files and counts out."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from loglode.contract import Contract
from loglode.files import StagedFile
from loglode.formats import Format
from loglode.limits import DEFAULT, Limits
from loglode.models.model import Model
from loglode.silver.identity import FIRST_RULE, Keying
from loglode.sources import SourceObject
from loglode.sources.lines import HEAD_LINES
from loglode.sources.outcomes import Outcome
from loglode.sources.shape import Shape
from loglode.storage import Location

# Step, bytes or days done, and all of them.
Progress = Callable[[str, int, int], None]
Columns = tuple[tuple[str, str, str], ...]
# Counts by ISO day of the event ("" where its time could not be read) and code; LINES counts the lines.
Tally = dict[tuple[str, str], int]
LINES = ""


class LineObject(Protocol):
    """A bronze object that knows how its records are cut."""

    @property
    def source(self) -> SourceObject: ...

    @property
    def format(self) -> Format: ...

    def open(self) -> BinaryIO:
        """Its bytes, one record a line. Raises LoglodeError, as does every read."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """How lines of one format are turned into files of a batch.

    The files come under `folder`, which is new; or, under names that are new, right into the tables' own
    folders, where those are not on this disk.
    """

    contract: Contract
    format: Format
    known_keys: frozenset[str]
    batch_id: str
    processed_at: datetime
    pseudonym_key: str = field(repr=False)
    folder: Path
    silver_root: Location
    quarantine_root: Location
    keying: Keying
    limits: Limits = DEFAULT
    # Whether the lines are those of whole objects, not single ones of quarantine.
    has_objects: bool = True

    @property
    def has_heads(self) -> bool:
        """Whether objects that begin alike can be distinguished (see `engines.heads`)."""
        return self.has_objects and self.keying.rule != FIRST_RULE

    @property
    def head_lines(self) -> int:
        """Lines of an object that tell it from others."""
        return 1 if self.keying.rule == FIRST_RULE else HEAD_LINES

    @property
    def silver_types(self) -> dict[str, str]:
        """SQL type of each silver column."""
        return {f.name: f.sql_type for f in self.contract.stored_fields}


@dataclass(frozen=True, slots=True)
class Read:
    """What the readers saw: sums over the objects that were read to the end, and each object's outcome.

    `outcomes` are by the object's identity.
    """

    lines: int = 0
    bytes: int = 0
    shape: Shape = field(default_factory=Shape)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StagedLines:
    """What became of a batch's lines; `blank` counts empty ones."""

    silver: Sequence[StagedFile]
    quarantine: Sequence[StagedFile]
    blank: int
    seconds: float
    read: Read = field(default_factory=Read)
    duplicates: int = 0
    dedupe_seconds: float = 0.0
    # Ids of rows that are events of their own, with the ids by their places (see `engines.heads`).
    apart: Mapping[str, str] = field(default_factory=dict)
    # Rows whose id, given by the source, also names an event with other content.
    conflicting: int = 0
    refused: Tally = field(default_factory=dict)
    warned: Tally = field(default_factory=dict)

    @property
    def rows_silver(self) -> int:
        return sum(f.rows for f in self.silver)

    @property
    def rows_quarantine(self) -> int:
        return sum(f.rows for f in self.quarantine)

    @property
    def reasons(self) -> dict[str, int]:
        """Refused lines by reason."""
        return _over_days(self.refused)

    @property
    def warnings(self) -> dict[str, int]:
        """Nulled values by rule."""
        return _over_days(self.warned)

    @property
    def rows_by_day(self) -> dict[str, int]:
        """Rows of silver by ISO day of the event."""
        found: dict[str, int] = {}
        for file in self.silver:
            year, month, day = (int(value) for value in file.partition.values())
            key = date(year, month, day).isoformat()
            found[key] = found.get(key, 0) + file.rows
        return found


def _over_days(tally: Tally) -> dict[str, int]:
    found: dict[str, int] = {}
    for (_, code), count in tally.items():
        if code != LINES:
            found[code] = found.get(code, 0) + count
    return found


@dataclass(frozen=True, slots=True)
class Existing:
    """Files of the tables that may contain rows that were staged."""

    silver: Sequence[Location] = ()
    quarantine: Sequence[Location] = ()


@dataclass(frozen=True, slots=True)
class GoldInputs:
    """Days to compute, and the files that contain them and their margins; `rows` are those of `web_logs`.

    To merge a batch, the files are those of the batch alone, and `held` are files of gold tables, by the names
    of the relations that models read (see `HELD`): what the tables held before, of all days that it can reach.
    """

    days: Sequence[date]
    web_logs: Sequence[Location] = ()
    quarantine: Sequence[Location] = ()
    rows: int = 0
    held: Mapping[str, Sequence[Location]] = field(default_factory=dict)
    # Files by table, whose rows are written again beside those that are computed.
    folded: Mapping[str, Sequence[Location]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Computed:
    """Files of each gold table, and the days whose rows they are: all that were given, unless a batch is merged."""

    files: dict[str, list[StagedFile]]
    days: frozenset[date]


@dataclass(frozen=True, slots=True)
class BatchInputs:
    """Batches of ops.runs after one version of silver, up to another.

    `counted` are the files of the table that is rebuilt, which say when gold first counted each batch.
    """

    runs: Sequence[Location]
    after: int
    until: int
    started_at: datetime
    counted: Sequence[Location] = ()


class ModelRunner(Protocol):
    """Runs models over files; `columns` holds (name, SQL type, description) of each gold model seen."""

    columns: dict[str, Columns]

    def run(self, inputs: GoldInputs, names: Collection[str]) -> Computed:
        """Compute the named gold tables, and what they are made from, for the days. Raises LoglodeError."""
        ...

    def run_batches(self, model: Model, inputs: BatchInputs) -> list[StagedFile]:
        """Compute a table that has a row for each batch. Raises LoglodeError."""
        ...


class Engine(Protocol):
    """Turns lines into rows and rows into rows, as files that no table knows yet."""

    name: str
    # Rows and days of silver that the models may be given at once, margins included.
    chunk_rows: int
    chunk_days: int
    # Whether its runner takes `held`; else whole days are computed.
    merges: bool
    # Whether objects are read by this process, not by others.
    reads_here: bool

    def stage(self, job: Job, objects: Sequence[LineObject], progress: Progress) -> StagedLines:
        """Run the silver statement over the objects' lines; duplicates are still in.

        An object that cannot be read to its end adds no line; its outcome says why. Raises MemoryShortError,
        LakeError when the files cannot be written, LoglodeError if the engine itself fails.
        """
        ...

    def without_duplicates(self, job: Job, staged: StagedLines, existing: Existing) -> StagedLines:
        """Drop what was staged twice or exists already, and count it as duplicates.

        The files of `staged` are replaced. May be called again with the result and other files, after
        another writer came first.
        """
        ...

    def tallied(self, staged: StagedLines) -> StagedLines:
        """Count refused lines by day and reason, and nulled values by day and rule."""
        ...

    def days_of(self, files: Sequence[Location]) -> list[tuple[int, int, int]]:
        """UTC days of the events in quarantine files, where they could be read."""
        ...

    def models(
        self, models: Sequence[Model], contract: Contract, folder: Path, home: Callable[[str], Location]
    ) -> ModelRunner:
        """A runner that stages gold under `folder`, or in each table's `home`, as `stage` does."""
        ...

    def close(self) -> None:
        """Release memory and processes."""
        ...


def to_json(value: Mapping[str, Any]) -> str:
    """Stable JSON, for columns that hold counts."""
    return json.dumps(dict(sorted(value.items())))
