"""STAND-IN for EventBridge's rule on failed executions, which the emulator lacks: the same text to SNS."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws.sandboxes import MODULES

RULE = MODULES / "monitoring" / "failure_notice.json"
_ROUND_SECONDS = 0.3
FAILED = ("FAILED", "TIMED_OUT", "ABORTED")


class Notifier(threading.Thread):
    """Publishes each failure of an execution once."""

    def __init__(self, endpoint: str, machine: str, topic: str) -> None:
        super().__init__(daemon=True)
        self._states = boto3.client("stepfunctions", endpoint_url=endpoint)
        config = Config(retries={"total_max_attempts": 1})  # the next round is the next attempt
        self._sns = boto3.client("sns", endpoint_url=endpoint, config=config)
        self._machine, self._topic = machine, topic
        self._told: set[tuple[str, Any]] = set()

    def run(self) -> None:
        while True:
            time.sleep(_ROUND_SECONDS)
            for execution in self._states.list_executions(stateMachineArn=self._machine)["executions"]:
                state = (execution["executionArn"], execution.get("stopDate"))
                if execution["status"] not in FAILED or state in self._told:
                    continue
                if self._publish(self._states.describe_execution(executionArn=state[0])):
                    self._told.add(state)

    def _publish(self, execution: dict[str, Any]) -> bool:
        """False while SNS refuses; the rule tries again for a day, this as long as it runs."""
        event = {"detail": {name: execution.get(name) for name in _FIELDS}}
        try:
            self._sns.publish(TopicArn=self._topic, Message=text_of(event))
        except ClientError as error:
            sys.stderr.write(f"notice not taken: {error}\n")
            return False
        return True


_FIELDS = ("executionArn", "name", "status", "error", "cause", "input", "stateMachineArn")


def text_of(event: dict[str, Any]) -> str:
    """What the rule's input transformer makes of an event.

    As on AWS, values are put into the template as they are, without escapes. What is not JSON afterwards is
    not delivered: ValueError.
    """
    rule = json.loads(RULE.read_text(encoding="utf-8"))

    def value(match: re.Match[str]) -> str:
        found: Any = event
        for name in rule["paths"][match[1]].removeprefix("$.").split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return "" if found is None else str(found)

    return str(json.loads(re.sub(r"<(\w+)>", value, rule["template"])))
