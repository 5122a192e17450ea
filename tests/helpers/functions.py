"""What AWS Lambda passes to a function."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Context:
    """What Lambda tells a function of itself."""

    aws_request_id: str = "request-1"
    function_name: str = "loglode"
    memory_limit_in_mb: int = 1024
    seconds: int = 900
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:loglode"

    def get_remaining_time_in_millis(self) -> int:
        return self.seconds * 1000
