"""Sends events of steps, in pairs. A failure to deliver never fails a run and never delays it for long."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    RunFacet,
    error_message_run,
    job_type_job,
    parent_run,
    processing_engine_run,
    set_producer,
    tags_run,
)
from openlineage.client.transport import Transport
from openlineage.client.uuid import generate_new_uuid
from requests import HTTPError

from loglode.errors import LoglodeError
from loglode.openlineage.destinations import Destination
from loglode.openlineage.transports import DEADLINE_SECONDS, open_transport
from loglode.version import __version__

PARENT_JOB = "pipeline"
PRODUCER = f"pkg:generic/loglode@{__version__}"
set_producer(PRODUCER)
_log = logging.getLogger("loglode.openlineage")


@dataclass(frozen=True, slots=True)
class Started:
    """A step whose START was emitted, with what its end repeats."""

    run: Run
    job: Job
    inputs: Sequence[InputDataset]
    outputs: Sequence[OutputDataset]


class Emitter:
    """Events of one process. `namespace` is that of the jobs: the location of the lake."""

    def __init__(
        self, destination: Destination, *, namespace: str, correlation_id: str, engine: tuple[str, str]
    ) -> None:
        self._destination = destination
        self._transport: Transport | None = None
        self._namespace = namespace
        self._correlation_id = correlation_id
        self._engine = engine
        self._is_away = False

    def start(
        self, job: str, batch_id: str, inputs: Sequence[InputDataset], outputs: Sequence[OutputDataset]
    ) -> Started:
        """Report that a step begins; the batch's id may be empty."""
        kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="LOGLODE", jobType="TASK")
        started = Started(
            Run(str(generate_new_uuid()), self._run_facets(batch_id)),
            Job(self._namespace, job, {"jobType": kind}),
            inputs,
            outputs,
        )
        self._emit(RunState.START, started)
        return started

    def complete(
        self, started: Started, inputs: Sequence[InputDataset], outputs: Sequence[OutputDataset]
    ) -> None:
        """Report that a step has done its work, and what it read and wrote."""
        self._emit(RunState.COMPLETE, replace(started, inputs=inputs, outputs=outputs))

    def fail(self, started: Started, message: str) -> None:
        """Report that a step failed; everybody who sees the event can read the message."""
        reason = error_message_run.ErrorMessageRunFacet(message, programmingLanguage="PYTHON")
        run = Run(started.run.runId, {**(started.run.facets or {}), "errorMessage": reason})
        self._emit(RunState.FAIL, replace(started, run=run))

    def _emit(self, state: RunState, step: Started) -> None:
        """Send an event, unless one could not be sent before: a run waits for a destination once at most."""
        if self._is_away:
            return
        event = RunEvent(
            eventType=state,
            eventTime=datetime.now(UTC).isoformat(timespec="milliseconds"),
            run=step.run,
            job=step.job,
            inputs=list(step.inputs),
            outputs=list(step.outputs),
            producer=PRODUCER,
        )
        if reason := self._failure(event):
            self._is_away = True
            _log.warning(
                f"OpenLineage: events cannot be sent: {reason}",
                extra={"object": str(self._destination), "hint": "this run sends no more events"},
            )

    def _failure(self, event: RunEvent) -> str:
        """Send in a thread, since a server that answers byte by byte outlasts every time limit of sockets."""
        failed: list[str] = []
        thread = threading.Thread(target=self._send, args=(event, failed), daemon=True)
        thread.start()
        thread.join(DEADLINE_SECONDS)
        if thread.is_alive():
            return f"no answer in {DEADLINE_SECONDS:g} s"
        return failed[0] if failed else ""

    def _send(self, event: RunEvent, failed: list[str]) -> None:
        try:
            if self._transport is None:
                self._transport = open_transport(self._destination)
            self._transport.emit(event)
        except LoglodeError as error:
            failed.append(error.message)
        except (OSError, RuntimeError, ValueError) as error:
            failed.append(_reason(error))

    def _run_facets(self, batch_id: str) -> dict[str, RunFacet]:
        name, version = self._engine
        facets: dict[str, RunFacet] = {
            "processing_engine": processing_engine_run.ProcessingEngineRunFacet(version, name=name)
        }
        known = {"correlation_id": self._correlation_id, "batch_id": batch_id}
        tags = [tags_run.TagsRunFacetFields(k, text, "LOGLODE") for k, text in known.items() if text]
        if tags:
            facets["tags"] = tags_run.TagsRunFacet(tags)
        if self._correlation_id:
            facets["parent"] = parent_run.ParentRunFacet(
                parent_run.Run(parent_run_id(self._correlation_id)),
                parent_run.Job(self._namespace, PARENT_JOB),
            )
        return facets


def parent_run_id(correlation_id: str) -> str:
    """The run of a correlation id: the id itself where it is a UUID, else one derived from it."""
    try:
        return str(uuid.UUID(correlation_id))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"loglode:{correlation_id}"))


def _reason(error: Exception) -> str:
    """What went wrong, without the text of errors that quote what was sent (a key in a header)."""
    if isinstance(error, HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    cause = error if isinstance(error, OSError) else error.__cause__
    return (cause.strerror if isinstance(cause, OSError) else None) or type(cause or error).__name__
