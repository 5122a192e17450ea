"""Alarms watch what is really emitted, and each has its section in the runbook."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from tests.helpers.plans import resources
from tests.helpers.terraform import ROOT

from loglode import metrics

# What AWS emits by itself, with these dimensions: the services' own lists of metrics.
OF_AWS = {
    "AWS/States": ({"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionThrottled"}, {"StateMachineArn"}),
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"}, {"QueueName"}),
    "AWS/Lambda": ({"Errors", "Throttles", "Duration"}, {"FunctionName"}),
    "AWS/Events": ({"TriggeredRules"}, {"RuleName"}),
}
ABOVE, BELOW, UNDER_BAND = "GreaterThanThreshold", "LessThanThreshold", "LessThanLowerThreshold"
QUIET, FAILURE = "notBreaching", "breaching"
# What each alarm watches and when it speaks, said a second time: (metric, what of, statistic, comparison,
# threshold, seconds and periods of them, what no data means).
SPEAKS: dict[str, tuple[Any, ...]] = {
    "executions-failed": ("ExecutionsFailed", "stateMachine:{}", "Sum", ABOVE, 0, 300, 1, QUIET),
    "executions-timed-out": ("ExecutionsTimedOut", "stateMachine:{}", "Sum", ABOVE, 0, 300, 1, QUIET),
    "executions-throttled": ("ExecutionThrottled", "stateMachine:{}", "Sum", ABOVE, 10, 300, 3, QUIET),
    "dead-letters": (
        "ApproximateNumberOfMessagesVisible",
        "{}-bronze-dead",
        "Maximum",
        ABOVE,
        0,
        300,
        1,
        QUIET,
    ),
    "queue-age": ("ApproximateAgeOfOldestMessage", "{}-bronze", "Maximum", ABOVE, 900, 300, 2, QUIET),
    "trigger-errors": ("Errors", "{}-trigger", "Sum", ABOVE, 3, 300, 1, QUIET),
    "trigger-throttles": ("Throttles", "{}-trigger", "Sum", ABOVE, 20, 300, 3, QUIET),
    "trigger-duration": ("Duration", "{}-trigger", "Maximum", ABOVE, 54_000, 300, 2, QUIET),
    "trigger-error-lines": ("trigger-error-lines", "", "Sum", ABOVE, 0, 300, 1, QUIET),
    "transform-errors": ("Errors", "{}-transform", "Sum", ABOVE, 3, 300, 1, QUIET),
    "transform-throttles": ("Throttles", "{}-transform", "Sum", ABOVE, 20, 300, 3, QUIET),
    "transform-duration": ("Duration", "{}-transform", "Maximum", ABOVE, 810_000, 300, 2, QUIET),
    "transform-error-lines": ("transform-error-lines", "", "Sum", ABOVE, 0, 300, 1, QUIET),
    "glue-job-failed": ("TriggeredRules", "{}-glue-job-failed", "Sum", ABOVE, 0, 300, 1, QUIET),
    "glue-job-slow": ("TriggeredRules", "{}-glue-job-slow", "Sum", ABOVE, 0, 300, 1, QUIET),
    "crawler-failed": ("TriggeredRules", "{}-crawler-failed", "Sum", ABOVE, 0, 300, 1, QUIET),
    "refused-share": ("RefusedShare", "transform", "Maximum", ABOVE, 0.05, 300, 1, QUIET),
    "site-error-rate": ("SiteErrorRate", "transform", "Maximum", ABOVE, 0.1, 900, 1, QUIET),
    "site-response-time": ("SiteResponseTimeP95", "transform", "Maximum", ABOVE, 2000, 900, 1, QUIET),
    "freshness": (
        "BronzeToGoldSeconds",
        "transform",
        "SampleCount",
        BELOW,
        1,
        3600,
        {"dev": 24, "prod": 6},
        FAILURE,
    ),
    "requests-anomaly": ("LinesRead", "transform", "Sum", UNDER_BAND, None, 3600, 3, QUIET),
}

pytestmark = pytest.mark.slow


def emitted(lake: str) -> dict[str, set[tuple[str, str]]]:
    """Dimensions of every metric of ours, from a line as the code writes it."""
    values = dict.fromkeys(metrics.EMITTED, 1.0)
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
    assert {alarm.removeprefix(f"loglode-{name}-") for alarm, *_ in watched(plan)} == SPEAKS.keys()
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


@pytest.mark.parametrize("alarm", SPEAKS)
@pytest.mark.parametrize("name", ["dev", "prod"])
def test_an_alarm_speaks_when_it_should(plans: dict[str, dict[str, Any]], name: str, alarm: str) -> None:
    """To take one away, or to change anything about it, is told by its name."""
    whole = f"loglode-{name}"
    found = [
        a
        for a in of_type(plans[name], "aws_cloudwatch_metric_alarm").values()
        if a["alarm_name"] == f"{whole}-{alarm}"
    ]
    assert len(found) == 1
    own = found[0]
    (inside,) = [m for q in own["metric_query"] for m in q["metric"]] or [own]
    dimensions = {key: value for key, value in (inside["dimensions"] or {}).items() if key != "lake"}
    metric, of, statistic, comparison, threshold, seconds, periods, missing = SPEAKS[alarm]
    assert inside["metric_name"] == metric
    assert [value.rpartition(":123456789012:")[-1] for value in dimensions.values()] == (
        [of.format(whole)] if of else []
    )
    assert (inside.get("statistic") or inside.get("stat"), inside["period"]) == (statistic, seconds)
    assert (own["comparison_operator"], own["threshold"], own["treat_missing_data"]) == (
        comparison,
        threshold,
        missing,
    )
    assert own["evaluation_periods"] == (periods[name] if isinstance(periods, dict) else periods)
    assert own["datapoints_to_alarm"] is None and own["actions_enabled"] is True
    (topic,) = of_type(plans[name], "aws_sns_topic").values()
    assert [arn.rsplit(":", 1)[-1] for arn in own["alarm_actions"]] == [topic["name"]]
    assert own["ok_actions"] == own["alarm_actions"]


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
    assert shown <= metrics.EMITTED
    assert {"RefusedShare", "SiteErrorRate", "SiteResponseTimeP95", "BronzeToGoldSeconds"} <= shown


def test_every_alarm_stands_in_the_runbook(plans: dict[str, dict[str, Any]]) -> None:
    sections = set(re.findall(r"^## (\S+)$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE))
    for name, plan in plans.items():
        prefix = f"loglode-{name}-"
        alarms = {alarm.removeprefix(prefix) for alarm, *_ in watched(plan)}
        budgets = {b["name"].removeprefix(prefix) for b in of_type(plan, "aws_budgets_budget").values()}
        assert alarms | budgets == sections
