"""S3: a conditional PUT of the emulator looks and writes in two steps, so two writers may both win."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from moto.s3 import responses

from local_aws.patching import wrap

_locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)


def patch() -> None:
    """Mends: If-None-Match is no atomic step. One request a key at a time."""
    wrap(responses.S3Response, "_key_response", _alone)


def _alone(answer: Callable[..., Any]) -> Callable[..., Any]:
    def alone(self: Any, *args: Any, **named: Any) -> Any:
        with _locks[self.path]:
            return answer(self, *args, **named)

    return alone
