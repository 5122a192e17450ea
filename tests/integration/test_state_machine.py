"""The whole pipeline on AWS, emulated over HTTP: events, functions, state machine, Glue jobs with real Spark.

Handlers, definition and scripts are the real ones; faults are put in by tests/integration/faults.py.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.integration.following import assert_followed, lineage_steps
from tests.tools import ALL_TABLES, BY_BATCH, LINEAGE, load, record, records, rows

from loglode import pipeline, storage
from loglode.generate import GenerateSpec, generate
from loglode.settings import Settings

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
SECRET = "loglode/pseudonym"  # noqa: S105 - a name
OBJECTS = int(os.environ.get("AWS_OBJECTS", "12"))
PATIENCE = 120
ASL = SOURCE / "state_machine" / "pipeline.asl.json"
STATES_SEEN: set[str] = set()
EDGES_SEEN: set[tuple[str, str]] = set()


@dataclass
class Local:
    """The emulator, and what the tests ask of it."""

    made: dict[str, str]
    faults: Path
    s3: Any
    states: Any
    sqs: Any

    def put(self, name: str, lines: list[Any], **options: Any) -> None:
        body = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        self.s3.put_object(Bucket=self.made["bucket"], Key=f"bronze/{name}", Body=body.encode(), **options)

    def fault(self, step: str, *kinds: str) -> None:
        """What the next calls of a step come to, one a call."""
        (self.faults / step).write_text("\n".join(kinds), encoding="utf-8")

    def executions(self) -> list[dict[str, Any]]:
        return list(self.states.list_executions(stateMachineArn=self.made["state_machine"])["executions"])

    def settled(self, count: int) -> Counter[str]:
        """States of the executions when there are so many, and all have ended."""

        def are_done() -> bool:
            found = self.executions()
            return len(found) >= count and all(e["status"] != "RUNNING" for e in found)

        wait_for(are_done)
        for execution in self.executions():
            self._note(execution["executionArn"])
        return Counter(e["status"] for e in self.executions())

    def errors(self) -> list[str]:
        """What the executions that failed say."""
        found = [self.states.describe_execution(executionArn=e["executionArn"]) for e in self.executions()]
        return [f"{e.get('error')}: {e.get('cause')}" for e in found if e["status"] == "FAILED"]

    def _note(self, arn: str) -> None:
        events = self.states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        entered = [e["stateEnteredEventDetails"]["name"] for e in events if "stateEnteredEventDetails" in e]
        STATES_SEEN.update(entered)
        EDGES_SEEN.update(pairwise(entered))

    def alerts(self) -> list[str]:
        """Texts of the alerts so far; each is taken once."""
        found = self.sqs.receive_message(QueueUrl=self.made["alerts"], MaxNumberOfMessages=10)
        return [json.loads(message["Body"])["Message"] for message in found.get("Messages", [])]

    def letters(self) -> list[str]:
        """Bodies of the dead letters so far; each is taken once."""
        found = self.sqs.receive_message(QueueUrl=self.made["dead_letters"], MaxNumberOfMessages=10)
        return [message["Body"] for message in found.get("Messages", [])]

    @property
    def lake(self) -> Settings:
        return Settings.build(lake=f"s3://{self.made['bucket']}/lake", threads=1, key_secret=SECRET)

    def asked(self, sql: str) -> list[tuple[Any, ...]]:
        return list(pipeline.query(self.lake, sql).rows)


def wait_for(condition: Callable[[], Any]) -> Any:
    """Ask until there is an answer."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come about")


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Local]]:
    """Starts the emulator in a process of its own, as `python -m local_aws` does."""
    processes: list[subprocess.Popen[str]] = []

    def begin(*options: str) -> Local:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        faults = tmp_path / f"faults-{port}"
        faults.mkdir()
        environment = os.environ | {"PYTHONPATH": f"{SOURCE}:{ROOT}", "LOGLODE_TEST_FAULTS": str(faults)}
        words = [sys.executable, "-m", "local_aws", "--port", str(port), *options]
        log = (tmp_path / f"log-{port}").open("w")
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        log.close()
        processes.append(process)
        assert process.stdout is not None
        made = json.loads(process.stdout.readline())
        for name, value in {
            "AWS_ENDPOINT_URL": made["endpoint"],
            "AWS_ACCESS_KEY_ID": "AKIALOCAL",
            "AWS_SECRET_ACCESS_KEY": "a key of the emulator",
            "AWS_DEFAULT_REGION": "us-east-1",
            "LOGLODE_STAGING": str(tmp_path / "staging"),
        }.items():
            monkeypatch.setenv(name, value)
        for cached in (storage.client, storage._session, storage.read_secret):
            cached.cache_clear()
        return Local(made, faults, *(boto3.client(name) for name in ("s3", "stepfunctions", "sqs")))

    yield begin
    for process in processes:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        if process.stdout:
            process.stdout.close()
    for cached in (storage.client, storage._session, storage.read_secret):
        cached.cache_clear()


@pytest.fixture
def local(start: Callable[..., Local]) -> Local:
    """With handlers into which faults can be put."""
    return start("--transform", "tests.integration.faults.handler")


def test_objects_in_bursts_events_repeated_and_executions_killed(local: Local, tmp_path: Path) -> None:
    generate(GenerateSpec(out=tmp_path / "logs", events=OBJECTS * 40, days=2, seed=5, files=OBJECTS, broken_share=0.02,
                          duplicate_share=0.02))  # fmt: skip
    files = sorted(path for path in (tmp_path / "logs").glob("*.json") if path.name[0] != "_")
    chance = random.Random(7)
    events = []
    for path in files:
        local.s3.upload_file(str(path), local.made["bucket"], f"bronze/{path.name}")
        thing = {"bucket": {"name": local.made["bucket"]}, "object": {"key": f"bronze/{path.name}"}}
        record_ = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": thing}
        events += [json.dumps({"Records": [record_]})] * 2  # the emulator has sent one already
    chance.shuffle(events)
    for body in events:
        local.sqs.send_message(QueueUrl=local.made["queue"], MessageBody=body)
    stopped = [wait_for(lambda: running(local)) for _ in range(2)]
    wait_for(lambda: is_empty(local))
    local.settled(1)
    for number, arn in enumerate(stopped):
        given = local.states.describe_execution(executionArn=arn)["input"]
        local.states.start_execution(
            stateMachineArn=local.made["state_machine"], name=f"again-{number}", input=given
        )
    outcome = local.settled(1)
    assert outcome["ABORTED"] == len(set(stopped)) and not outcome["FAILED"], local.errors()
    batches = {json.loads(local.states.describe_execution(executionArn=e["executionArn"])["input"])["batch_id"]
               for e in local.executions()}  # fmt: skip
    assert len(local.executions()) - len(stopped) == len(batches) < len(files) * 3, (
        "executions are batches, not events"
    )
    assert pipeline.verify(local.lake).is_ok
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=SECRET)["SecretString"]
    (tmp_path / "key").write_text(secret, encoding="ascii")
    load(tmp_path / "calm", *files)
    copy = fetched(local, tmp_path / "copy")
    for name in ALL_TABLES:
        if name not in BY_BATCH:
            assert rows(copy, name, without=LINEAGE) == rows(tmp_path / "calm", name, without=LINEAGE), name


def running(local: Local) -> str:
    """Stops an execution in the middle; returns which, none if none runs."""
    for execution in local.executions():
        if execution["status"] == "RUNNING":
            local.states.stop_execution(executionArn=execution["executionArn"])
            return str(execution["executionArn"])
    return ""


def is_empty(local: Local) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = local.sqs.get_queue_attributes(QueueUrl=local.made["queue"], AttributeNames=names)["Attributes"]
    return all(int(found[name]) == 0 for name in names)


def fetched(local: Local, folder: Path) -> Path:
    for page in local.s3.get_paginator("list_objects_v2").paginate(
        Bucket=local.made["bucket"], Prefix="lake/"
    ):
        for entry in page.get("Contents", ()):
            target = folder / entry["Key"].removeprefix("lake/")
            target.parent.mkdir(parents=True, exist_ok=True)
            local.s3.download_file(local.made["bucket"], entry["Key"], str(target))
    return folder


def test_glue_takes_what_lambda_cannot(start: Callable[..., Local]) -> None:
    local = start("--transform", "tests.integration.faults.handler", "--max-lambda-bytes", "6000",
                  "--openlineage", "s3://loglode-local/lake/ops/openlineage")  # fmt: skip
    # Silver by Glue since the batch is large, an object is, or the function runs out of memory; gold by
    # Glue since the function is killed.
    local.fault("bronze_to_silver", "memory", "too_large")
    local.fault("silver_to_gold", "killed")
    local.put("one.json", [*records(20), "broken"])
    first = wait_for(local.executions)[0]["executionArn"]
    local.put("two.json", records(20, first=10_000))
    wait_for(lambda: len(local.executions()) == 2)
    local.put("large.json", records(50, first=50_000))
    assert local.settled(3) == {"SUCCEEDED": 3}, local.errors()
    assert local.asked("select engine, sum(lines_read) from runs group by all") == [("spark", 91)]
    assert local.asked("select sum(requests) from daily_metrics") == [(90,)]
    assert pipeline.verify(local.lake).is_ok
    given = json.loads(local.states.describe_execution(executionArn=first)["input"])
    by = {
        "bronze_to_silver": "glue",
        "quality_gate": "transform",
        "silver_to_gold": "glue",
        "finish": "transform",
    }
    assert_followed(local.lake, given, by)
    told = lineage_steps("loglode-local", "lake/ops/openlineage/", given["correlation_id"])
    assert {
        (name, kind) for name in ("bronze_to_silver", "silver_to_gold") for kind in ("START", "COMPLETE")
    } <= told


def test_failures_are_told_and_nothing_is_lost(local: Local) -> None:
    # Throttled, then a conflict, then short of time: repeated by the state machine until it goes.
    local.fault("bronze_to_silver", "busy", "conflict", "unfinished")
    local.fault("silver_to_gold", "conflict")
    local.put("one.json", records(5))
    assert local.settled(1) == {"SUCCEEDED": 1}
    given = local.states.describe_execution(executionArn=local.executions()[0]["executionArn"])["input"]
    steps = ("bronze_to_silver", "quality_gate", "silver_to_gold", "finish")
    assert_followed(local.lake, json.loads(given), dict.fromkeys(steps, "transform"))
    # Refused lines above the limit: the execution fails, gold waits, somebody is told.
    local.put("bad.json", ["broken"] * 5 + [json.dumps(record(7200))])
    assert local.settled(2) == {"SUCCEEDED": 1, "FAILED": 1}
    (alert,) = wait_for(local.alerts)
    assert "TooManyRefused" in alert and "redrive-execution" in alert and "0.83" in alert
    assert local.asked("select count(*) from web_logs") == [(6,)]
    # Access denied is not repeated; what fails is named, and a start with the same input mends it.
    local.fault("bronze_to_silver", "denied")
    local.put("three.json", records(5, first=20_000))
    assert local.settled(3)["FAILED"] == 2
    (alert,) = wait_for(local.alerts)
    assert "AccessDeniedError" in alert and "_manifests/" in alert
    failed = next(
        e for e in local.executions() if e["status"] == "FAILED" and "three" in manifest_of(local, e)
    )
    again = local.states.describe_execution(executionArn=failed["executionArn"])["input"]
    batch = json.loads(again)["batch_id"]
    words = ["--batch", batch, "--manifests", f"s3://{local.made['bucket']}/_manifests"]
    command = [sys.executable, "-m", "loglode", "aws", "replay", *words, "--state-machine"]
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    subprocess.run([*command, local.made["state_machine"]], env=environment, check=True, capture_output=True)
    assert local.settled(4)["SUCCEEDED"] == 2, local.errors()
    assert local.asked("select sum(requests) from daily_metrics") == [(11,)]
    assert pipeline.verify(local.lake).is_ok


def manifest_of(local: Local, execution: dict[str, Any]) -> str:
    given = json.loads(local.states.describe_execution(executionArn=execution["executionArn"])["input"])
    bucket, _, key = given["manifest"].removeprefix("s3://").partition("/")
    return str(local.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())


def test_messages_that_are_no_events_end_as_dead_letters(local: Local) -> None:
    local.sqs.send_message(QueueUrl=local.made["queue"], MessageBody="no event")
    thing = {"bucket": {"name": local.made["bucket"]}, "object": {"key": "bronze/gone.json"}}
    gone = {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": thing}]}
    local.sqs.send_message(QueueUrl=local.made["queue"], MessageBody=json.dumps(gone))
    local.put("one.json", records(3))
    assert local.settled(1) == {"SUCCEEDED": 1}
    letters: list[str] = []
    while len(letters) < 2:
        letters += wait_for(local.letters)
    assert sorted("gone.json" in letter for letter in letters) == [False, True]


def test_every_state_and_every_way_on_was_taken() -> None:
    """After the tests above: what the definition has, and what was executed."""
    if not STATES_SEEN:
        pytest.skip("says something only after the other tests of this file")
    machine = json.loads(re.sub(r"\$\{max_lambda_bytes\}", "1", ASL.read_text(encoding="utf-8")))["States"]
    ways = {
        (name, part["Next"])
        for name, state in machine.items()
        for part in (state, *state.get("Choices", ()), *state.get("Catch", ()))
        if "Next" in part
    } | {(name, state["Default"]) for name, state in machine.items() if "Default" in state}
    assert machine.keys() - STATES_SEEN == set()
    assert ways - EDGES_SEEN == set()
