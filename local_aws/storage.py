"""S3: a conditional PUT of the emulator looks and writes in two steps, so two writers may both win; and its
buckets' policies have no conditions, so that one against plain HTTP denies everything."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3 import models, responses

from local_aws.patching import replace, wrap
from local_aws.statements import is_about

# What every call is taken for, though the emulator speaks HTTP.
ENCRYPTED = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
_locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)


def patch() -> None:
    """Mends: If-None-Match is no atomic step (one request a key at a time); conditions of policies."""
    wrap(responses.S3Response, "_key_response", _alone)
    replace(models.FakeBucket, "get_permission", _permission)


def _permission(bucket: Any, action: str, resource: str) -> PermissionResult:
    statements = json.loads(bucket.policy)["Statement"] if bucket.policy else []
    effects = {s["Effect"] for s in statements if is_about(s, action, resource, ENCRYPTED)}
    if "Deny" in effects:
        return PermissionResult.DENIED
    return PermissionResult.PERMITTED if effects else PermissionResult.NEUTRAL


def _alone(answer: Callable[..., Any]) -> Callable[..., Any]:
    def alone(self: Any, *args: Any, **named: Any) -> Any:
        with _locks[self.path]:
            return answer(self, *args, **named)

    return alone
