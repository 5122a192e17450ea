"""What Lambda's runtime does with a handler: an event in, its answer or its error as one line of JSON out."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
import uuid
from dataclasses import dataclass, field

_STARTED = time.monotonic()


@dataclass(frozen=True)
class Context:
    """What Lambda tells a function of itself."""

    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_name: str = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "function")
    memory_limit_in_mb: str = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:local"

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is ended."""
        limit = float(os.environ.get("LOCAL_AWS_TIMEOUT", "3"))
        return max(0, int((limit - (time.monotonic() - _STARTED)) * 1000))


def main(handler: str) -> int:
    """Run `module.function` on the event at standard input."""
    module, _, name = handler.rpartition(".")
    try:
        answer = getattr(importlib.import_module(module), name)(json.load(sys.stdin), Context())
    except Exception as error:  # noqa: BLE001 - the runtime tells of every error
        traceback.print_exc()
        sys.stdout.write(json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}) + "\n")
        return 1
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
