"""Lambda: the emulator wants Docker, or echoes its input. Here handlers run in processes of their own.

As on AWS a process serves one call at a time, stays for the next, and is ended when a call takes more
time or memory than the function was given.
"""

from __future__ import annotations

import json
import os
import threading
from typing import Any

from moto import settings
from moto.awslambda import models

from local_aws import rights
from local_aws.patching import replace
from local_aws.sandboxes import ROOT, SOURCE, Ended, Pool

# A test may tell its handlers where to look for what they shall do wrong.
_KEPT = ("PATH", "HOME", "TMPDIR", "PYTHONPATH", "LOGLODE_STAGING", "LOGLODE_TEST_FAULTS")
# A laptop has few cores: more at once would only run into their timeouts. AWS has more, and these wait.
_PLACES = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))
_POOL = Pool()


def patch() -> None:
    """Mends: a function is not run without Docker."""
    replace(models.LambdaFunction, "_invoke_lambda", _invoke)


def _invoke(function: Any, event: Any = None) -> tuple[str, bool, str]:
    """(answer, whether it is an error, log) of the handler that the image's command names."""
    given = event if isinstance(event, str) else json.dumps(event or {})
    told = _environment(function)
    # A role's credentials are other ones each time they are asked for.
    same = json.dumps([function.image_config.cmd, function.role, told], sort_keys=True)
    with _PLACES:
        sandbox = _POOL.take(same) or _POOL.start(function.image_config.cmd[0], told | _role(function))
        try:
            answer, is_error = sandbox.call(given, int(function.timeout), int(function.memory_size) << 20)
        except Ended as ended:
            return _error(ended.kind, ended.text), True, sandbox.log()
        log = sandbox.log()
        _POOL.give_back(same, sandbox)
        return answer, is_error, log


def environment() -> dict[str, str]:
    """What a process that works for the emulator is told: where it is, and no more than it must know."""
    told = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{settings.moto_server_port()}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIALOCAL",
        "AWS_SECRET_ACCESS_KEY": "a key of the emulator, not a secret",
    }
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    path = os.pathsep.join([str(SOURCE), str(ROOT), *filter(None, [kept.get("PYTHONPATH")])])
    return kept | told | {"PYTHONPATH": path}


def _environment(function: Any) -> dict[str, str]:
    told = {
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": function.memory_size,
        "LOCAL_AWS_TIMEOUT": function.timeout,
        **function.environment_vars,
    }
    return environment() | {name: str(value) for name, value in told.items()}


def _role(function: Any) -> dict[str, str]:
    return rights.credentials(function.role, "code") if rights.are_on() else {}


def _error(kind: str, text: str) -> str:
    return json.dumps({"errorType": kind, "errorMessage": text})
