"""Settings, parsed once at the edge. Order: argument, environment, default."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loglode.contract import Contract, load_contract
from loglode.errors import UsageError
from loglode.logs import CORRELATION_VARIABLE
from loglode.openlineage.destinations import VARIABLE as OPENLINEAGE_VARIABLE
from loglode.openlineage.destinations import Destination, destination
from loglode.storage import Location, location
from loglode.text import visible

KEY_FILE_VARIABLE = "LOGLODE_KEY_FILE"
KEY_SECRET_VARIABLE = "LOGLODE_KEY_SECRET"  # noqa: S105 - a name
MEMORY_VARIABLE = "LOGLODE_MEMORY_MB"
REFUSED_VARIABLE = "LOGLODE_MAX_REFUSED_SHARE"
MIN_MEMORY_MB = 128
Engine = Literal["duckdb", "spark"]
# A failed batch is done again from its start; a cluster needs large ones to keep all of it busy.
BATCH_BYTES: dict[Engine, int] = {"duckdb": 1 << 30, "spark": 64 << 30}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run needs to know beside its sources."""

    lake: Location
    contract: Contract
    # Memory of the engine; the process takes some 200 MB beside it.
    memory_limit_mb: int = 700
    # None: as many as there are processors.
    threads: int | None = None
    # A batch ends at the object that passes this many bytes, compressed ones counted tenfold.
    batch_bytes: int = BATCH_BYTES["duckdb"]
    key_file: Path | None = None
    # Name or ARN of the key in Secrets Manager; goes before the file.
    key_secret: str = ""
    # Refused lines / lines read that the quality gate lets pass; the contract's own where None.
    max_refused_share: float | None = None
    # Follows a batch from the event to the commit; stands in ops.runs.
    correlation_id: str = ""
    engine: Engine = "duckdb"
    # Where Spark runs; None: what its own configuration says, or the context that is there already.
    master: str | None = None
    # Where OpenLineage events go; None: none are made.
    openlineage: Destination | None = None

    @classmethod
    def build(
        cls,
        *,
        lake: str | Path,
        contract: str | Path | None = None,
        memory_limit_mb: int | None = None,
        threads: int | None = None,
        batch_bytes: int | None = None,
        key_file: str | Path | None = None,
        key_secret: str | None = None,
        correlation_id: str | None = None,
        engine: Engine = "duckdb",
        master: str | None = None,
        openlineage: str | None = None,
    ) -> Settings:
        """Settings from arguments and environment. Raises UsageError, ContractError."""
        memory = (
            memory_limit_mb if memory_limit_mb is not None else _number(MEMORY_VARIABLE, cls.memory_limit_mb)
        )
        if memory < MIN_MEMORY_MB:
            raise UsageError(f"memory limit of {memory} MB", hint=f"at least {MIN_MEMORY_MB}")
        if not str(lake).isprintable() or "\\" in str(lake):
            raise UsageError(
                f"lake {str(lake)!r} has a character in its name that table logs cannot hold",
                hint="no control characters and no backslash",
            )
        key = key_file if key_file is not None else os.environ.get(KEY_FILE_VARIABLE)
        return cls(
            lake=location(lake),
            contract=load_contract(contract),
            memory_limit_mb=memory,
            threads=threads,
            batch_bytes=batch_bytes if batch_bytes is not None else BATCH_BYTES[engine],
            key_file=Path(key) if key else None,
            key_secret=key_secret or os.environ.get(KEY_SECRET_VARIABLE, ""),
            max_refused_share=_share(REFUSED_VARIABLE),
            correlation_id=visible(correlation_id or os.environ.get(CORRELATION_VARIABLE, "")),
            engine=engine,
            master=master,
            openlineage=destination(openlineage or os.environ.get(OPENLINEAGE_VARIABLE, "")),
        )

    @property
    def refused_limit(self) -> float:
        """Highest acceptable share of rejected lines, 0 to 1: the settings' own, else the contract's."""
        own = self.max_refused_share
        return self.contract.max_refused_share if own is None else own

    @property
    def key_path(self) -> Path:
        """File of the pseudonymisation key. Raises UsageError where none is named for a lake on S3."""
        if self.key_file is not None:
            return self.key_file
        if isinstance(self.lake, Path):
            return self.lake / ".loglode" / "pseudonym.key"
        raise UsageError(
            f"lake {self.lake} needs the pseudonymisation key from elsewhere",
            hint=f"set {KEY_SECRET_VARIABLE} (Secrets Manager) or {KEY_FILE_VARIABLE}",
        )


def _number(variable: str, default: int) -> int:
    text = os.environ.get(variable)
    if text is None:
        return default
    if not text.isdigit():
        raise UsageError(f"{variable} is {text!r}", hint="a whole number of megabytes is wanted")
    return int(text)


def _share(variable: str) -> float | None:
    text = os.environ.get(variable)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(f"{variable} is {text!r}", hint="a share from 0 to 1 is wanted")
    return value
