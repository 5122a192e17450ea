"""Logs of a function: JSON, with the ids of its event in every line."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator

from loglode import logs
from loglode.errors import LoglodeError

# Set by Lambda for each call: Root=1-5f...;Parent=...;Sampled=1
_TRACE = "_X_AMZN_TRACE_ID"
_log = logging.getLogger("loglode.function")


@contextlib.contextmanager
def logged(service: str, **facts: str) -> Iterator[None]:
    """Add the facts to every line within, and log an error before it ends the call."""
    logs.configure(service, form="json")
    trace = os.environ.get(_TRACE, "").partition(";")[0].removeprefix("Root=")
    with logs.bound(xray_trace_id=trace, **facts):
        try:
            yield
        except LoglodeError as error:
            _log.error(error.message, extra={"error": type(error).__name__, "hint": error.hint})
            raise
