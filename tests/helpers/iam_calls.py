"""Calls that are made with each role's rights but by no code of ours that runs in a test.

What Lambda, Glue, Step Functions and Firehose do in a role's name is told by their documents; what people do, by
the runbook. Only whether they may is looked at: the emulator need not know how to answer.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError

REGION, ACCOUNT = "us-east-1", "123456789012"
DENIED = {"AccessDenied", "AccessDeniedException", "403"}
_ONCE = Config(parameter_validation=False, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})

Call = tuple[str, str, dict[str, Any]]


@dataclass(frozen=True)
class Names:
    """What an environment's things are called."""

    name: str
    key: str
    queries: tuple[str, str]

    @property
    def bucket(self) -> str:
        return f"{self.name}-lake-{ACCOUNT}"

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"

    @property
    def machine(self) -> str:
        return self.arn("states", f"stateMachine:{self.name}")

    @property
    def database(self) -> str:
        return self.name.replace("-", "_")


class Caller:
    """Somebody with a role's rights."""

    def __init__(self, role: str, session: str) -> None:
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        found = boto3.client("sts").assume_role(RoleArn=arn, RoleSessionName=session)["Credentials"]
        self.keys = (found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
            keys = dict(zip(names, self.keys, strict=True))
            self._clients[service] = boto3.client(service, config=_ONCE, **keys)
        return self._clients[service]


def is_denied(caller: Caller, call: Call) -> bool:
    """Whether it is refused for want of a right, and for nothing else."""
    service, operation, values = call
    try:
        getattr(caller.client(service), operation)(**values)
    except ClientError as error:
        return error.response["Error"]["Code"] in DENIED
    except HTTPClientError:
        return False
    return False


def of_role(role: str, names: Names) -> list[Call]:
    """All calls of a role, named without its environment."""
    return list(_CALLS[role](names))


def again(action: str, resource: str, context: dict[str, str]) -> Call:
    """A call that asks for just this, of those that the code makes."""
    bucket, _, key = resource.rpartition(":")[2].partition("/")
    match action:
        case "s3:ListBucket":
            return "s3", "list_objects_v2", {"Bucket": bucket, "Prefix": context["s3:prefix"]}
        case "secretsmanager:GetSecretValue":
            return "secretsmanager", "get_secret_value", {"SecretId": resource}
        case "s3:GetObjectVersion":
            return "s3", "get_object", {"Bucket": bucket, "Key": key, "VersionId": "1"}
        case "s3:PutObject":
            return "s3", "put_object", {"Bucket": bucket, "Key": key, "Body": b""}
        case "s3:GetObject":
            return "s3", "get_object", {"Bucket": bucket, "Key": key}
    raise ValueError(action)


def forbidden(role: str, names: Names) -> list[Call]:
    """What a condition keeps out."""
    return _FORBIDDEN[role](names) if role in _FORBIDDEN else []


def _object(names: Names, operation: str, key: str, **more: Any) -> Call:
    body = {"Body": b""} if operation == "put_object" else {}
    return "s3", operation, {"Bucket": names.bucket, "Key": key, **body, **more}


def _listing(names: Names, *prefixes: str, operation: str = "list_objects_v2") -> Iterator[Call]:
    return (("s3", operation, {"Bucket": names.bucket, "Prefix": prefix}) for prefix in prefixes)


def _logs(group: str, *, has_group: bool = False) -> Iterator[Call]:
    place = {"logGroupName": group, "logStreamName": "s"}
    if has_group:
        yield "logs", "create_log_group", {"logGroupName": group}
        yield "logs", "associate_kms_key", {"logGroupName": group, "kmsKeyId": "k"}
    yield "logs", "create_log_stream", place
    yield "logs", "put_log_events", {**place, "logEvents": []}


def _traces() -> Iterator[Call]:
    yield "xray", "put_trace_segments", {"TraceSegmentDocuments": []}
    yield "xray", "put_telemetry_records", {"TelemetryRecords": []}


def _key(names: Names, *, is_written: bool = True) -> Iterator[Call]:
    yield "kms", "decrypt", {"KeyId": names.key, "CiphertextBlob": b"-"}
    if is_written:
        yield "kms", "generate_data_key", {"KeyId": names.key, "KeySpec": "AES_256"}


def _trigger(names: Names) -> Iterator[Call]:
    yield from _queue(names)
    yield from _logs(f"/aws/lambda/{names.name}-trigger")
    yield from _traces()
    yield from _key(names)


def _queue(names: Names) -> Iterator[Call]:
    url = f"http://127.0.0.1/{ACCOUNT}/{names.name}-bronze"
    yield "sqs", "receive_message", {"QueueUrl": url, "WaitTimeSeconds": 0, "VisibilityTimeout": 0}
    yield "sqs", "delete_message", {"QueueUrl": url, "ReceiptHandle": "-"}
    yield "sqs", "get_queue_attributes", {"QueueUrl": url, "AttributeNames": ["All"]}


def _loader(names: Names) -> Iterator[Call]:
    """What only a part that fails, or an old checkpoint, brings about."""
    for layer in ("silver", "quarantine", "gold", "ops"):
        yield _object(names, "abort_multipart_upload", f"{layer}/x", UploadId="u")
        yield _object(names, "delete_object", f"{layer}/x")
        yield _object(names, "get_object", f"{layer}/x")
    yield from _key(names)


def _transform(names: Names) -> Iterator[Call]:
    yield "glue", "get_tables", {"DatabaseName": names.database}
    yield from _logs(f"/aws/lambda/{names.name}-transform")
    yield from _traces()
    yield from _loader(names)


def _glue(names: Names) -> Iterator[Call]:
    yield _object(names, "get_object", "artifacts/glue/bronze_silver.py")
    for operation in ("get_object", "put_object", "delete_object"):
        yield _object(names, operation, "tmp/x")
    yield from _logs("/aws-glue/jobs/output", has_group=True)
    yield "cloudwatch", "put_metric_data", {"Namespace": "Glue", "MetricData": []}
    yield from _loader(names)


def _states(names: Names) -> Iterator[Call]:
    for job in ("bronze-silver", "silver-gold"):
        run = {"JobName": f"{names.name}-{job}"}
        yield "glue", "start_job_run", run
        yield "glue", "get_job_run", {**run, "RunId": "r"}
        yield "glue", "get_job_runs", run
        yield "glue", "batch_stop_job_run", {**run, "JobRunIds": ["r"]}
    function = names.arn("lambda", f"function:{names.name}-transform")
    yield "lambda", "invoke", {"FunctionName": function, "InvocationType": "DryRun", "Payload": b"{}"}
    yield "glue", "start_crawler", {"Name": names.name}
    yield from _traces()
    yield from _deliveries()
    yield from _key(names)


def _deliveries() -> Iterator[Call]:
    yield "logs", "describe_log_groups", {}
    yield "logs", "describe_resource_policies", {}
    yield "logs", "put_resource_policy", {"policyName": "p", "policyDocument": "{}"}


def _crawler(names: Names) -> Iterator[Call]:
    for layer in ("silver", "gold", "ops"):
        yield _object(names, "get_object", f"{layer}/x/_delta_log/0.json")
    yield from _listing(names, "silver/", "gold/", "ops/")
    database = {"DatabaseName": names.database}
    yield "glue", "get_database", {"Name": names.database}
    yield "glue", "get_table", {**database, "Name": "t"}
    yield "glue", "get_tables", database
    yield "glue", "create_table", {**database, "TableInput": {"Name": "t"}}
    yield "glue", "update_table", {**database, "TableInput": {"Name": "t"}}
    yield "glue", "get_partitions", {**database, "TableName": "t"}
    yield "glue", "batch_get_partition", {**database, "TableName": "t", "PartitionsToGet": []}
    yield "glue", "batch_create_partition", {**database, "TableName": "t", "PartitionInputList": []}
    given: dict[str, Any] = {"PartitionValueList": [], "PartitionInput": {}}
    yield "glue", "update_partition", {**database, "TableName": "t", **given}
    yield from _logs("/aws-glue/crawlers-role/x", has_group=True)
    yield from _key(names, is_written=False)


def _stream(names: Names) -> Iterator[Call]:
    for key in ("bronze/stream/2026/03/10/x.gz", "tmp/firehose-errors/x"):
        yield _object(names, "put_object", key)
        yield _object(names, "abort_multipart_upload", key, UploadId="u")
    yield from list(_logs(f"/aws/kinesisfirehose/{names.name}-stream"))[-1:]
    yield from _key(names)


def _data_engineers(names: Names) -> Iterator[Call]:
    for layer in ("bronze", "silver", "gold", "ops", "manifests"):
        yield _object(names, "get_object", f"{layer}/x")
        yield _object(names, "get_object", f"{layer}/x", VersionId="1")
    prefixes = ("", "bronze/", "silver/", "gold/", "ops/", "manifests/", "athena/")
    yield from _listing(names, *prefixes)
    yield from _listing(names, *prefixes, operation="list_object_versions")
    yield "s3", "get_bucket_location", {"Bucket": names.bucket}
    yield _object(names, "put_object", "bronze/_mine.json")
    for operation in ("get_object", "put_object"):
        yield _object(names, operation, "athena/x")
    yield _object(names, "abort_multipart_upload", "athena/x", UploadId="u")
    yield from _questions(names)
    yield from _watching(names)
    yield from _dead_letters(names)
    yield from _reading_logs(names)
    yield from _key(names)


def _questions(names: Names) -> Iterator[Call]:
    group, (execution, query) = {"WorkGroup": names.name}, names.queries
    yield "athena", "start_query_execution", {**group, "QueryString": "select 1"}
    for operation in ("stop_query_execution", "get_query_execution", "get_query_results"):
        yield "athena", operation, {"QueryExecutionId": execution}
    for operation in ("list_query_executions", "get_work_group", "list_named_queries"):
        yield "athena", operation, group
    yield "athena", "get_named_query", {"NamedQueryId": query}
    database = {"DatabaseName": names.database}
    yield "glue", "get_database", {"Name": names.database}
    yield "glue", "get_table", {**database, "Name": "t"}
    yield "glue", "get_tables", database
    yield "glue", "get_partition", {**database, "TableName": "t", "PartitionValues": []}
    yield "glue", "get_partitions", {**database, "TableName": "t"}


def _watching(names: Names) -> Iterator[Call]:
    for job in ("bronze-silver", "silver-gold"):
        run = {"JobName": f"{names.name}-{job}"}
        yield "glue", "get_job", run
        yield "glue", "get_job_run", {**run, "RunId": "r"}
        yield "glue", "get_job_runs", run
    yield "glue", "get_crawler", {"Name": names.name}
    yield "glue", "start_crawler", {"Name": names.name}
    machine = {"stateMachineArn": names.machine}
    for operation in ("describe_state_machine", "list_executions"):
        yield "stepfunctions", operation, machine
    yield "stepfunctions", "start_execution", {**machine, "name": "mine", "input": "not JSON"}
    execution = {"executionArn": names.arn("states", f"execution:{names.name}:e")}
    for operation in ("describe_execution", "get_execution_history", "stop_execution", "redrive_execution"):
        yield "stepfunctions", operation, execution


def _dead_letters(names: Names) -> Iterator[Call]:
    queue, dead = (f"http://127.0.0.1/{ACCOUNT}/{names.name}-{q}" for q in ("bronze", "bronze-dead"))
    for url in (queue, dead):
        yield "sqs", "get_queue_attributes", {"QueueUrl": url, "AttributeNames": ["All"]}
        yield "sqs", "get_queue_url", {"QueueName": url.rpartition("/")[2]}
    source = names.arn("sqs", f"{names.name}-bronze-dead")
    handle = base64.b64encode(json.dumps({"sourceArn": source}).encode()).decode()
    yield "sqs", "start_message_move_task", {"SourceArn": source}
    yield "sqs", "list_message_move_tasks", {"SourceArn": source}
    yield "sqs", "cancel_message_move_task", {"TaskHandle": handle}
    yield "sqs", "receive_message", {"QueueUrl": dead, "WaitTimeSeconds": 0}
    yield "sqs", "delete_message", {"QueueUrl": dead, "ReceiptHandle": "-"}
    yield "sqs", "send_message", {"QueueUrl": queue, "MessageBody": '{"Event": "s3:TestEvent"}'}


def _reading_logs(names: Names) -> Iterator[Call]:
    for group in (
        f"/aws/lambda/{names.name}-transform", f"/aws/vendedlogs/states/{names.name}", "/aws-glue/jobs/output",
        "/aws-glue/crawlers",
    ):  # fmt: skip
        yield "logs", "filter_log_events", {"logGroupName": group}
        yield "logs", "get_log_events", {"logGroupName": group, "logStreamName": "s"}
        yield "logs", "describe_log_streams", {"logGroupName": group}
        yield "logs", "start_query", {"logGroupName": group, "startTime": 0, "endTime": 1, "queryString": "-"}
    yield "logs", "get_query_results", {"queryId": "q"}
    yield "logs", "stop_query", {"queryId": "q"}
    yield "logs", "describe_log_groups", {}
    span = {"StartTime": 0, "EndTime": 60}
    yield "cloudwatch", "get_metric_data", {"MetricDataQueries": [], **span}
    yield (
        "cloudwatch",
        "get_metric_statistics",
        {"Namespace": "Loglode", "MetricName": "LinesRead", "Period": 60, **span},
    )
    yield "cloudwatch", "list_metrics", {}
    yield "cloudwatch", "list_dashboards", {}
    yield "cloudwatch", "describe_alarms", {"AlarmNames": [f"{names.name}-freshness"]}
    yield "cloudwatch", "describe_alarm_history", {"AlarmName": f"{names.name}-freshness"}
    yield "cloudwatch", "get_dashboard", {"DashboardName": names.name}


def _quarantine_readers(names: Names) -> Iterator[Call]:
    yield _object(names, "get_object", "quarantine/x")
    yield from _listing(names, "quarantine/")
    yield from _key(names, is_written=False)


_CALLS = {
    "trigger": _trigger,
    "transform": _transform,
    "glue": _glue,
    "states": _states,
    "crawler": _crawler,
    "stream": _stream,
    "data-engineers": _data_engineers,
    "quarantine-readers": _quarantine_readers,
}

_FORBIDDEN: dict[str, Callable[[Names], list[Call]]] = {
    "transform": lambda names: [*_listing(names, "bronze/", ""), *_listing(names, "athena/")],
    "glue": lambda names: [
        *_listing(names, "manifests/", ""),
        ("cloudwatch", "put_metric_data", {"Namespace": "Loglode", "MetricData": []}),
    ],
    "crawler": lambda names: [*_listing(names, "quarantine/", "bronze/")],
    "data-engineers": lambda names: [
        *_listing(names, "quarantine/"),
        ("glue", "start_job_run", {"JobName": f"{names.name}-bronze-silver"}),
    ],
    "quarantine-readers": lambda names: [*_listing(names, "silver/")],
}
