"""Settings, parsed once at the edge. Order: argument, environment, default."""

from __future__ import annotations

import os
import re
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict, Unpack, cast, get_args

from loglode.contract import Contract, load_contract
from loglode.errors import MemoryShortError, UsageError
from loglode.limits import DEFAULT as DEFAULT_LIMITS
from loglode.limits import NAMES, Limits, variable
from loglode.logs import CORRELATION_VARIABLE
from loglode.openlineage.destinations import VARIABLE as OPENLINEAGE_VARIABLE
from loglode.openlineage.destinations import Destination, destination
from loglode.storage import Location, location
from loglode.text import visible

KEY_FILE_VARIABLE = "LOGLODE_KEY_FILE"
PERIOD_VARIABLE = "LOGLODE_PSEUDONYM_PERIOD"
KEY_SECRET_VARIABLE = "LOGLODE_KEY_SECRET"  # noqa: S105 - a name
MEMORY_VARIABLE = "LOGLODE_MEMORY_MB"
REFUSED_VARIABLE = "LOGLODE_MAX_REFUSED_SHARE"
MIN_MEMORY_MB, MAX_MEMORY_MB = 512, 1 << 30
# Address space that a process takes beside the engine's memory: libraries, stacks and arenas of threads.
BESIDE_MB = 3000
MAX_THREADS = 4096
Period = Literal["none", "day", "month"]
Engine = Literal["duckdb", "spark"]
# A failed batch is done again from its start; a cluster needs large ones to keep all of it busy.
BATCH_BYTES: dict[Engine, int] = {"duckdb": 1 << 30, "spark": 64 << 30}


class Options(TypedDict, total=False):
    """What a lake may be opened with; None, or an absent option, means the environment or the default."""

    # Your own data contract (a file) instead of the package's.
    contract: str | Path | None
    memory_limit_mb: int | None
    threads: int | None
    batch_bytes: int | None
    # File of the pseudonymisation key; LOGLODE_KEY_FILE, or a file in the lake's folder otherwise.
    key_file: str | Path | None
    # Name or ARN of the key in Secrets Manager; takes precedence over the file.
    key_secret: str | None
    # Go on with another key than the one of the lake; see docs/security.md.
    new_key: bool
    # How long a pseudonym is good: "none" (for ever), "day" or "month". Decided when a lake is created.
    pseudonym_period: Period | None
    # Limits of one object; see `loglode.limits.Limits`.
    max_ratio: int | None
    max_object_mb: int | None
    max_lines: int | None
    max_blank_lines: int | None
    max_staging_mb: int | None
    max_quarantine_mb: int | None
    # Appears in logs, ops.runs and commits.
    correlation_id: str | None
    engine: Engine
    # Where Spark runs, as its master URL.
    master: str | None
    # Where OpenLineage events go: a file, https://HOST or s3://BUCKET/PREFIX.
    openlineage: str | None


# What looks like an encoded character in a path.
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A lake and everything that decides how it is loaded; see `Options`."""

    lake: Location
    contract: Contract
    # Memory of the engine; the process takes some 200 MB beside it.
    memory_limit_mb: int = 700
    # None: as many as there are processors.
    threads: int | None = None
    # A batch ends at the object that passes this many bytes, compressed ones counted tenfold.
    batch_bytes: int = BATCH_BYTES["duckdb"]
    key_file: Path | None = None
    # Name or ARN of the key in Secrets Manager; takes precedence over the file.
    key_secret: str = ""
    # Accept another key than the lake's, or create a lost one anew.
    new_key: bool = False
    # None: the lake's own; "none" for a new lake.
    pseudonym_period: Period | None = None
    # Refused lines / lines read that the quality gate lets pass; the contract's own where None.
    max_refused_share: float | None = None
    limits: Limits = DEFAULT_LIMITS
    # Follows a batch from the event to the commit; recorded in ops.runs.
    correlation_id: str = ""
    engine: Engine = "duckdb"
    # Where Spark runs; None: Spark's own configuration decides, or the context that exists already.
    master: str | None = None
    # Where OpenLineage events go; None: nowhere.
    openlineage: Destination | None = None

    @classmethod
    def build(cls, *, lake: str | Path, **options: Unpack[Options]) -> Settings:
        """Settings from arguments and environment. Raises UsageError, ContractError."""
        memory = options.get("memory_limit_mb")
        memory = _number(MEMORY_VARIABLE, cls.memory_limit_mb) if memory is None else memory
        memory_mb = in_range("memory in MB", memory, MIN_MEMORY_MB, MAX_MEMORY_MB)
        _require_address_space(memory_mb)
        threads, engine = options.get("threads"), options.get("engine") or "duckdb"
        if engine not in BATCH_BYTES:
            raise UsageError(f"unknown engine {engine!r}", hint=f"one of {', '.join(BATCH_BYTES)}")
        batch_bytes = options.get("batch_bytes")
        batch_bytes = BATCH_BYTES[engine] if batch_bytes is None else batch_bytes
        if not str(lake):
            raise UsageError("the lake has no name", hint="name a folder, or s3://BUCKET/PREFIX")
        if not str(lake).isprintable() or "\\" in str(lake):
            raise UsageError(
                f"lake {str(lake)!r} has a character in its name that table logs cannot hold",
                hint="no control characters and no backslash",
            )
        if _ESCAPE.search(str(lake)):
            raise UsageError(
                f"lake {str(lake)!r} has an escape such as %20 in its name, which table logs would decode",
                hint="name it with the character itself",
            )
        key = options.get("key_file")
        key = os.environ.get(KEY_FILE_VARIABLE) if key is None else key
        return cls(
            lake=location(lake),
            contract=load_contract(options.get("contract")),
            memory_limit_mb=memory_mb,
            threads=None if threads is None else in_range("threads", threads, 1, MAX_THREADS),
            batch_bytes=in_range("batch_bytes", batch_bytes, 1),
            key_file=Path(key) if key else None,
            key_secret=options.get("key_secret") or os.environ.get(KEY_SECRET_VARIABLE, ""),
            new_key=bool(options.get("new_key")),
            pseudonym_period=_period(options.get("pseudonym_period") or os.environ.get(PERIOD_VARIABLE)),
            max_refused_share=_share(REFUSED_VARIABLE),
            limits=_limits(options),
            correlation_id=visible(options.get("correlation_id") or os.environ.get(CORRELATION_VARIABLE, "")),
            engine=engine,
            master=options.get("master"),
            openlineage=destination(options.get("openlineage") or os.environ.get(OPENLINEAGE_VARIABLE, "")),
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


def _require_address_space(memory_mb: int) -> None:
    """Raise MemoryShortError where the process may not map what it needs: there, libraries abort."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    needed = memory_mb + BESIDE_MB
    if limit != resource.RLIM_INFINITY and limit >> 20 < needed:
        raise MemoryShortError(
            f"the address space of this process is limited to {limit >> 20:,} MB; {needed:,} MB are needed",
            hint="raise the limit (`ulimit -v unlimited`), or lower --memory-mb",
        )


def _limits(options: Options) -> Limits:
    given = {name: options.get(name) for name in NAMES}
    values = {
        name: _number(variable(name), getattr(DEFAULT_LIMITS, name)) if value is None else value
        for name, value in given.items()
    }
    return Limits(**{name: in_range(name, value, 1) for name, value in values.items()})


def _period(text: str | None) -> Period | None:
    if not text:
        return None
    if text not in get_args(Period):
        raise UsageError(f"pseudonym period is {text!r}", hint=f"one of {', '.join(get_args(Period))}")
    return cast("Period", text)


def in_range(name: str, value: object, low: int, high: int | None = None) -> int:
    """The value, if it is a whole number in the range. Raises UsageError."""
    if not isinstance(value, int) or value < low or (high is not None and value > high):
        allowed = f"{low} or more" if high is None else f"from {low} to {high}"
        raise UsageError(f"{name} is {value!r}", hint=f"use a whole number, {allowed}")
    return value


def _number(variable: str, default: int) -> int:
    text = os.environ.get(variable)
    if text is None:
        return default
    if not text.isdigit():
        raise UsageError(f"{variable} is {text!r}", hint="use a whole number")
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
        raise UsageError(f"{variable} is {text!r}", hint="use a share from 0 to 1")
    return value
