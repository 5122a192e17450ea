"""What every step needs: the lake, an engine, the key. Opened once for a run."""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from loglode import logs
from loglode.engines.base import Engine, Progress
from loglode.engines.duckdb import DuckDBEngine
from loglode.engines.duckdb.session import s3_errors
from loglode.errors import LakeFormatError, UsageError
from loglode.files import writing
from loglode.lake import Lake
from loglode.lake.facts import Facts
from loglode.lake.secret import load_key, require_key
from loglode.lake.staging import new_name, remove_abandoned, staging
from loglode.models.model import Model, load_models
from loglode.settings import Settings
from loglode.silver.identity import FIRST_RULE, RULE, Keying, Period
from loglode.telemetry.steps import open_reporter

if TYPE_CHECKING:
    from loglode.telemetry.reporter import Reporter

_log = logging.getLogger(__name__)
_FIRST_RULE = (
    "an earlier release created this lake: its event ids are hashes without a key, from which lines can be"
    " guessed, and events that share an id count once"
)


@dataclass(frozen=True, slots=True)
class Context:
    """A run in progress; `folder` is its staging folder."""

    settings: Settings
    lake: Lake
    models: tuple[Model, ...]
    engine: Engine
    folder: Path
    key: str = field(repr=False)
    keying: Keying
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
        opened = lake or open_lake(settings)
        key, keying = open_key(settings, opened)
        opened.silver.check_declaration()
        opened.check_store()
        stack.enter_context(s3_errors())
        engine = stack.enter_context(contextlib.closing(_engine(settings, opened, folder)))
        reporter = open_reporter(settings, opened)
        yield Context(
            settings, opened, load_models(), engine, folder, key, keying, progress or _silent, reporter
        )
        opened.heads.save()


def open_key(settings: Settings, lake: Lake) -> tuple[str, Keying]:
    """The pseudonymisation key and how the lake uses it; the lake records both with the next silver commit.

    Raises KeyMismatchError for another key than the lake's, LakeError, StorageError, UsageError.
    """
    recorded = lake.facts
    secret, path = settings.key_secret, Path() if settings.key_secret else settings.key_path
    key = load_key(path, secret, may_create=recorded is None or settings.new_key)
    if recorded is None:
        facts = Facts(Keying().rule, settings.pseudonym_period or Keying().period).with_key(key)
    else:
        if not settings.new_key:
            require_key(key, recorded.key, f"secret {secret}" if secret else str(path))
        _require_period(settings, recorded)
        _require_rule(recorded)
        if recorded.identity == FIRST_RULE:
            _log.warning(_FIRST_RULE, extra={"hint": "load bronze into a new lake: docs/upgrading.md"})
        facts = recorded.with_key(key)
    lake.silver.declare(facts.properties, recorded.properties if recorded else {})
    return key, Keying(facts.identity, cast("Period", facts.period))


def _require_rule(recorded: Facts) -> None:
    if recorded.identity not in (FIRST_RULE, RULE):
        raise LakeFormatError(
            f"event ids of this lake follow rule {recorded.identity}, which this version does not know:"
            " it would count lines twice",
            hint="use the version that created the lake, or load bronze into a new lake: docs/upgrading.md",
        )


def _require_period(settings: Settings, recorded: Facts) -> None:
    wanted = settings.pseudonym_period
    if wanted is not None and wanted != recorded.period:
        raise UsageError(
            f"pseudonyms of this lake have the period {recorded.period}, not {wanted}",
            hint="a lake keeps the period of its first load: leave the option out, or use a new lake",
        )


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
