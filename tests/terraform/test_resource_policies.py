"""Policies of the bucket, the queues and the topic, and who may take a role: each statement changes an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from local_aws.statements import is_about
from tests.helpers.plans import resources

pytestmark = pytest.mark.slow
ACCOUNT = "123456789012"
TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3", "aws:SourceAccount": ACCOUNT}
PLAIN = TLS | {"aws:SecureTransport": "false"}
NAME = "loglode-prod"
BUCKET = f"arn:aws:s3:::{NAME}-lake-{ACCOUNT}"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:{NAME}-alerts"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{NAME}-bronze"
DEAD = f"{QUEUE}-dead"
SERVICES = {
    "trigger": "lambda", "transform": "lambda", "glue": "glue", "states": "states", "crawler": "glue",
    "stream": "firehose",
}  # fmt: skip

Call = tuple[str, str, str, dict[str, str]]


def documents(plan: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Statements by what they belong to."""
    found = {}
    for r in resources(plan):
        values = r["values"]
        if r["type"] == "aws_iam_role":
            found[values["name"]] = json.loads(values["assume_role_policy"])["Statement"]
        elif r["type"] in {"aws_s3_bucket_policy", "aws_sqs_queue_policy", "aws_sns_topic_policy"}:
            statements = json.loads(values["policy"])["Statement"]
            found[str(values.get("bucket") or values.get("queue_url") or values["arn"])] = statements
    return found


def answer(statements: list[dict[str, Any]], call: Call) -> str | None:
    """Allow, Deny, or None: others have to say."""
    service, action, resource, context = call
    effects = {
        s["Effect"]
        for s in statements
        if s["Principal"] == "*" or s["Principal"]["Service"] == f"{service}.amazonaws.com"
        if is_about({"Resource": "*", **s}, action, resource, context)
    }
    return "Deny" if "Deny" in effects else next(iter(effects), None)


def expected(place: str) -> list[tuple[Call, str | None]]:
    """Calls, and what is to be said to them."""
    short = place.rpartition("/")[2].rpartition(":")[2]
    match short.removeprefix(f"{NAME}-"):
        case "lake-123456789012":
            old = TLS | {"s3:TlsVersion": "1.1"}
            return [
                (("x", "s3:GetObject", f"{BUCKET}/gold/x", TLS), None),
                (("x", "s3:GetObject", f"{BUCKET}/gold/x", PLAIN), "Deny"),
                (("x", "s3:ListBucket", BUCKET, PLAIN), "Deny"),
                (("x", "s3:GetObject", f"{BUCKET}/gold/x", old), "Deny"),
            ]
        case "bronze":
            event, other = TLS | {"aws:SourceArn": BUCKET}, TLS | {"aws:SourceArn": "arn:aws:s3:::other"}
            foreign = event | {"aws:SourceAccount": "210987654321"}
            return [
                (("s3", "sqs:SendMessage", QUEUE, event), "Allow"),
                (("s3", "sqs:SendMessage", QUEUE, other), None),
                (("s3", "sqs:SendMessage", QUEUE, foreign), None),
                (("x", "sqs:ReceiveMessage", QUEUE, PLAIN), "Deny"),
            ]
        case "bronze-dead":
            return [(("x", "sqs:ReceiveMessage", DEAD, PLAIN), "Deny")]
        case "alerts":
            sources = {
                "cloudwatch": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:{NAME}-freshness",
                "events": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{NAME}-execution-failed",
                "budgets": f"arn:aws:budgets::{ACCOUNT}:budget/{NAME}-month",
            }
            publish = "sns:Publish"
            return [
                *[((s, publish, TOPIC, TLS | {"aws:SourceArn": arn}), "Allow") for s, arn in sources.items()],
                # EventBridge does not support conditions there, so any rule of the service may publish.
                *[
                    ((s, publish, TOPIC, TLS | {"aws:SourceArn": "arn:aws:x"}), None)
                    for s in sources
                    if s != "events"
                ],
                (("cloudwatch", publish, TOPIC, PLAIN | {"aws:SourceArn": sources["cloudwatch"]}), "Deny"),
            ]
        case role:
            foreign = {"aws:SourceAccount": "210987654321"}
            return [
                ((SERVICES[role], "sts:AssumeRole", "*", TLS), "Allow"),
                ((SERVICES[role], "sts:AssumeRole", "*", foreign), None),
                (("ec2", "sts:AssumeRole", "*", TLS), None),
            ]


def test_every_statement_has_its_effect(plans: dict[str, dict[str, Any]]) -> None:
    found = documents(plans["prod"])
    assert len(found) == 10
    for place, statements in found.items():
        wanted = expected(place)
        assert [answer(statements, call) for call, _ in wanted] == [said for _, said in wanted], place
        for gone in statements:
            others = [s for s in statements if s is not gone]
            changed = [call for call, said in wanted if answer(others, call) != said]
            assert changed, (place, gone)
