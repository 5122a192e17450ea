"""Alarms watch what is really emitted, and each has its section in the runbook."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from tests.terraform.conftest import ROOT
from tests.terraform.plan import resources

from loglode import metrics

# What AWS emits by itself, with these dimensions: the services' own lists of metrics.
OF_AWS = {
    "AWS/States": ({"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionThrottled"}, {"StateMachineArn"}),
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"}, {"QueueName"}),
    "AWS/Lambda": ({"Errors", "Throttles", "Duration"}, {"FunctionName"}),
    "AWS/Events": ({"TriggeredRules"}, {"RuleName"}),
}

pytestmark = pytest.mark.slow


def emitted(lake: str) -> dict[str, set[tuple[str, str]]]:
    """Dimensions of every metric of ours, from a line as the code writes it."""
    values = dict.fromkeys(metrics.BY_NAME, 1.0)
    line = metrics.embedded(values, service=metrics.SERVICE, lake=lake, timestamp_ms=0)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    (dimensions,) = directive["Dimensions"]
    return {m["Name"]: {(name, line[name]) for name in dimensions} for m in directive["Metrics"]}


def of_type(plan: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {r["address"]: r["values"] for r in resources(plan) if r["type"] == kind}


def watched(plan: dict[str, Any]) -> list[tuple[str, str, str, set[tuple[str, str]]]]:
    """(alarm, name space, metric, dimensions), those inside of expressions too."""
    found = []
    for alarm in of_type(plan, "aws_cloudwatch_metric_alarm").values():
        parts = [alarm] if alarm["metric_name"] else [m for q in alarm["metric_query"] for m in q["metric"]]
        found += [
            (alarm["alarm_name"], p["namespace"], p["metric_name"], set((p["dimensions"] or {}).items()))
            for p in parts
        ]
    return found


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_every_alarm_can_fire(plans: dict[str, dict[str, Any]], name: str) -> None:
    plan = plans[name]
    (lake,) = {
        block["variables"]["LOGLODE_LAKE"]
        for function in of_type(plan, "aws_lambda_function").values()
        for block in function["environment"]
        if "LOGLODE_LAKE" in block["variables"]
    }
    ours = emitted(lake)
    counted = {
        (t["namespace"], t["name"])
        for f in of_type(plan, "aws_cloudwatch_log_metric_filter").values()
        for t in f["metric_transformation"]
    }
    things = {
        v
        for r in resources(plan)
        for key, v in r["values"].items()
        if key in {"name", "function_name"} and isinstance(v, str)
    }
    assert len(watched(plan)) == 21
    for alarm, namespace, metric, dimensions in watched(plan):
        if namespace == metrics.NAMESPACE:
            assert dimensions == ours[metric], alarm
        elif namespace in OF_AWS:
            known, keys = OF_AWS[namespace]
            assert metric in known, alarm
            assert {key for key, _ in dimensions} == keys, alarm
            assert {value.rsplit(":", 1)[-1] for _, value in dimensions} <= things, alarm
        else:
            assert (namespace, metric) in counted, alarm
            assert not dimensions


def test_error_lines_of_the_functions_are_counted(plans: dict[str, dict[str, Any]]) -> None:
    said = (
        "import logging\nfrom lambda_functions.logged import logged\n"
        "for service in ('trigger', 'transform'):\n  with logged(service):\n"
        "    for level in (40, 50, 30): logging.getLogger('loglode.' + service).log(level, 'x')\n"
    )
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    lines = (done.stdout + done.stderr).splitlines()
    for metric in of_type(plans["prod"], "aws_cloudwatch_log_metric_filter").values():
        quoted = re.findall(r'\?"((?:[^"\\]|\\.)*)"', metric["pattern"])
        terms = [term.replace('\\"', '"') for term in quoted]
        assert [any(term in line for term in terms) for line in lines] == [True, True, False] * 2, lines


def test_dashboard_shows_what_is_emitted(plans: dict[str, dict[str, Any]]) -> None:
    (dashboard,) = of_type(plans["prod"], "aws_cloudwatch_dashboard").values()
    # Alarms' ARNs are not known before they are made, and so the text is not: its own list is looked at.
    del dashboard
    text = (ROOT / "terraform/modules/monitoring/dashboard.tf").read_text()
    shown = set(re.findall(r'local\.dashboard\["(\w+)"\]', text)) | set(
        re.findall(r'"(\w+)"', text.split("for m in [")[1].split("]")[0])
    )
    assert shown <= metrics.BY_NAME.keys()
    assert {"RefusedShare", "SiteErrorRate", "SiteResponseTimeP95", "BronzeToGoldSeconds"} <= shown


def test_every_alarm_stands_in_the_runbook(plans: dict[str, dict[str, Any]]) -> None:
    sections = set(re.findall(r"^## (\S+)$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE))
    for name, plan in plans.items():
        prefix = f"loglode-{name}-"
        alarms = {alarm.removeprefix(prefix) for alarm, *_ in watched(plan)}
        budgets = {b["name"].removeprefix(prefix) for b in of_type(plan, "aws_budgets_budget").values()}
        assert alarms | budgets == sections
