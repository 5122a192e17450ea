"""FOLLOW: one correlation id, from the execution's input through logs, tables, commits and lineage events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import boto3
from tests.helpers.lakes import log_lines

from loglode import operations
from loglode.settings import Settings

TRIGGER, TRANSFORM = "/aws/lambda/loglode-trigger", "/aws/lambda/loglode-transform"
JOBS = "/aws-glue/jobs/error"
GOLD = ("daily_metrics", "sessions", "pipeline_metrics")


def steps_logged(correlation_id: str) -> set[tuple[str, str]]:
    """(service, step) of all that was logged under an id, in every group; each entry with known keys."""
    logs = boto3.client("logs")
    there = {group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]}
    found = set()
    for group in there & {TRIGGER, TRANSFORM, JOBS}:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
            for line in log_lines("\n".join(event["message"] for event in page["events"])):
                if line.get("correlation_id") == correlation_id:
                    found.add((line["service"], line.get("step", "")))
    logs.close()
    return found


def assert_followed(
    settings: Settings, given: dict[str, Any], by: dict[str, str], *, gold: Sequence[str] = GOLD
) -> None:
    """The id of an execution's input stands wherever its batch went; `by` is the service of each step.

    `gold` are the tables it has committed: beside others, one of them may bring gold on for all.
    """
    wanted = given["correlation_id"]
    steps = {("trigger", "trigger"), *((service, step) for step, service in by.items())}
    assert not steps - steps_logged(wanted)
    runs = operations.query(settings, "select batch_id, silver_version, correlation_id from runs").rows()
    loaded = {version: batch for batch, version, told in runs if told == wanted}
    silver = {e["version"]: e for e in operations.history(settings, "web_logs")}
    assert loaded
    assert {v: (silver[v]["batch_id"], silver[v]["correlation_id"]) for v in loaded} == {
        version: (batch, wanted) for version, batch in loaded.items()
    }
    for table in gold:
        assert wanted in [e["correlation_id"] for e in operations.history(settings, table)], table


def lineage_events(bucket: str, prefix: str, correlation_id: str) -> list[dict[str, Any]]:
    """The lineage events below a prefix that name an id, by run and time."""
    s3 = boto3.client("s3")
    found = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", ()):
            event = json.loads(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
            tags = event["run"]["facets"].get("tags", {}).get("tags", ())
            if {"correlation_id": correlation_id} in [{tag["key"]: tag["value"]} for tag in tags]:
                found.append(event)
    s3.close()
    return sorted(found, key=lambda e: (e["run"]["runId"], e["eventType"] != "START"))


def assert_told(bucket: str, prefix: str, gold: Settings, ids: Sequence[str]) -> None:
    """Lineage events name the ids: of each the load, and of whichever brought gold on, gold.

    Gold's events name the very versions of its tables that were committed under the same id.
    """
    versions = {
        table: {e["version"]: e["correlation_id"] for e in operations.history(gold, table)} for table in GOLD
    }
    brought = 0
    for wanted in ids:
        ends = [e for e in lineage_events(bucket, prefix, wanted) if e["eventType"] == "COMPLETE"]
        assert "bronze_to_silver" in [e["job"]["name"] for e in ends]
        for end in ends:
            if end["job"]["name"] != "silver_to_gold":
                continue
            for output in end["outputs"]:
                version, table = output["facets"]["version"]["datasetVersion"], output["name"].split("/")[-1]
                if table in versions:
                    assert versions[table][int(version)] == wanted, (table, version)
                    brought += 1
    assert brought, "gold was brought on by nobody that told"
