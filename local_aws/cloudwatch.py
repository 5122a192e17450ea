"""CloudWatch Logs: the emulator keeps what functions say only when Docker runs them, and nothing of jobs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import boto3
from moto.awslambda import models

from local_aws.patching import wrap

# What one call takes; Spark says more when it fails.
MAX_EVENTS = 1_000


def patch() -> None:
    """Mends: a function's group stays empty."""
    wrap(models.LambdaFunction, "_invoke_lambda", _kept)


def _kept(invoke: Callable[..., tuple[str, bool, str]]) -> Callable[..., tuple[str, bool, str]]:
    def _invoke(function: Any, event: Any = None) -> tuple[str, bool, str]:
        answer, is_error, log = invoke(function, event)
        function.logs_backend.ensure_log_group(function.logs_group_name)
        function.save_logs(log)
        return answer, is_error, log

    return _invoke


def keep(endpoint: str, group: str, stream: str, text: str) -> None:
    """Put a run's output where Glue puts it: a stream of its own."""
    logs = boto3.client("logs", endpoint_url=endpoint)
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now_ms = int(time.time() * 1000)
    events = [{"timestamp": now_ms, "message": line} for line in text.splitlines() if line]
    if events:
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events[-MAX_EVENTS:])
