"""The functions of AWS Lambda with real events, on the emulator; and the state machine that calls them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import boto3
import pytest
from tests.helpers.functions import Context
from tests.helpers.lakes import BUCKET, log_lines, records
from tests.helpers.s3 import LAKE, put

from lambda_functions import transform, trigger
from loglode import errors, metrics, operations
from loglode.errors import SourceError, StorageError, UsageError
from loglode.settings import Settings

ASL = Path(__file__).parents[2] / "terraform" / "modules" / "step_functions" / "pipeline.asl.json"


def definition() -> str:
    """The state machine as deployed."""
    values = {"max_lambda_bytes": "100000000"}
    return re.sub(r"\$\{(\w+)\}", lambda m: values.get(m[1], m[1]), ASL.read_text("utf-8"))


@pytest.fixture
def machine(s3: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The emulator with the state machine, and the functions' variables."""
    del s3
    states = boto3.client("stepfunctions")
    arn = states.create_state_machine(
        name="loglode", definition=definition(), roleArn="arn:aws:iam::123456789012:role/loglode"
    )["stateMachineArn"]
    for name, value in {
        "LOGLODE_STATE_MACHINE": arn,
        "LOGLODE_BRONZE": f"s3://{BUCKET}/bronze",
        "LOGLODE_MANIFESTS": f"s3://{BUCKET}/_manifests",
        "LOGLODE_LAKE": LAKE,
    }.items():
        monkeypatch.setenv(name, value)

    def executions() -> list[dict[str, Any]]:
        found = states.list_executions(stateMachineArn=arn)["executions"]
        arns = [execution["executionArn"] for execution in found]
        return [json.loads(states.describe_execution(executionArn=a)["input"]) for a in arns]

    yield executions
    states.close()


def s3_event(
    *keys: str, name: str = "ObjectCreated:Put", bucket: str = BUCKET, version: str = ""
) -> dict[str, Any]:
    def of(key: str) -> dict[str, Any]:
        named = {"key": quote_plus(key), "size": 1, "eTag": "x"}
        return {"bucket": {"name": bucket}, "object": named | ({"versionId": version} if version else {})}

    return {"Records": [{"eventSource": "aws:s3", "eventName": name, "s3": of(key)} for key in keys]}


def cloud_event(key: str, version: str = "", bucket: str = BUCKET) -> dict[str, Any]:
    """The same from EventBridge, whose keys are not quoted."""
    named = {"key": key, "etag": "x"} | ({"version-id": version} if version else {})
    return {"detail-type": "Object Created", "detail": {"bucket": {"name": bucket}, "object": named}}


def sqs(*bodies: Any) -> dict[str, Any]:
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {
        "Records": [
            {"messageId": str(i), "body": text, "eventSource": "aws:sqs", "receiptHandle": "r"}
            for i, text in enumerate(texts)
        ]
    }


def tell(event: dict[str, Any]) -> dict[str, Any]:
    return trigger.handler(event, Context())  # type: ignore[arg-type]


def step(name: str, given: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = transform.handler({**given, "step": name}, Context())  # type: ignore[arg-type]
    return result


def test_one_execution_a_batch_however_events_come(s3: Any, machine: Any) -> None:
    one, two = put(s3, "bronze/day=1/a b+c.json", records(5)), put(s3, "bronze/two.json", records(5))
    cloud = cloud_event(two)
    assert tell(sqs(s3_event(one), s3_event(two), s3_event(one)))["batchItemFailures"] == []
    tell(sqs(s3_event(two), s3_event(one)))
    tell(s3_event(one, two))
    tell(sqs(cloud, s3_event(one)))
    (given,) = machine()
    assert (given["objects"], given["correlation_id"]) == (2, "request-1")
    tell(cloud)
    assert sorted(execution["objects"] for execution in machine()) == [1, 2]


@pytest.mark.parametrize("key", ["bronze/folder/", "lake/silver/x.parquet", "bronze/_hidden/x", "bronze2/x"])
def test_an_event_about_something_else_than_an_object_of_bronze_is_dropped(
    s3: Any, machine: Any, key: str
) -> None:
    put(s3, key, records(1))
    assert tell(sqs(s3_event(key), cloud_event(key)))["batchItemFailures"] == []
    assert machine() == []


def test_events_that_are_not_about_a_new_object_are_dropped(s3: Any, machine: Any) -> None:
    put(s3, "bronze/x", records(1))
    test_event = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET}
    removed = s3_event("bronze/x", name="ObjectRemoved:Delete")
    assert tell(sqs(test_event, removed))["batchItemFailures"] == []
    assert machine() == []


def test_an_object_of_another_bucket_starts_nothing(s3: Any, machine: Any) -> None:
    """An attacker who can write to any bucket and send its events chooses its keys."""
    other = f"{BUCKET}-other"
    s3.create_bucket(Bucket=other)
    s3.put_object(Bucket=other, Key="bronze/x.json", Body=b"{}")
    foreign = [s3_event("bronze/x.json", bucket=other), cloud_event("bronze/x.json", bucket=other)]
    assert tell(sqs(*foreign))["batchItemFailures"] == []
    for event in foreign:
        tell(event)
    assert machine() == []


@pytest.mark.parametrize("shape", ["from SQS", "from S3", "from EventBridge"])
def test_every_version_that_an_event_names_is_loaded(s3: Any, machine: Any, shape: str) -> None:
    """A key that is written twice quickly: the second content is there when the first event arrives."""
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    versions = []
    for n in (3, 2):
        body = "".join(f"{json.dumps(line)}\n" for line in records(n, first=n * 1000))
        versions.append(s3.put_object(Bucket=BUCKET, Key="bronze/a.json", Body=body.encode())["VersionId"])
    for version in versions:
        cloud, plain = cloud_event("bronze/a.json", version), s3_event("bronze/a.json", version=version)
        tell({"from SQS": sqs(plain), "from S3": plain, "from EventBridge": cloud}[shape])
    assert sorted(step("bronze_to_silver", given)["rows_silver"] for given in machine()) == [2, 3]


def test_bad_messages_come_back_alone(s3: Any, machine: Any) -> None:
    good = put(s3, "bronze/good.json", records(5))
    answer = tell(sqs("no json", s3_event("bronze/gone.json"), s3_event(good), {"Records": [{}]}, "[]"))
    assert [f["itemIdentifier"] for f in answer["batchItemFailures"]] == ["0", "1", "3", "4"]
    (given,) = machine()
    assert given["objects"] == 1
    with pytest.raises(StorageError, match=r"bronze/gone\.json"):
        tell(s3_event("bronze/gone.json"))


def test_the_steps_lead_to_gold_and_may_be_repeated(s3: Any, machine: Any) -> None:
    tell(s3_event(put(s3, "bronze/one.json", [*records(18), "no record", "nor this"])))
    (given,) = machine()
    assert step("bronze_to_silver", given) == {"outcome": "done", "rows_silver": 18, "lines_read": 20}
    assert step("bronze_to_silver", given)["rows_silver"] == 0
    assert step("quality_gate", given) == {"refused_share": 0.1, "is_acceptable": True}
    assert step("silver_to_gold", given) == {"gold_days": 1}
    assert step("silver_to_gold", given) == {"gold_days": 0}
    assert step("maintain", given)["tables"] >= 12
    assert step("silver_to_gold", given) == {"gold_days": 0}
    settings = Settings.build(lake=LAKE)
    assert operations.verify(settings).is_ok
    asked = "select correlation_id, (select sum(requests) from daily_metrics) from runs"
    assert operations.query(settings, asked).rows() == [("request-1", 18)]


def test_every_metric_is_emitted_with_the_dimensions_that_alarms_watch(
    s3: Any, machine: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(s3_event(put(s3, "bronze/one.json", [*records(19), "no record"])))
    (given,) = machine()
    for name in ("bronze_to_silver", "quality_gate", "silver_to_gold", "finish"):
        step(name, given)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    lines = [line for line in printed if "_aws" in line]
    told = {
        metric["Name"]: line for line in lines for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }
    assert told.keys() == metrics.EMITTED
    assert all((line["service"], line["lake"]) == ("transform", LAKE) for line in lines)
    assert (told["LinesRead"]["LinesRead"], told["RefusedShare"]["RefusedShare"]) == (20, 0.05)
    assert told["SiteRequests"]["SiteRequests"] == 19


def emitted(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Lines of metrics since the last call."""
    return [line for line in map(json.loads, capsys.readouterr().out.splitlines()) if "_aws" in line]


def test_a_repeated_step_sends_the_metrics_of_new_batches_alone(
    s3: Any, machine: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after a retry, or when an execution is redriven: CloudWatch adds up what it receives."""
    one, two = (put(s3, f"bronze/{n}.json", records(5 + n, first=n * 9000)) for n in range(2))
    tell(s3_event(one))
    (given,) = machine()
    steps = {"quality_gate": "LinesRead", "finish": "SiteRequests"}
    step("bronze_to_silver", given)
    step("silver_to_gold", given)
    for name, metric in steps.items():
        step(name, given)
        assert [line[metric] for line in emitted(capsys)] == [5]
        step(name, given)
        assert emitted(capsys) == []
    tell(s3_event(two))
    (more,) = [execution for execution in machine() if execution != given]
    assert more["correlation_id"] == given["correlation_id"]
    step("bronze_to_silver", more)
    step("silver_to_gold", more)
    for (name, metric), value in zip(steps.items(), (6, 11), strict=True):
        step(name, more)
        assert [line[metric] for line in emitted(capsys)] == [value]


def test_functions_log_the_keys_of_all_others_and_nothing_of_the_lines(
    s3: Any, machine: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOGLODE_LOG_LEVEL", "debug")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5f-6a;Parent=7b;Sampled=1")
    canary = "canary@example.com"
    lines = [*records(9, user_id=canary), f"broken {canary}"]
    tell(sqs(s3_event(put(s3, "bronze/\x1b[31m.json", lines), "other/x", "bronze/gone"), canary))
    (given,) = machine()
    for name in ("bronze_to_silver", "quality_gate", "silver_to_gold", "finish"):
        step(name, given)
    with pytest.raises(UsageError):
        step(canary[:6], given)
    printed = capsys.readouterr().err
    told = log_lines(printed)
    assert len(told) == len(printed.splitlines())
    assert canary not in printed and "\x1b" not in printed
    assert {line["correlation_id"] for line in told} == {"request-1"}
    assert {line["xray_trace_id"] for line in told} == {"1-5f-6a"}
    by_step = {line["step"] for line in told if line["message"] == "step done"}
    assert by_step == {"bronze_to_silver", "quality_gate", "silver_to_gold", "finish"}
    (loaded,) = [line for line in told if line["message"] == "batch loaded"]
    assert (loaded["table"], loaded["version"], loaded["counts"]["lines_read"]) == ("web_logs", 1, 10)
    assert {(line["service"], line.get("execution_batch")) for line in told if line["level"] == "ERROR"} == {
        ("transform", given["batch_id"])
    }


def test_steps_that_stop_the_batch(s3: Any, machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one = put(s3, "bronze/one.json", [*records(8), "broken", "too"])
    two = put(s3, "bronze/two.json", records(3, first=90_000))
    tell(s3_event(one, two))
    (given,) = machine()
    with monkeypatch.context() as full:
        full.setattr(transform, "DISK_SHARE", 0)
        assert step("bronze_to_silver", given) == {"outcome": "too_large"}
    too_short = Context(seconds=int(transform.RESERVE_SECONDS))
    late: Any = transform.handler({**given, "step": "bronze_to_silver"}, too_short)  # type: ignore[arg-type]
    assert late == {"outcome": "too_large"}, "an object that cannot be done in the time is not begun"
    small: Any = transform.handler({**given, "step": "bronze_to_silver"}, Context(memory_limit_in_mb=300))  # type: ignore[arg-type]
    assert small == {"outcome": "too_large"}, "nor is a batch begun that memory is too small for"
    s3.delete_object(Bucket=BUCKET, Key=two)
    with pytest.raises(SourceError, match=r"bronze/two\.json"):
        step("bronze_to_silver", given)
    gate = step("quality_gate", given)
    assert gate == {"refused_share": 0.2, "is_acceptable": False}, "what could be read is there all the same"
    monkeypatch.setenv("LOGLODE_MAX_REFUSED_SHARE", "0.2")
    assert step("quality_gate", given)["is_acceptable"]
    with pytest.raises(UsageError, match="no_such_step"):
        step("no_such_step", given)


def test_a_batch_that_was_stopped_does_not_pass_by_being_started_again(s3: Any, machine: Any) -> None:
    bad, good = put(s3, "bronze/bad.json", [*records(3), *["broken"] * 7]), "bronze/good.json"
    tell(s3_event(bad))
    (stopped,) = machine()
    step("bronze_to_silver", stopped)
    refused = {"refused_share": 0.7, "is_acceptable": False}
    assert step("quality_gate", stopped) == refused
    # A replay, or a batch of the same objects cut otherwise; the object may be gone by now.
    s3.delete_object(Bucket=BUCKET, Key=bad)
    again = {**stopped, "correlation_id": "request-2"}
    assert step("bronze_to_silver", again)["lines_read"] == 0
    assert step("quality_gate", again) == refused, "it has read no line of its own"
    tell(s3_event(put(s3, good, records(5, first=50_000))))
    (given,) = [e for e in machine() if e["batch_id"] != stopped["batch_id"]]
    given["correlation_id"] = "request-3"
    step("bronze_to_silver", given)
    assert step("quality_gate", given)["is_acceptable"], "the next good batch brings gold on"
    step("silver_to_gold", given)
    assert step("quality_gate", again) == {"refused_share": 0.0, "is_acceptable": True}, "gold lacks nothing"


def test_what_there_is_no_time_for_is_left_to_the_next_call(
    s3: Any, machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [put(s3, f"bronze/{n}.json", records(3, first=n * 1000)) for n in range(3)]
    tell(s3_event(*keys))
    (given,) = machine()
    monkeypatch.setattr(transform, "BATCH_BYTES", 1)  # a batch an object
    monkeypatch.setattr(transform, "_clock", lambda _: lambda: False)
    outcomes = [step("bronze_to_silver", given) for _ in range(3)]
    assert [o["outcome"] for o in outcomes] == ["unfinished", "unfinished", "done"]
    assert [o["rows_silver"] for o in outcomes] == [3, 3, 3]


def test_a_catalog_that_lacks_a_table_or_a_column_is_behind(
    s3: Any, machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGLODE_CATALOG", "lake")
    glue = boto3.client("glue")
    glue.create_database(DatabaseInput={"Name": "lake"})
    tell(s3_event(put(s3, "bronze/one.json", records(3))))
    (given,) = machine()
    for name in ("bronze_to_silver", "silver_to_gold"):
        step(name, given)
    assert step("finish", given) == {"is_catalog_behind": True}
    for name, columns in operations.columns(Settings.build(lake=LAKE)).items():
        described = [{"Name": column} for column in columns]
        glue.create_table(
            DatabaseName="lake", TableInput={"Name": name, "StorageDescriptor": {"Columns": described}}
        )
    assert step("finish", given) == {"is_catalog_behind": False}
    table = {"Name": "sessions", "StorageDescriptor": {"Columns": [{"Name": "session_id"}]}}
    glue.update_table(DatabaseName="lake", TableInput=table)
    assert step("finish", given) == {"is_catalog_behind": True}
    glue.close()


def test_the_state_machine_names_states_and_errors_that_exist() -> None:
    machine = json.loads(definition())
    states = machine["States"]
    followed: dict[str, set[str]] = {
        name: {
            part["Next"]
            for part in [state, *state.get("Choices", ()), *state.get("Catch", ())]
            if "Next" in part
        }
        | {state[key] for key in ("Default",) if key in state}
        for name, state in states.items()
    }
    seen, ahead = set(), {machine["StartAt"]}
    while ahead:
        seen |= ahead
        ahead = set().union(*(followed[name] for name in ahead)) - seen
    assert seen == states.keys()
    ends = {name for name, nexts in followed.items() if not nexts}
    assert ends == {"TooManyRefused", "Done"}
    for state in states.values():
        # What is caught is not told: only what another state can mend is caught, and redrive goes on
        # from the very state that failed.
        for part in (*state.get("Retry", ()), *state.get("Catch", ())):
            assert "States.ALL" not in part["ErrorEquals"]
    ours = {
        e
        for s in states.values()
        for part in (*s.get("Retry", ()), *s.get("Catch", ()))
        for e in part["ErrorEquals"]
    }
    assert all(hasattr(errors, name) for name in ours if "." not in name)
