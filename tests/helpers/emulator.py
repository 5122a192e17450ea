"""The emulator of AWS with the whole pipeline on it, and what tests ask of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import pytest
from local_aws.troubles import PATH as TROUBLES

from loglode import operations, sdk
from loglode.settings import Settings

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
SECRET = "loglode/pseudonym"  # noqa: S105 - a name
OBJECTS = int(os.environ.get("AWS_OBJECTS", "12"))
PATIENCE = max(400, 10 * OBJECTS)


@dataclass
class Seen:
    """What of the state machine was executed: states, ways between them, and errors that were tried again."""

    states: set[str] = field(default_factory=set)
    edges: set[tuple[str, str]] = field(default_factory=set)
    errors: set[tuple[str, str]] = field(default_factory=set)

    def note(self, states: Any, arn: str) -> None:
        """Add what an execution did."""
        events = states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        entered = [e["stateEnteredEventDetails"]["name"] for e in events if "stateEnteredEventDetails" in e]
        self.states.update(entered)
        self.edges.update(pairwise(entered))
        state = ""
        for event in events:
            state = event.get("stateEnteredEventDetails", {}).get("name", state)
            for kind in ("taskFailedEventDetails", "lambdaFunctionFailedEventDetails"):
                if "error" in event.get(kind, {}):
                    self.errors.add((state, event[kind]["error"]))


@dataclass
class Local:
    """The emulator, and what the tests ask of it."""

    made: dict[str, str]
    faults: Path
    s3: Any
    states: Any
    sqs: Any
    seen: Seen

    def put(self, name: str, lines: list[Any], **options: Any) -> None:
        body = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        self.s3.put_object(Bucket=self.made["bucket"], Key=f"bronze/{name}", Body=body.encode(), **options)

    def fault(self, step: str, *kinds: str) -> None:
        """What the next calls of a step come to, one a call."""
        (self.faults / step).write_text("\n".join(kinds), encoding="utf-8")

    def troubles(self, *found: dict[str, Any]) -> None:
        """What AWS itself shall refuse from now on: see local_aws.troubles. None: all goes well again."""
        self._asked("PUT", json.dumps(found).encode())

    def came_about(self) -> list[int]:
        """How often each of the troubles did."""
        return list(json.loads(self._asked("GET", None)))

    def _asked(self, method: str, body: bytes | None) -> bytes:
        address = self.made["endpoint"] + TROUBLES
        request = urllib.request.Request(address, body, method=method)  # noqa: S310 - our own server
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return bytes(answer.read())

    def executions(self) -> list[dict[str, Any]]:
        return list(self.states.list_executions(stateMachineArn=self.made["state_machine"])["executions"])

    def settled(self, count: int) -> Counter[str]:
        """States of the executions when there are so many, and all have ended."""

        def are_done() -> bool:
            found = self.executions()
            return len(found) >= count and all(e["status"] != "RUNNING" for e in found)

        wait_for(are_done)
        for execution in self.executions():
            self.seen.note(self.states, execution["executionArn"])
        return Counter(e["status"] for e in self.executions())

    def errors(self) -> list[str]:
        """What the executions that failed say."""
        found = [self.states.describe_execution(executionArn=e["executionArn"]) for e in self.executions()]
        return [f"{e.get('error')}: {e.get('cause')}" for e in found if e["status"] == "FAILED"]

    def execution_of(self, name: str) -> str:
        """The execution whose manifest names an object, when there is one."""

        def found() -> str:
            arns = [e["executionArn"] for e in self.executions()]
            return next((arn for arn in arns if f"bronze/{name}" in self.manifest(arn)), "")

        return str(wait_for(found))

    def manifest(self, arn: str) -> str:
        given = json.loads(self.states.describe_execution(executionArn=arn)["input"])
        bucket, _, key = given["manifest"].removeprefix("s3://").partition("/")
        return str(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())

    def ended(self, arn: str) -> dict[str, Any]:
        """An execution when it has ended."""

        def told() -> dict[str, Any]:
            found = dict(self.states.describe_execution(executionArn=arn))
            return {} if found["status"] == "RUNNING" else found

        found = dict(wait_for(told))
        self.seen.note(self.states, arn)
        return found

    def alerts(self) -> list[str]:
        """Texts of the alerts so far; each is taken once."""
        return [json.loads(body)["Message"] for body in self._taken("alerts")]

    def letters(self) -> list[str]:
        """Bodies of the dead letters so far; each is taken once."""
        return self._taken("dead_letters")

    def _taken(self, queue: str) -> list[str]:
        """Messages of a queue, deleted: otherwise they come back after half a minute."""
        url = self.made[queue]
        messages = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in messages]

    @property
    def lake(self) -> Settings:
        return Settings.build(lake=f"s3://{self.made['bucket']}/lake", threads=1, key_secret=SECRET)

    def asked(self, sql: str) -> list[tuple[Any, ...]]:
        return operations.query(self.lake, sql).rows()


def wait_for(condition: Callable[[], Any]) -> Any:
    """Ask until there is an answer, less and less often, since the emulator has other things to do."""
    deadline, pause = time.monotonic() + PATIENCE, 0.1
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(pause)
        pause = min(pause * 1.2, 1.0)
    raise AssertionError("it did not come about")


@contextlib.contextmanager
def emulator(folder: Path, *options: str) -> Iterator[Local]:
    """Starts the emulator in a process of its own, as `python -m local_aws` does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    faults = folder / f"faults-{port}"
    faults.mkdir()
    environment = os.environ | {"PYTHONPATH": f"{SOURCE}:{ROOT}", "LOGLODE_TEST_FAULTS": str(faults)}
    words = [sys.executable, "-m", "local_aws", "--port", str(port), *options]
    with (folder / f"log-{port}").open("w") as log, pytest.MonkeyPatch.context() as variables:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        assert process.stdout is not None
        told = process.stdout.readline()
        assert told, (folder / f"log-{port}").read_text(encoding="utf-8")
        made = json.loads(told)
        for name, value in {
            "AWS_ENDPOINT_URL": made["endpoint"],
            "AWS_ACCESS_KEY_ID": "AKIALOCAL",
            "AWS_SECRET_ACCESS_KEY": "a key of the emulator",
            "AWS_DEFAULT_REGION": "us-east-1",
            "LOGLODE_STAGING": str(folder / "staging"),
        }.items():
            variables.setenv(name, value)
        _forget()
        clients = [boto3.client(name) for name in ("s3", "stepfunctions", "sqs")]
        try:
            yield Local(made, faults, clients[0], clients[1], clients[2], Seen())
        finally:
            for client in clients:
                client.close()
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
            process.stdout.close()
            _forget()


def _forget() -> None:
    sdk.forget()
