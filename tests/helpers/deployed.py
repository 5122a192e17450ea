"""What a plan describes, made on the emulator: all that rights are about, and who has them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from tests.helpers.lakes import KEY
from tests.helpers.plans import policies, resources
from tests.helpers.terraform import ROOT

TRUST = {"Version": "2012-10-17", "Statement": []}


@contextmanager
def bare(folder: Path) -> Iterator[tuple[str, Path]]:
    """An emulator with nothing on it, every right enforced; its endpoint, and the record of calls."""
    record = folder / "calls.jsonl"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words = [sys.executable, "-m", "local_aws", "--bare", "--port", port, "--rights", str(record)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True, env=environment) as server,
    ):
        assert server.stdout is not None
        try:
            yield json.loads(server.stdout.readline())["endpoint"], record
        finally:
            server.terminate()


def deploy(plan: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, str]]:
    """Make it; returns the plan with the secret's ARN as it is, and a query's execution and a saved query."""
    (secret,) = _of(plan, "aws_secretsmanager_secret")
    made = boto3.client("secretsmanager").create_secret(Name=secret["name"], SecretString=KEY)
    known: dict[str, Any] = json.loads(json.dumps(plan).replace(secret["arn"], made["ARN"]))
    for name, statements in policies(known).items():
        boto3.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        put_policy(name, statements)
    (bucket,) = _of(known, "aws_s3_bucket")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=bucket["bucket"])
    s3.put_bucket_versioning(Bucket=bucket["bucket"], VersioningConfiguration={"Status": "Enabled"})
    for policy in _of(known, "aws_s3_bucket_policy"):
        s3.put_bucket_policy(Bucket=bucket["bucket"], Policy=policy["policy"])
    _queues_and_functions(known)
    _glue(known)
    return known, _athena(known)


def put_policy(role: str, statements: list[dict[str, Any]]) -> None:
    """These, and no others."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    boto3.client("iam").put_role_policy(RoleName=role, PolicyName="only", PolicyDocument=policy)


def _of(plan: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [r["values"] for r in resources(plan) if r["type"] == kind]


def _queues_and_functions(plan: dict[str, Any]) -> None:
    sqs, functions = boto3.client("sqs"), boto3.client("lambda")
    # That of the dead letters first: the other names it.
    for queue in sorted(_of(plan, "aws_sqs_queue"), key=lambda q: bool(q.get("redrive_policy"))):
        attributes = {"RedrivePolicy": queue["redrive_policy"]} if queue.get("redrive_policy") else {}
        sqs.create_queue(QueueName=queue["name"], Attributes=attributes)
    for function in _of(plan, "aws_lambda_function"):
        functions.create_function(
            FunctionName=function["function_name"],
            Role=_role(function["function_name"]),
            PackageType="Image",
            Code={"ImageUri": function["image_uri"]},
            ImageConfig={"Command": function["image_config"][0]["command"]},
            Timeout=function["timeout"],
            MemorySize=1024,
            Environment={"Variables": function["environment"][0]["variables"]},
        )
    (machine,) = _of(plan, "aws_sfn_state_machine")
    boto3.client("stepfunctions").create_state_machine(
        name=machine["name"], roleArn=_role(f"{machine['name']}-states"), definition=machine["definition"]
    )
    for mapping in _of(plan, "aws_lambda_event_source_mapping"):
        functions.create_event_source_mapping(
            EventSourceArn=mapping["event_source_arn"], FunctionName=mapping["function_name"]
        )
    (notification,) = _of(plan, "aws_s3_bucket_notification")
    told = [
        {
            "QueueArn": queue["queue_arn"],
            "Events": queue["events"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": queue["filter_prefix"]}]}},
        }
        for queue in notification["queue"]
    ]
    boto3.client("s3").put_bucket_notification_configuration(
        Bucket=notification["bucket"], NotificationConfiguration={"QueueConfigurations": told}
    )


def _role(name: str) -> str:
    return f"arn:aws:iam::123456789012:role/{name}"


def _glue(plan: dict[str, Any]) -> None:
    glue = boto3.client("glue")
    (database,) = _of(plan, "aws_glue_catalog_database")
    glue.create_database(DatabaseInput={"Name": database["name"]})
    for crawler in _of(plan, "aws_glue_crawler"):
        tables = crawler["delta_target"][0]["delta_tables"]
        glue.create_crawler(
            Name=crawler["name"], Role=_role(f"{crawler['name']}-crawler"), DatabaseName=database["name"],
            Targets={"DeltaTargets": [{"DeltaTables": tables}]},
        )  # fmt: skip


def _athena(plan: dict[str, Any]) -> tuple[str, str]:
    athena = boto3.client("athena")
    (group,) = _of(plan, "aws_athena_workgroup")
    athena.create_work_group(Name=group["name"])
    query = _of(plan, "aws_athena_named_query")[0]
    saved = athena.create_named_query(
        Name=query["name"], Database=query["database"], QueryString=query["query"], WorkGroup=group["name"]
    )
    asked = athena.start_query_execution(QueryString="select 1", WorkGroup=group["name"])
    return asked["QueryExecutionId"], saved["NamedQueryId"]
