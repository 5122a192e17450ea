"""The pipeline on the emulator: bucket, queues, topic, secret, functions, jobs and the state machine.

It stands for what Terraform does on AWS, with the same handlers, scripts and definition.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3

from local_aws.sandboxes import MODULES, SOURCE

BUCKET = "loglode-local"
LAKE, BRONZE, MANIFESTS = (f"s3://{BUCKET}/{name}" for name in ("lake", "bronze", "_manifests"))
ROLE = "arn:aws:iam::123456789012:role/loglode"
DATABASE = "loglode"
CRAWLER = "loglode"
MAX_DELIVERIES = 3
FUNCTION_MEMORY_MB = 1024
FUNCTION_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Deployed:
    """What there is, and where."""

    endpoint: str
    bucket: str
    queue: str
    dead_letters: str
    alerts: str
    topic: str
    state_machine: str
    trigger: str
    transform: str

    def as_json(self) -> str:
        """For whoever started it."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Choices:
    """What a test may want otherwise."""

    trigger: str = "lambda_functions.trigger.handler"
    transform: str = "lambda_functions.transform.handler"
    max_lambda_bytes: int = 100_000_000
    # Where OpenLineage events go; none are made where empty.
    openlineage: str = ""


def definition(**values: str) -> str:
    """The state machine's definition, its template filled in."""
    text = (MODULES / "step_functions" / "pipeline.asl.json").read_text(encoding="utf-8")
    return re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], text)


def deploy(endpoint: str, choices: Choices) -> Deployed:
    """Make everything; returns what was made."""

    def client(service: str) -> Any:
        return boto3.client(service, endpoint_url=endpoint)

    s3, sqs, sns = client("s3"), client("sqs"), client("sns")
    s3.create_bucket(Bucket=BUCKET)
    dead = sqs.create_queue(QueueName="loglode-dead-letters")["QueueUrl"]
    policy = {"deadLetterTargetArn": _arn(sqs, dead), "maxReceiveCount": MAX_DELIVERIES}
    queue = sqs.create_queue(QueueName="loglode-events", Attributes={"RedrivePolicy": json.dumps(policy)})[
        "QueueUrl"
    ]
    _notify(s3, _arn(sqs, queue))
    alerts = sqs.create_queue(QueueName="loglode-alerts")["QueueUrl"]
    topic = sns.create_topic(Name="loglode-alerts")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=_arn(sqs, alerts))
    client("secretsmanager").create_secret(Name="loglode/pseudonym", SecretString=secrets.token_urlsafe(16))
    _role(client("iam"))
    jobs = _jobs(s3, client("glue"), {"--openlineage": choices.openlineage} if choices.openlineage else {})
    transform = _function(client("lambda"), "transform", choices.transform, {
        "LOGLODE_LAKE": LAKE, "LOGLODE_KEY_SECRET": "loglode/pseudonym", "LOGLODE_CATALOG": DATABASE,
        "LOGLODE_BRONZE": BRONZE, "LOGLODE_MANIFESTS": MANIFESTS, "LOGLODE_OPENLINEAGE": choices.openlineage,
    })  # fmt: skip
    machine = client("stepfunctions").create_state_machine(
        name="loglode",
        roleArn=ROLE,
        definition=definition(
            transform_function=transform,
            max_lambda_bytes=str(choices.max_lambda_bytes),
            crawler=CRAWLER,
            **jobs,
        ),
    )["stateMachineArn"]
    trigger = _function(client("lambda"), "trigger", choices.trigger, {
        "LOGLODE_BRONZE": BRONZE, "LOGLODE_MANIFESTS": MANIFESTS,
        "LOGLODE_STATE_MACHINE": machine,
    })  # fmt: skip
    return Deployed(endpoint, BUCKET, queue, dead, alerts, topic, machine, trigger, transform)


def _role(iam: Any) -> None:
    """One for all: who may do what is Terraform's matter, and nothing is enforced here."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName=ROLE.rpartition("/")[2], AssumeRolePolicyDocument=document)


def _arn(sqs: Any, queue: str) -> str:
    return str(
        sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    )


def _notify(s3: Any, queue_arn: str) -> None:
    rule = {"FilterRules": [{"Name": "prefix", "Value": "bronze/"}]}
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [
                {"QueueArn": queue_arn, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": rule}}
            ]
        },
    )


def _function(functions: Any, name: str, handler: str, variables: dict[str, str]) -> str:
    made = functions.create_function(
        FunctionName=f"loglode-{name}",
        Role=ROLE,
        PackageType="Image",
        Code={"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/loglode:local"},
        ImageConfig={"Command": [handler]},
        Timeout=FUNCTION_SECONDS,
        MemorySize=FUNCTION_MEMORY_MB,
        Environment={"Variables": variables},
    )
    return str(made["FunctionArn"])


def _jobs(s3: Any, glue: Any, arguments: dict[str, str]) -> dict[str, str]:
    """The Glue jobs and crawler; names for the definition's template."""
    glue.create_database(DatabaseInput={"Name": DATABASE})
    glue.create_crawler(
        Name=CRAWLER, Role=ROLE, DatabaseName=DATABASE, Targets={"DeltaTargets": [{"DeltaTables": [LAKE]}]}
    )
    names = {}
    for script in ("bronze_silver", "silver_gold"):
        key = f"_artifacts/{script}.py"
        s3.upload_file(str(Path(SOURCE, "glue_scripts", f"{script}.py")), BUCKET, key)
        glue.create_job(
            Name=f"loglode-{script}",
            Role=ROLE,
            Command={"Name": "glueetl", "ScriptLocation": f"s3://{BUCKET}/{key}", "PythonVersion": "3"},
            DefaultArguments={
                "--lake": LAKE,
                "--key_secret": "loglode/pseudonym",
                "--bronze": BRONZE,
                "--manifests": MANIFESTS,
                **arguments,
            },
            ExecutionProperty={"MaxConcurrentRuns": 4},
            GlueVersion="5.0",
        )
        names[f"{script}_job"] = f"loglode-{script}"
    return names
