"""FAULTS: the transform function with troubles put in before it: one line a call in a file a step."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from lambda_functions import transform
from loglode.errors import CommitConflictError, StorageBusyError

_HUNGER = 64 << 20


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """As the real one, when no trouble is left."""
    match _next(event["step"]):
        case "conflict":
            raise CommitConflictError("other writers won")
        case "busy":
            raise StorageBusyError("S3 said SlowDown to every attempt")
        case "unfinished" | "too_large" as outcome:
            return {"outcome": outcome}
        case "hungry":
            # After the commit, before the answer: takes memory until the function's own limit ends it.
            transform.handler(event, context)
            held: list[bytes] = []
            while True:
                held.append(os.urandom(_HUNGER))
        case "hangs":
            transform.handler(event, context)
            threading.Event().wait()
    return transform.handler(event, context)


def _next(step: str) -> str:
    file = Path(os.environ["LOGLODE_TEST_FAULTS"], step)
    if not file.exists():
        return ""
    first, *rest = file.read_text(encoding="utf-8").split("\n")
    file.write_text("\n".join(rest), encoding="utf-8")
    return first
