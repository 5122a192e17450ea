"""The sender of OpenLineage events for a lake, and the ends of steps whose process was killed.

The commit that decides a step carries its run's id: by it another process tells how the step ended.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from loglode.lake import Lake
from loglode.lake.log import commit_metadata
from loglode.lake.staging import is_held, new_name, staging
from loglode.lake.table import as_it_stands
from loglode.openlineage import Emitter
from loglode.openlineage.event import Dataset, Json
from loglode.openlineage.spool import Spool, Waiting
from loglode.settings import Settings
from loglode.storage import Location, names_after
from loglode.telemetry.datasets import Written, gold_inputs, gold_output, loaded

LOAD, REPLAY, GOLD, RESTORE = "bronze_to_silver", "quarantine_replay", "silver_to_gold", "restore"
RUN_ID = "openlineage_run"
_PACKAGES = {"duckdb": "duckdb", "spark": "pyspark"}
# Runs of other machines on a lake on S3 are taken for dead after this time.
LONGEST_STEP = timedelta(hours=24)
# Among so many of each table's newest commits those of a dead run are looked for.
NEWEST_COMMITS = 5


def is_left_over(settings: Settings, lake: Lake) -> bool:
    """Whether anything waits to be told, and somebody wants to know. Raises StorageError."""
    return settings.openlineage is not None and bool(names_after(_folder(lake)))


def _folder(lake: Lake) -> Location:
    return lake.root / "ops" / "_openlineage"


def open_emitter(settings: Settings, lake: Lake, folder: Path) -> Emitter | None:
    """The sender, None where the settings name no destination. `folder` is the process's staging folder.

    What others have left untold is told first.
    """
    if settings.openlineage is None:
        return None
    from importlib.metadata import version  # noqa: PLC0415 - slow to import, and few tell events

    emitter = Emitter(
        settings.openlineage,
        Spool(_folder(lake), folder),
        namespace=str(lake.root),
        owner=folder.name,
        correlation_id=settings.correlation_id,
        engine=(settings.engine, version(_PACKAGES[settings.engine])),
    )
    emitter.tell_left_over(partial(_is_gone, settings), partial(_outcome, lake))
    return emitter


@contextlib.contextmanager
def emitter_alone(settings: Settings, lake: Lake) -> Iterator[Emitter | None]:
    """The sender for a step that needs no engine and writes no files, with a staging folder of its own."""
    if settings.openlineage is None:
        yield None
        return
    with staging(settings.lake, new_name()) as folder:
        yield open_emitter(settings, lake, folder)


def _is_gone(settings: Settings, waiting: Waiting) -> bool:
    """Whether a run's process is dead: told by a lock on a disk; on S3, where there is none, by time, or
    because steps of one correlation id come one after the other."""
    if isinstance(settings.lake, Path):
        return not is_held(settings.lake, waiting.owner)
    if waiting.correlation_id and waiting.correlation_id == settings.correlation_id:
        return True
    return datetime.now(UTC) - datetime.fromisoformat(waiting.start["eventTime"]) > LONGEST_STEP


def _outcome(lake: Lake, waiting: Waiting) -> tuple[list[Json], list[Json]] | None:
    """(inputs, outputs) of a dead run that has committed all the same; None of one that has not."""
    if waiting.about["step"] == GOLD:
        return _gold_outcome(lake, waiting)
    if waiting.about["step"] == RESTORE:
        back = _gold_commit(lake, waiting.about["table"], waiting.run_id)
        return (waiting.start["inputs"], [back.told()]) if back else None
    if not lake.silver.exists:
        return None
    before, newest = waiting.about["silver_version"], lake.silver.snapshot().version
    for number, record in (commit_metadata(lake.silver.root, before, newest) or {}).items():
        if record.get(RUN_ID) == waiting.run_id:
            return loaded(lake, waiting.start["inputs"][0], waiting.about["format"], record, number)
    return None


def _gold_outcome(lake: Lake, waiting: Waiting) -> tuple[list[Json], list[Json]] | None:
    outputs = []
    for name in lake.gold_names:
        found = _gold_commit(lake, name, waiting.run_id)
        if found is None:
            return None
        outputs.append(gold_output(lake, found, name))
    return gold_inputs(lake, waiting.about["silver_version"]), outputs


def _gold_commit(lake: Lake, name: str, run_id: str) -> Written | None:
    root = lake.gold_root(name)
    if not lake.gold(name).exists:
        return None
    snapshot = as_it_stands(name, root)
    first = max(snapshot.version - NEWEST_COMMITS, 0)
    told: Mapping[int, dict[str, Any]] = commit_metadata(root, first, snapshot.version) or {}
    for number, metadata in told.items():
        if metadata.get(RUN_ID) == run_id:
            columns = snapshot.table.spec.columns
            return Written(name, Dataset.at(root), columns, metadata["rows"], number)
    return None
