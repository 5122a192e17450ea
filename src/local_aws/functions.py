"""Lambda: the emulator wants Docker, or echoes its input. Here the handler runs in a process of its own.

Memory is not enforced; a process that dies is told as AWS tells it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from moto import settings
from moto.awslambda import models

from local_aws import rights
from local_aws.patching import replace

# A test may tell its handlers where to look for what they shall do wrong.
_KEPT = ("PATH", "HOME", "TMPDIR", "PYTHONPATH", "LOGLODE_STAGING", "LOGLODE_TEST_FAULTS")
SOURCE = Path(__file__).resolve().parents[1]


def patch() -> None:
    """Mends: a function is not run without Docker."""
    replace(models.LambdaFunction, "_invoke_lambda", _invoke)


def _invoke(function: Any, event: Any = None) -> tuple[str, bool, str]:
    """(answer, whether it is an error, log) of the handler that the image's command names."""
    given = event if isinstance(event, str) else json.dumps(event or {})
    command = [sys.executable, "-m", "local_aws.bootstrap", function.image_config.cmd[0]]
    try:
        done = subprocess.run(
            command, input=given, env=_environment(function), capture_output=True, text=True,
            timeout=int(function.timeout), check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        text = f"Task timed out after {int(function.timeout):.2f} seconds"
        return _error("Sandbox.Timedout", text), True, text
    if done.returncode < 0:
        return _error("Runtime.ExitError", f"signal: {-done.returncode}"), True, done.stderr
    answer = done.stdout.rstrip("\n").rpartition("\n")[2]
    return answer, done.returncode != 0, done.stderr + done.stdout


def environment() -> dict[str, str]:
    """What a process that works for the emulator is told: where it is, and no more than it must know."""
    told = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{settings.moto_server_port()}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIALOCAL",
        "AWS_SECRET_ACCESS_KEY": "a key of the emulator, not a secret",
    }
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    path = os.pathsep.join([str(SOURCE), *filter(None, [kept.get("PYTHONPATH")])])
    return kept | told | {"PYTHONPATH": path}


def _environment(function: Any) -> dict[str, str]:
    told = {
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": function.memory_size,
        "LOCAL_AWS_TIMEOUT": function.timeout,
        **function.environment_vars,
    }
    role = rights.credentials(function.role, "code") if rights.are_on() else {}
    return environment() | role | {name: str(value) for name, value in told.items()}


def _error(kind: str, text: str) -> str:
    return json.dumps({"errorType": kind, "errorMessage": text})
