"""Lambda: the emulator wants Docker, or echoes its input. Here the handler runs in a process of its own.

Time and memory are what the function was given; a process that dies is told as AWS tells it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from moto import settings
from moto.awslambda import models

from local_aws import rights
from local_aws.patching import replace

# A test may tell its handlers where to look for what they shall do wrong.
_KEPT = ("PATH", "HOME", "TMPDIR", "PYTHONPATH", "LOGLODE_STAGING", "LOGLODE_TEST_FAULTS")
# A laptop has few cores: more at once would only run into their timeouts. AWS has more, and these wait.
_PLACES = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))
_LOOK_SECONDS = 0.05
SOURCE = Path(__file__).resolve().parents[1]


def patch() -> None:
    """Mends: a function is not run without Docker."""
    replace(models.LambdaFunction, "_invoke_lambda", _invoke)


def _invoke(function: Any, event: Any = None) -> tuple[str, bool, str]:
    """(answer, whether it is an error, log) of the handler that the image's command names."""
    given = event if isinstance(event, str) else json.dumps(event or {})
    command = [sys.executable, "-m", "local_aws.bootstrap", function.image_config.cmd[0]]
    with _PLACES, subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=_environment(function),
    ) as process:  # fmt: skip
        out, log, ended = _watched(process, given, int(function.timeout), int(function.memory_size) << 20)
    if ended:
        return ended, True, log
    if process.returncode < 0:
        return _error("Runtime.ExitError", f"signal: {-process.returncode}"), True, log
    answer = out.rstrip("\n").rpartition("\n")[2]
    return answer, process.returncode != 0, log + out


def _watched(process: subprocess.Popen[str], given: str, seconds: int, memory: int) -> tuple[str, str, str]:
    """(output, log, why it was ended): no function runs longer or takes more than it was given."""
    deadline, unsent, ended = time.monotonic() + seconds, [given], ""
    while True:
        try:
            out, log = process.communicate(unsent.pop() if unsent else None, timeout=_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                ended = _error("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")
            elif _resident(process.pid) > memory:
                ended = _error("Runtime.OutOfMemory", "Runtime exited with error: signal: killed")
            if ended:
                process.kill()
        else:
            return out, log, ended


def _resident(pid: int) -> int:
    """Bytes that a process holds; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/statm")
    words = status.read_text(encoding="ascii").split() if status.exists() else []
    return int(words[1]) * os.sysconf("SC_PAGE_SIZE") if words else 0


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
