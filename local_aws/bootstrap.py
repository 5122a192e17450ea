"""What Lambda's runtime does with a handler: events in, one a line, and for each its answer or its error."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
import uuid
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Context:
    """What Lambda tells a function of itself."""

    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_name: str = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "function")
    memory_limit_in_mb: str = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:local"
    called: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is ended."""
        limit = float(os.environ.get("LOCAL_AWS_TIMEOUT", "3"))
        return max(0, int((limit - (time.monotonic() - self.called)) * 1000))


def main(handler: str, answers: int) -> None:
    """Run `module.function` on each line of standard input, until it ends; answers go to a pipe."""
    with open(answers, "w", encoding="utf-8") as pipe:
        for line in sys.stdin:
            told = _answered(handler, json.loads(line))
            sys.stdout.flush()
            pipe.write(json.dumps(told) + "\n")
            pipe.flush()


def _answered(handler: str, event: str) -> tuple[str, bool]:
    """(answer, whether it is an error) as JSON."""
    module, _, name = handler.rpartition(".")
    try:
        answer = getattr(importlib.import_module(module), name)(json.loads(event), Context())
        return json.dumps(answer), False
    except Exception as error:  # noqa: BLE001 - the runtime tells of every error
        traceback.print_exc()
        return json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}), True


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
