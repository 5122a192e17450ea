"""FAULTS: the transform function with troubles put in before it: one line a call in a file a step."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from lambda_functions import transform
from loglode.errors import (
    AccessDeniedError,
    CommitConflictError,
    MemoryShortError,
    StorageBusyError,
)

_ERRORS = {
    "busy": StorageBusyError("S3 answers SlowDown"),
    "conflict": CommitConflictError("other writers won"),
    "denied": AccessDeniedError("access denied"),
    "memory": MemoryShortError("memory did not suffice"),
}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """As the real one, when no trouble is left."""
    kind = _next(event["step"])
    if kind in _ERRORS:
        raise _ERRORS[kind]
    if kind in ("unfinished", "too_large"):
        return {"outcome": kind}
    if kind == "killed":
        # In the middle of its work: after the commit, before the answer.
        transform.handler(event, context)
        os.kill(os.getpid(), signal.SIGKILL)
    return transform.handler(event, context)


def _next(step: str) -> str:
    file = Path(os.environ["LOGLODE_TEST_FAULTS"], step)
    if not file.exists():
        return ""
    first, *rest = file.read_text(encoding="utf-8").split("\n")
    file.write_text("\n".join(rest), encoding="utf-8")
    return first
