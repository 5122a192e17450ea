"""The events of each step: what it will read and write when it starts, and what it did when it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version

from openlineage.client.event_v2 import InputDataset, OutputDataset

from loglode.batches.plan import Batch
from loglode.errors import LoglodeError
from loglode.lake import Lake, Snapshot
from loglode.openlineage.destinations import Destination
from loglode.openlineage.emitter import Emitter
from loglode.settings import Settings
from loglode.telemetry import datasets
from loglode.telemetry.datasets import Facets
from loglode.telemetry.steps import GOLD, LOAD, REPLAY, RESTORE, Step

_PACKAGES = {"duckdb": "duckdb", "spark": "pyspark"}
Ends = Callable[[Step], tuple[Sequence[InputDataset], Sequence[OutputDataset]]]


class Reporter:
    """Reports the steps of one process on a lake."""

    def __init__(self, settings: Settings, destination: Destination, lake: Lake) -> None:
        self._lake = lake
        self._emitter = Emitter(
            destination,
            namespace=str(lake.root),
            correlation_id=settings.correlation_id,
            engine=(settings.engine, version(_PACKAGES[settings.engine])),
        )

    @contextlib.contextmanager
    def load(self, batch: Batch) -> Iterator[Step]:
        """Bronze to silver, of one batch."""
        objects = [planned.source for planned in batch.objects]

        def ends(step: Step) -> tuple[Sequence[InputDataset], Sequence[OutputDataset]]:
            if step.record is None or step.record.run is None:  # others had loaded it
                return [source], []
            contract, form = self._lake.contract, batch.format.name
            read = datasets.bronze_input(objects, step.record.run)
            read.facets = datasets.bronze_columns(contract, form)
            places = {datasets.BRONZE: datasets.bronze(objects)}
            return self._loaded(step, read, datasets.column_lineage(contract, form, datasets.SILVER, places))

        source = datasets.bronze_input(objects)
        with self._reported(LOAD, batch.batch_id, [source], self._targets(), ends) as step:
            yield step

    @contextlib.contextmanager
    def replay(self, batch_id: str) -> Iterator[Step]:
        """Quarantine to silver."""

        def ends(step: Step) -> tuple[Sequence[InputDataset], Sequence[OutputDataset]]:
            if step.record is None:  # nothing passes now
                return [source], []
            return self._loaded(step, source, None)

        source = datasets.table_input(self._lake.quarantine)
        with self._reported(REPLAY, batch_id, [source], self._targets(), ends) as step:
            yield step

    @contextlib.contextmanager
    def gold(self, silver_version: int) -> Iterator[Step]:
        """Silver in a version to every gold table."""

        def ends(step: Step) -> tuple[Sequence[InputDataset], Sequence[OutputDataset]]:
            return inputs, [datasets.gold_output(self._lake, written) for written in step.written]

        inputs = datasets.gold_inputs(self._lake, silver_version)
        roots = [self._lake.gold_root(name) for name in self._lake.gold_names]
        outputs = [OutputDataset(*datasets.place(root)) for root in roots]
        with self._reported(GOLD, "", inputs, outputs, ends) as step:
            yield step

    @contextlib.contextmanager
    def restore(self, old: Snapshot) -> Iterator[Step]:
        """A gold table in an older version to the same table."""

        def ends(step: Step) -> tuple[Sequence[InputDataset], Sequence[OutputDataset]]:
            return inputs, [datasets.output(written) for written in step.written]

        place = datasets.place(old.table.root)
        facets = datasets.schema(old.table.spec.columns) | datasets.version_facet(old.version)
        inputs = [InputDataset(*place, facets=facets)]
        with self._reported(RESTORE, "", inputs, [OutputDataset(*place)], ends) as step:
            yield step

    @contextlib.contextmanager
    def _reported(
        self,
        job: str,
        batch_id: str,
        inputs: Sequence[InputDataset],
        outputs: Sequence[OutputDataset],
        ends: Ends,
    ) -> Iterator[Step]:
        started, step = self._emitter.start(job, batch_id, inputs, outputs), Step()
        try:
            yield step
        except BaseException as error:
            self._emitter.fail(started, _reason(error))
            raise
        self._emitter.complete(started, *ends(step))

    def _targets(self) -> list[OutputDataset]:
        lake = self._lake
        tables = (lake.silver, lake.quarantine, lake.runs, lake.quality)
        return [OutputDataset(*datasets.place(table.root)) for table in tables]

    def _loaded(
        self, step: Step, source: InputDataset, lineage: Facets | None
    ) -> tuple[Sequence[InputDataset], Sequence[OutputDataset]]:
        if step.record is None:
            return [source], []
        checked = datasets.assertions(self._lake.contract, step.record)
        source.inputFacets = {**(source.inputFacets or {}), **checked}
        return [source], datasets.loaded_tables(self._lake, step.record, lineage)


def _reason(error: BaseException) -> str:
    """The kind of an error, never its own text, which may quote a line or name a person's folder."""
    name = type(error).__name__
    kind = (type(error).__doc__ or "").partition("\n")[0] if isinstance(error, LoglodeError) else ""
    return f"{name}: {kind}" if kind else name
