"""Steps told as OpenLineage events: START where they begin, COMPLETE or FAIL where they end.

Without a destination in the settings nothing here does anything.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from loglode.batches.plan import Batch
from loglode.batches.record import BatchRecord
from loglode.errors import LoglodeError
from loglode.lake import Lake, Snapshot
from loglode.openlineage import Emitter
from loglode.openlineage.event import Dataset, Json, facet
from loglode.telemetry.datasets import (
    Written,
    bronze,
    gold_inputs,
    gold_output,
    loaded,
    schema,
    table_input,
    version_facet,
)
from loglode.telemetry.emitting import GOLD, LOAD, REPLAY, RESTORE


@dataclass(slots=True)
class Step:
    """A step that runs; what it has done is put in here. `run_id` is empty where nothing is told."""

    run_id: str = ""
    record: BatchRecord | None = None
    written: list[Written] = field(default_factory=list)


Ends = Callable[[Step], tuple[list[Json], list[Json]]]


@contextlib.contextmanager
def load_step(emitter: Emitter | None, lake: Lake, batch: Batch) -> Iterator[Step]:
    """Bronze to silver, of one batch."""
    if emitter is None:
        yield Step()
        return
    objects = [planned.source for planned in batch.objects]
    form = batch.format.name
    read = facet("inputStatistics", fileCount=len(objects), size=sum(o.size for o in objects))
    source = bronze(objects).as_input(own=read)
    about = {"step": LOAD, "batch_id": batch.batch_id, "format": form, **_silver(lake)}
    with _told(emitter, about, [source], _loads_into(lake), _loaded(lake, source, form)) as step:
        yield step


@contextlib.contextmanager
def replay_step(emitter: Emitter | None, lake: Lake, batch_id: str) -> Iterator[Step]:
    """Quarantine to silver."""
    if emitter is None:
        yield Step()
        return
    source = table_input(lake.quarantine)
    about = {"step": REPLAY, "batch_id": batch_id, "format": "json", **_silver(lake)}
    with _told(emitter, about, [source], _loads_into(lake), _loaded(lake, source, "json")) as step:
        yield step


@contextlib.contextmanager
def gold_step(emitter: Emitter | None, lake: Lake, version: int) -> Iterator[Step]:
    """Silver in a version to every gold table."""
    if emitter is None:
        yield Step()
        return

    def ends(step: Step) -> tuple[list[Json], list[Json]]:
        return inputs, [gold_output(lake, written, written.name) for written in step.written]

    inputs = gold_inputs(lake, version)
    outputs = [Dataset.at(lake.gold_root(name)).as_output() for name in lake.gold_names]
    about = {"step": GOLD, "silver_version": version}
    with _told(emitter, about, inputs, outputs, ends) as step:
        yield step


@contextlib.contextmanager
def restore_step(emitter: Emitter | None, wanted: Snapshot) -> Iterator[Step]:
    """A table of gold in an older version to the same table."""
    if emitter is None:
        yield Step()
        return
    spec, place = wanted.table.spec, Dataset.at(wanted.table.root)
    inputs = [place.as_input(schema(spec.columns) | version_facet(wanted.version))]

    def ends(step: Step) -> tuple[list[Json], list[Json]]:
        return inputs, [written.told() for written in step.written]

    about = {"step": RESTORE, "table": spec.name}
    with _told(emitter, about, inputs, [place.as_output()], ends) as step:
        yield step


@contextlib.contextmanager
def _told(
    emitter: Emitter, about: Json, inputs: Sequence[Json], outputs: Sequence[Json], ends: Ends
) -> Iterator[Step]:
    run = emitter.start(about["step"], inputs, outputs, about=about)
    step = Step(run.run_id)
    try:
        yield step
    except BaseException as error:
        emitter.fail(run, _reason(error))
        raise
    emitter.complete(run, *ends(step))


def _reason(error: BaseException) -> str:
    """The kind of an error, never its own text, which may quote a line or name a person's folder."""
    name = type(error).__name__
    told = (type(error).__doc__ or "").partition("\n")[0] if isinstance(error, LoglodeError) else ""
    return f"{name}: {told}" if told else name


def _silver(lake: Lake) -> Json:
    silver = lake.silver
    return {"silver_version": silver.snapshot().version if silver.exists else 0}


def _loads_into(lake: Lake) -> list[Json]:
    tables = (lake.silver, lake.quarantine, lake.runs, lake.quality)
    return [Dataset.at(table.root).as_output() for table in tables]


def _loaded(lake: Lake, source: Json, form: str) -> Ends:
    def ends(step: Step) -> tuple[list[Json], list[Json]]:
        if step.record is None:  # others had loaded it, or nothing passes now
            return [source], []
        record = step.record.to_metadata()
        return loaded(lake, source, form, record, record["run"]["silver_version"])

    return ends
