"""The whole pipeline on AWS, emulated over HTTP: events, functions, state machine, Glue jobs with real Spark.

Handlers, definition and scripts are the real ones; faults are put in by tests/helpers/faults.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.helpers.emulator import OBJECTS, SECRET, SOURCE, Local, Seen, emulator, wait_for
from tests.helpers.following import assert_followed, assert_told, steps_logged
from tests.helpers.lakes import ALL_TABLES, BY_BATCH, LINEAGE, load, record, records, rows

from loglode import operations
from loglode_generator import GenerateSpec, generate

ASL = SOURCE.parent / "terraform" / "modules" / "step_functions" / "pipeline.asl.json"
SEEN = Seen()
TRANSFORM = "loglode-transform"
NOT_MET = {
    "Lambda.SdkClientException", "Lambda.Unknown", "MemoryShortError", "Runtime.ExitError", "Runtime.OutOfMemory",
    "Sandbox.Timedout", "States.TaskFailed", "States.Timeout",
}  # fmt: skip
STEPS = ("bronze_to_silver", "quality_gate", "silver_to_gold", "finish")
CRAWLS_LATER = ("ThrottlingException", "OperationTimeoutException", "CrawlerRunningException")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Local]]:
    """Starts the emulator; what was executed there is counted at the end of this file."""
    with contextlib.ExitStack() as running_:

        def begin(*options: str) -> Local:
            made = running_.enter_context(emulator(tmp_path, *options))
            made.seen = SEEN
            return made

        yield begin


@pytest.fixture
def local(start: Callable[..., Local]) -> Local:
    """With handlers into which faults can be put."""
    return start("--transform", "tests.helpers.faults.handler")


def test_objects_in_bursts_events_repeated_and_executions_killed(
    start: Callable[..., Local], tmp_path: Path
) -> None:
    local = start("--transform", "tests.helpers.faults.handler", "--batch-size", str(max(10, OBJECTS // 8)))
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
    local.troubles({"method": "PUT", "path": "lake/silver/web_logs", "holds": True})
    for body in events:
        local.sqs.send_message(QueueUrl=local.made["queue"], MessageBody=body)
    stopped = wait_for(lambda: found[:2] if len(found := at_work(local)) > 1 else [])
    for arn in stopped:
        local.states.stop_execution(executionArn=arn)
    local.troubles()
    wait_for(lambda: is_empty(local))
    assert local.settled(2)["ABORTED"] == len(stopped)
    for arn in stopped:
        local.states.redrive_execution(executionArn=arn)
    assert local.settled(1).keys() == {"SUCCEEDED"}, local.errors()
    batches = {json.loads(local.states.describe_execution(executionArn=e["executionArn"])["input"])["batch_id"]
               for e in local.executions()}  # fmt: skip
    assert len(local.executions()) == len(batches) < len(files) * 3, "executions are batches, not events"
    assert operations.verify(local.lake).is_ok
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=SECRET)["SecretString"]
    (tmp_path / "key").write_text(secret, encoding="ascii")
    load(tmp_path / "calm", *files)
    copy = fetched(local, tmp_path / "copy")
    for name in ALL_TABLES:
        if name not in BY_BATCH:
            assert rows(copy, name, without=LINEAGE) == rows(tmp_path / "calm", name, without=LINEAGE), name


def at_work(local: Local) -> list[str]:
    """Executions whose first step is under way."""
    under_way = [str(e["executionArn"]) for e in local.executions() if e["status"] == "RUNNING"]
    return [arn for arn in under_way if "BronzeToSilver" in entered(local, arn)]


def entered(local: Local, arn: str) -> set[str]:
    seen = Seen()
    seen.note(local.states, arn)
    return seen.states


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


def test_glue_takes_what_lambda_cannot_and_a_job_that_failed_is_redriven(start: Callable[..., Local]) -> None:
    local = start("--transform", "tests.helpers.faults.handler", "--max-lambda-bytes", "6000",
                  "--openlineage", "s3://loglode-local/lake/ops/openlineage")  # fmt: skip
    # Silver by Glue since the function's time is over, an object or the batch is too large; gold by Glue since
    # the function takes more memory than it has.
    local.fault("bronze_to_silver", "hangs", "too_large")
    local.fault("silver_to_gold", "hungry")
    local.troubles(*not_taken("bronze_silver"), *not_taken("silver_gold"))
    with limited(seconds=5):
        local.put("one.json", [*records(20), "broken"])
        wait_for(lambda: (local.executions(), "GlueBronzeToSilver" in noted(local).states)[-1])
    first = local.execution_of("one.json")
    local.put("two.json", records(20, first=10_000))
    # The job fails, and once more: the object may not be read.
    denied = {"method": "GET", "path": "bronze/large.json", "status": 403, "code": "AccessDenied"}
    second = local.execution_of("two.json")
    wait_for(lambda: all(local.came_about()))
    local.troubles(denied)
    local.put("large.json", records(50, first=50_000))
    large = local.execution_of("large.json")
    failed = local.ended(large)
    assert failed["error"] == "States.TaskFailed" and "bronze/large.json: access denied" in failed["cause"]
    (alert,) = wait_for(local.alerts)
    assert f"redrive-execution --execution-arn {large}" in alert
    local.troubles()
    local.states.redrive_execution(executionArn=large)
    assert local.settled(3) == {"SUCCEEDED": 3}, local.errors()
    assert {("BronzeToSilver", "Sandbox.Timedout"), ("SilverToGold", "Runtime.OutOfMemory")} < SEEN.errors
    assert local.asked("select engine, sum(lines_read) from runs group by all") == [("spark", 91)]
    assert local.asked("select sum(requests) from daily_metrics") == [(90,)]
    assert operations.verify(local.lake).is_ok
    inputs = [local.states.describe_execution(executionArn=arn)["input"] for arn in (first, second)]
    given, other = map(json.loads, inputs)
    by = {"bronze_to_silver": "glue", "quality_gate": "transform", "finish": "transform"}
    assert_followed(local.lake, given, by, gold=())
    # Whichever of the two came to gold first found the function short of memory.
    logged = steps_logged(given["correlation_id"]) | steps_logged(other["correlation_id"])
    assert ("glue", "silver_to_gold") in logged
    ids = [given["correlation_id"], other["correlation_id"]]
    assert_told("loglode-local", "lake/ops/openlineage/", local.lake, ids)


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Functions that begin meanwhile have less time."""
    functions = boto3.client("lambda")
    before = functions.get_function_configuration(FunctionName=TRANSFORM)["Timeout"]
    functions.update_function_configuration(FunctionName=TRANSFORM, Timeout=seconds)
    yield
    functions.update_function_configuration(FunctionName=TRANSFORM, Timeout=before)
    functions.close()


def noted(local: Local) -> Seen:
    for execution in local.executions():
        local.seen.note(local.states, execution["executionArn"])
    return local.seen


def refused(step: str) -> list[dict[str, Any]]:
    """Lambda does not take a step's call, in each way it has."""
    kinds = {"TooManyRequestsException": 429, "ServiceException": 500, "AWSLambdaException": 500}
    call = {"path": f"{TRANSFORM}/invocations", "body": f'"{step}"', "times": 1}
    return [{**call, "code": code, "status": status} for code, status in kinds.items()]


def not_taken(job: str) -> list[dict[str, Any]]:
    """Glue does not start a job, in each way it has."""
    kinds = ("ConcurrentRunsExceededException", "ThrottlingException", "InternalServiceException")
    call = {"body": f'StartJobRun.*"loglode-{job}"', "status": 400, "times": 1}
    return [{**call, "code": code} for code in kinds]


def test_failures_are_told_and_nothing_is_lost(local: Local) -> None:
    # Conflict, short of time; Lambda, Glue and S3 throttled: repeated by the state machine until it goes.
    local.fault("bronze_to_silver", "conflict", "unfinished")
    local.fault("silver_to_gold", "conflict")
    crawls = [{"body": "StartCrawler", "status": 400, "code": code, "times": 1} for code in CRAWLS_LATER]
    slow = {"method": "GET|HEAD", "path": r"lake/ops/runs/.*\.parquet", "times": 6}
    local.troubles(slow, *crawls, *(trouble for step in STEPS for trouble in refused(step)))
    local.put("one.json", records(5))
    assert local.settled(1) == {"SUCCEEDED": 1}, local.errors()
    assert local.came_about() == [6] + [1] * 15
    given = local.states.describe_execution(executionArn=local.executions()[0]["executionArn"])["input"]
    assert_followed(local.lake, json.loads(given), dict.fromkeys(STEPS, "transform"))
    # Refused lines above the limit: the execution fails, gold waits, somebody is told, once SNS is up again.
    local.troubles({"body": "Action=Publish", "status": 503, "code": "ServiceUnavailable", "times": 3})
    local.put("bad.json", ["broken"] * 5 + [json.dumps(record(7200))])
    assert local.settled(2) == {"SUCCEEDED": 1, "FAILED": 1}
    (alert,) = wait_for(local.alerts)
    assert local.came_about() == [3]
    assert "TooManyRefused" in alert and "redrive-execution" in alert and "describe-execution" in alert
    assert local.asked("select count(*) from web_logs") == [(6,)]
    # Access denied is not repeated; what fails is named, and a start with the same input mends it.
    log = "lake/silver/web_logs/_delta_log"
    local.troubles({"method": "PUT", "path": log, "status": 403, "code": "AccessDenied"})
    local.put("three.json", records(5, first=20_000))
    third = local.execution_of("three.json")
    assert local.ended(third)["error"] == "AccessDeniedError"
    (alert,) = wait_for(local.alerts)
    assert "AccessDeniedError" in alert
    cause = local.ended(third)["cause"]
    assert f"{log}/" in cause and "access denied" in cause
    assert local.came_about() == [1]
    local.troubles()
    assert alert.endswith(f"redrive-execution --execution-arn {third}")
    batch = json.loads(local.states.describe_execution(executionArn=third)["input"])["batch_id"]
    words = ["--batch", batch, "--manifests", f"s3://{local.made['bucket']}/_manifests"]
    command = [sys.executable, "-m", "loglode", "aws", "replay", *words, "--state-machine"]
    environment = os.environ | {"PYTHONPATH": f"{SOURCE}:{SOURCE.parent}"}
    subprocess.run([*command, local.made["state_machine"]], env=environment, check=True, capture_output=True)
    assert local.settled(4)["SUCCEEDED"] == 2, local.errors()
    # An object goes between its event and its reading: told after some attempts, by its name.
    local.troubles({"method": "GET", "path": "bronze/goes.json", "holds": True})
    local.put("goes.json", records(5, first=40_000))
    gone = local.execution_of("goes.json")
    wait_for(lambda: local.came_about() != [0])
    local.s3.delete_object(Bucket=local.made["bucket"], Key="bronze/goes.json")
    local.troubles()
    failed = local.ended(gone)
    assert failed["error"] == "SourceError" and "bronze/goes.json" in failed["cause"]
    (alert,) = wait_for(local.alerts)
    assert "SourceError" in alert
    assert local.asked("select sum(requests) from daily_metrics") == [(11,)]
    assert operations.verify(local.lake).is_ok


def test_messages_that_are_no_events_end_as_dead_letters(local: Local) -> None:
    local.sqs.send_message(QueueUrl=local.made["queue"], MessageBody="no event")
    thing = {"bucket": {"name": local.made["bucket"]}, "object": {"key": "bronze/gone.json"}}
    gone = {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": thing}]}
    local.sqs.send_message(QueueUrl=local.made["queue"], MessageBody=json.dumps(gone))
    for step in STEPS:
        local.fault(step, "busy")  # and S3 has a bad day
    local.put("one.json", records(3))
    assert local.settled(1) == {"SUCCEEDED": 1}
    letters: list[str] = []
    while len(letters) < 2:
        letters += wait_for(local.letters)
    assert sorted("gone.json" in letter for letter in letters) == [False, True]


@pytest.mark.sums_up
def test_every_state_and_every_way_on_was_taken() -> None:
    """After the tests above: what the definition has, and what was executed."""
    if not SEEN.states:
        pytest.skip("says something only after the other tests of this file")
    machine = json.loads(re.sub(r"\$\{max_lambda_bytes\}", "1", ASL.read_text(encoding="utf-8")))["States"]
    ways = {
        (name, part["Next"])
        for name, state in machine.items()
        for part in (state, *state.get("Choices", ()), *state.get("Catch", ()))
        if "Next" in part
    } | {(name, state["Default"]) for name, state in machine.items() if "Default" in state}
    assert machine.keys() - SEEN.states == set()
    assert ways - SEEN.edges == set()
    # Of the errors that are tried again, or mended by another state, each state has met some, and these alone were
    # not met by all: another way to say the same, or nothing that the emulator can bring about there.
    mended = {
        (name, error)
        for name, state in machine.items()
        for part in (*state.get("Retry", ()), *state.get("Catch", ()))
        for error in part["ErrorEquals"]
    }
    assert {error for _, error in mended - SEEN.errors} <= NOT_MET
    assert {name for name, _ in mended} == {name for name, _ in mended & SEEN.errors}
