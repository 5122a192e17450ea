"""Sends the events of a process's steps in pairs, and never stands in the way of the work.

What cannot be sent is said once, waits in the lake, and is sent by the next process that can.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from loglode.errors import LoglodeError
from loglode.openlineage.destinations import Destination, NotSentError, RefusedError
from loglode.openlineage.event import Json, Kind, event, facet, new_run_id, parent_run_id
from loglode.openlineage.spool import Spool, Waiting

PARENT_JOB = "pipeline"
# More than so many that wait are not added to: then a destination has been away for long.
MAX_WAITING = 1000
_log = logging.getLogger("loglode.openlineage")


class Emitter:
    """Events of one process. `owner` is what tells others whether it is still alive.

    `namespace` is that of the jobs: the lake's place.
    """

    def __init__(
        self,
        where: Destination,
        spool: Spool,
        *,
        namespace: str,
        owner: str,
        correlation_id: str,
        engine: tuple[str, str],
    ) -> None:
        self._where = where
        self._spool = spool
        self._namespace = namespace
        self._owner = owner
        self._correlation_id = correlation_id
        self._engine = engine
        self._is_away = False
        self._is_full = False

    def start(
        self, job: str, inputs: Sequence[Json] = (), outputs: Sequence[Json] = (), *, about: Json
    ) -> Waiting:
        """Tell that a step begins. `about` is what others need to tell its end if this process dies."""
        run = {"runId": new_run_id(), "facets": self._run_facets(about)}
        start = event("START", run, self._job(job), inputs, outputs)
        step = Waiting(start, self._owner, self._correlation_id, about)
        self._keep(step)
        step.is_start_sent = self._sent(start)
        self._keep(step)
        return step

    def complete(self, step: Waiting, inputs: Sequence[Json], outputs: Sequence[Json]) -> None:
        """Tell that a step has done its work."""
        self._end(step, _ended(step, "COMPLETE", inputs, outputs))

    def fail(self, step: Waiting, message: str) -> None:
        """Tell that a step has not; the message is shown to everybody."""
        self._end(step, _failed(step, message))

    def tell_left_over(
        self,
        is_gone: Callable[[Waiting], bool],
        outcome: Callable[[Waiting], tuple[list[Json], list[Json]] | None],
    ) -> None:
        """Tell the ends of runs whose process is gone, and what could not be sent before.

        `outcome` says what such a run has read and written after all, None where it came to no end.
        """
        try:
            names = self._spool.names()
        except (LoglodeError, OSError) as error:
            self._warn("what was left over cannot be looked at", error=type(error).__name__)
            return
        self._is_full = len(names) >= MAX_WAITING
        for name in names:
            if self._is_away:
                return
            try:
                with self._spool.taken(name) as waiting:
                    if waiting is not None and (waiting.end is not None or is_gone(waiting)):
                        self._tell(waiting, outcome)
            except (LoglodeError, OSError, ValueError, TypeError, KeyError) as error:
                self._warn("a run that was left over cannot be told", error=type(error).__name__)

    def _tell(
        self, waiting: Waiting, outcome: Callable[[Waiting], tuple[list[Json], list[Json]] | None]
    ) -> None:
        end = waiting.end
        if end is None:
            found = outcome(waiting)
            if found is None:
                end = _failed(waiting, "the process ended before the step did; the next run goes on")
            else:
                end = _ended(waiting, "COMPLETE", *found)
        self._end(waiting, end)

    def _end(self, waiting: Waiting, end: Json) -> None:
        waiting.end = end
        waiting.is_start_sent = waiting.is_start_sent or self._sent(waiting.start)
        if waiting.is_start_sent and self._sent(end):
            self._forget(waiting.run_id)
        else:
            self._keep(waiting)

    def _sent(self, told: Json) -> bool:
        """Send; after the first failure not again, so that a step waits for a server once at most."""
        if self._is_away:
            return False
        try:
            self._where.send(told)
        except RefusedError as error:
            self._warn(f"event dropped, which the server does not take: {error}", object=str(self._where))
        except NotSentError as error:
            self._is_away = True
            hint = "they wait in the lake for the next run that can"
            self._warn(f"events cannot be sent: {error}", object=str(self._where), hint=hint)
            return False
        return True

    def _keep(self, waiting: Waiting) -> None:
        if self._is_full and not waiting.is_start_sent:
            self._warn("event dropped, since too many wait already", counts={"waiting": MAX_WAITING})
            return
        try:
            self._spool.put(waiting)
        except (LoglodeError, OSError) as error:
            self._warn("an event cannot be kept", error=type(error).__name__)

    def _forget(self, run_id: str) -> None:
        try:
            self._spool.remove(run_id)
        except FileNotFoundError:
            pass  # never kept, see above
        except (LoglodeError, OSError) as error:
            self._warn("an event that was sent may be sent again", error=type(error).__name__)

    def _job(self, name: str) -> Json:
        kind = facet("jobType", processingType="BATCH", integration="LOGLODE", jobType="TASK")
        return {"namespace": self._namespace, "name": name, "facets": kind}

    def _run_facets(self, about: Json) -> Json:
        name, version = self._engine
        facets = facet("processing_engine", name=name, version=version)
        told = {"correlation_id": self._correlation_id, "batch_id": str(about.get("batch_id", ""))}
        tags = [{"key": key, "value": text, "source": "LOGLODE"} for key, text in told.items() if text]
        if tags:
            facets |= facet("tags", tags=tags)
        if self._correlation_id:
            parent = {"runId": parent_run_id(self._correlation_id)}
            facets |= facet("parent", run=parent, job={"namespace": self._namespace, "name": PARENT_JOB})
        return facets

    @staticmethod
    def _warn(text: str, **facts: object) -> None:
        _log.warning(f"OpenLineage: {text}", extra=facts)


def _ended(waiting: Waiting, kind: Kind, inputs: Sequence[Json], outputs: Sequence[Json]) -> Json:
    return event(kind, waiting.start["run"], waiting.start["job"], inputs, outputs)


def _failed(waiting: Waiting, message: str) -> Json:
    start = waiting.start
    run = {
        **start["run"],
        "facets": {
            **start["run"]["facets"],
            **facet("errorMessage", message=message, programmingLanguage="PYTHON"),
        },
    }
    return event("FAIL", run, start["job"], start["inputs"], start["outputs"])
