"""What every step needs: the lake, an engine, the key. Opened once for a run."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loglode import logs
from loglode.engines.base import Engine, Progress
from loglode.engines.duckdb import DuckDBEngine
from loglode.engines.duckdb.session import s3_errors
from loglode.errors import UsageError
from loglode.files import writing
from loglode.lake import Lake
from loglode.lake.secret import load_key
from loglode.lake.staging import new_name, remove_abandoned, staging
from loglode.models.model import Model, load_models
from loglode.settings import Settings
from loglode.telemetry.steps import open_reporter

if TYPE_CHECKING:
    from loglode.telemetry.reporter import Reporter


@dataclass(frozen=True, slots=True)
class Context:
    """A run in progress; `folder` is its staging folder."""

    settings: Settings
    lake: Lake
    models: tuple[Model, ...]
    engine: Engine
    folder: Path
    key: str
    progress: Progress
    # Sends OpenLineage events; None without a destination.
    reporter: Reporter | None = None

    @property
    def silver_types(self) -> dict[str, str]:
        """SQL type of each silver column."""
        return {f.name: f.sql_type for f in self.settings.contract.stored_fields}


def open_lake(settings: Settings) -> Lake:
    """The lake of the settings, whether it is there yet or not."""
    names = tuple(m.name for m in load_models() if m.layer == "gold")
    return Lake(settings.lake, settings.contract, names)


@contextlib.contextmanager
def open_context(
    settings: Settings, progress: Progress | None = None, lake: Lake | None = None
) -> Iterator[Context]:
    """Make ready for writing, to a lake that was opened before if one is given.

    Raises LakeError when the lake's folder cannot be written. Errors of the work itself pass unchanged.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(logs.bound(correlation_id=settings.correlation_id))
        with writing(settings.lake):
            if isinstance(settings.lake, Path):
                settings.lake.mkdir(parents=True, exist_ok=True)
            remove_abandoned(settings.lake)
            folder = stack.enter_context(staging(settings.lake, new_name()))
        key = read_key(settings)
        opened = lake or open_lake(settings)
        opened.silver.check_declaration()
        stack.enter_context(s3_errors())
        engine = stack.enter_context(contextlib.closing(_engine(settings, opened, folder)))
        reporter = open_reporter(settings, opened)
        yield Context(settings, opened, load_models(), engine, folder, key, progress or _silent, reporter)
        opened.heads.save()


def read_key(settings: Settings) -> str:
    """The pseudonymisation key. Raises LakeError, StorageError, UsageError."""
    return load_key(Path() if settings.key_secret else settings.key_path, settings.key_secret)


def _engine(settings: Settings, lake: Lake, folder: Path) -> Engine:
    if settings.engine == "duckdb":
        return embedded_engine(settings, lake, folder)
    try:
        # Only who wants Spark needs to have it.
        from loglode.engines.spark import SparkEngine  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            f"the engine spark is not installed: {error}", hint="pip install 'loglode[spark]'"
        ) from error
    return SparkEngine(master=settings.master, folder=folder)


def embedded_engine(settings: Settings, lake: Lake, folder: Path) -> DuckDBEngine:
    """DuckDB with the limits of the settings; it can open the staging folder and the lake's tables alone."""
    return DuckDBEngine(
        memory_limit_mb=settings.memory_limit_mb,
        threads=settings.threads,
        temp_dir=folder / f"spill-{secrets.token_hex(4)}",
        folders=[folder, *(table.root for table in lake.tables)],
    )


def _silent(step: str, done: int, total: int) -> None:
    del step, done, total
