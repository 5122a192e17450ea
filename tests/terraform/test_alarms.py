"""Each declared alarm is created, can fire, and fires when it should; every failure that AWS reports raises one."""

from __future__ import annotations

import json
import operator
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml
from moto.events.models import EventPattern
from tests.helpers.plans import resources
from tests.helpers.terraform import ROOT

from loglode import metrics

DECLARED: dict[str, dict[str, Any]] = yaml.safe_load(
    (ROOT / "terraform/modules/monitoring/alarms.yaml").read_text("utf-8")
)
# What an environment has chosen instead.
CHOSEN: dict[str, dict[str, dict[str, float]]] = {"dev": {"freshness": {"periods": 24}}, "prod": {}}
# What AWS emits by itself, with these dimensions: the services' own lists of metrics.
OF_AWS = {
    "AWS/States": ({"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionThrottled"}, {"StateMachineArn"}),
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"}, {"QueueName"}),
    "AWS/Lambda": ({"Errors", "Throttles", "Duration"}, {"FunctionName"}),
    "AWS/Events": ({"TriggeredRules"}, {"RuleName"}),
}
ENVIRONMENTS = ("dev", "prod")

pytestmark = pytest.mark.slow


def of_type(plan: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {r["address"]: r["values"] for r in resources(plan) if r["type"] == kind}


def alarms(plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The plan's alarms by their short names."""
    (machine,) = of_type(plan, "aws_sfn_state_machine").values()
    found = of_type(plan, "aws_cloudwatch_metric_alarm").values()
    return {alarm["alarm_name"].removeprefix(f"{machine['name']}-"): alarm for alarm in found}


def source(alarm: dict[str, Any]) -> dict[str, Any]:
    """What an alarm reads: its metric, or the one inside of its expression."""
    found: list[dict[str, Any]] = [m for q in alarm["metric_query"] for m in q["metric"]] or [alarm]
    (only,) = found
    return only


def emitted(lake: str) -> dict[str, set[tuple[str, str]]]:
    """Dimensions of every metric of ours, from a line as the code writes it."""
    values = dict.fromkeys(metrics.EMITTED, 1.0)
    line = metrics.embedded(values, service=metrics.SERVICE, lake=lake, timestamp_ms=0)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    (dimensions,) = directive["Dimensions"]
    return {m["Name"]: {(name, line[name]) for name in dimensions} for m in directive["Metrics"]}


def state(alarm: dict[str, Any], values: list[float | None]) -> str:
    """State of an alarm after these periods, the newest last, as CloudWatch evaluates them.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
    """
    compare = {"GreaterThanThreshold": operator.gt, "LessThanThreshold": operator.lt}
    beyond = compare[alarm["comparison_operator"]]
    missing = {"breaching": True, "notBreaching": False}[alarm["treat_missing_data"]]
    last = values[-alarm["evaluation_periods"] :]
    assert alarm["datapoints_to_alarm"] is None, "all of them"
    is_breached = [missing if value is None else beyond(value, alarm["threshold"]) for value in last]
    return "ALARM" if len(last) == alarm["evaluation_periods"] and all(is_breached) else "OK"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_each_declared_alarm_watches_something_that_reports(
    plans: dict[str, dict[str, Any]], name: str
) -> None:
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
    found = alarms(plan)
    assert found.keys() == DECLARED.keys()
    for alarm, values in found.items():
        watched = source(values)
        namespace, metric, dimensions = (watched[k] for k in ("namespace", "metric_name", "dimensions"))
        assert metric == DECLARED[alarm].get("metric", metric)
        if namespace == metrics.NAMESPACE:
            assert set(dimensions.items()) == ours[metric], alarm
        elif namespace in OF_AWS:
            known, keys = OF_AWS[namespace]
            assert metric in known, alarm
            assert dimensions.keys() == keys, alarm
            assert {value.rsplit(":", 1)[-1] for value in dimensions.values()} <= things, alarm
        else:
            assert (namespace, metric) in counted, alarm
            assert not dimensions


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_alarm_reaches_somebody(plans: dict[str, dict[str, Any]], name: str) -> None:
    (topic,) = of_type(plans[name], "aws_sns_topic").values()
    for alarm in alarms(plans[name]).values():
        assert [arn.rsplit(":", 1)[-1] for arn in alarm["alarm_actions"]] == [topic["name"]]
        assert alarm["ok_actions"] == alarm["alarm_actions"]
        assert alarm["actions_enabled"] is True


@pytest.mark.parametrize("alarm", DECLARED)
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_alarm_fires_beyond_its_threshold_and_not_before(
    plans: dict[str, dict[str, Any]], name: str, alarm: str
) -> None:
    wanted = DECLARED[alarm] | CHOSEN[name].get(alarm, {})
    found = alarms(plans[name])[alarm]
    watched = source(found)
    assert (watched.get("statistic") or watched["stat"]) == wanted.get("statistic", "Sum")
    assert (watched["period"], found["evaluation_periods"]) == (
        wanted.get("period", 300),
        wanted.get("periods", 1),
    )
    if wanted.get("unit") == "deviations":
        (band,) = [q["expression"] for q in found["metric_query"] if q["expression"]]
        assert re.fullmatch(rf"ANOMALY_DETECTION_BAND\(\w+, {wanted['threshold']}\)", band)
        assert (found["comparison_operator"], found["threshold_metric_id"]) == (
            "LessThanLowerThreshold",
            "expected",
        )
        assert found["treat_missing_data"] == "notBreaching", "freshness alarms when nothing arrives"
        return
    threshold = wanted["threshold"]
    if wanted.get("unit") == "timeout":
        timeouts = {
            f["function_name"].rpartition("-")[2]: f["timeout"]
            for f in of_type(plans[name], "aws_lambda_function").values()
        }
        threshold *= timeouts[wanted["of"]] * 1000
    periods, is_floor = found["evaluation_periods"], wanted.get("comparison") == "LessThanThreshold"
    beyond = threshold * 0.99 - 0.01 if is_floor else threshold * 1.01 + 0.01
    assert state(found, [beyond] * periods) == "ALARM"
    assert state(found, [beyond] * (periods - 1) + [threshold]) == "OK"
    assert state(found, [threshold] + [beyond] * (periods - 1)) == "OK"
    quiet: list[float | None] = [None] * periods
    assert state(found, quiet) == ("ALARM" if is_floor else "OK"), "an idle pipeline is no failure"


def event(detail_type: str, origin: str = "aws.glue", **detail: Any) -> Any:
    return {"source": origin, "detail-type": detail_type, "detail": detail}


JOB, CRAWLER, EXECUTION = (
    "Glue Job State Change",
    "Glue Crawler State Change",
    "Step Functions Execution Status Change",
)
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:loglode-prod"
# States as AWS spells them: https://docs.aws.amazon.com/glue/latest/dg/automating-awsglue-with-cloudwatch-events.html
EVENTS = [
    *(
        ("glue-job-failed", event(JOB, jobName=f"loglode-prod-{job}", state=state))
        for job in ("bronze-silver", "silver-gold")
        for state in ("FAILED", "TIMEOUT", "ERROR")
    ),
    ("glue-job-slow", event("Glue Job Run Status", jobName="loglode-prod-silver-gold", state="RUNNING")),
    ("crawler-failed", event(CRAWLER, crawlerName="loglode-prod", state="Failed")),
    *(
        ("execution-failed", event(EXECUTION, "aws.states", stateMachineArn=MACHINE, status=status))
        for status in ("FAILED", "TIMED_OUT", "ABORTED")
    ),
    ("", event(JOB, jobName="loglode-prod-silver-gold", state="SUCCEEDED")),
    ("", event(JOB, jobName="loglode-prod-silver-gold", state="STOPPED")),
    ("", event(JOB, jobName="loglode-dev-silver-gold", state="FAILED")),
    ("", event(CRAWLER, crawlerName="loglode-prod", state="Succeeded")),
    ("", event(CRAWLER, crawlerName="another", state="Failed")),
    ("", event(EXECUTION, "aws.states", stateMachineArn=MACHINE, status="SUCCEEDED")),
]


@pytest.mark.parametrize(("rule", "sent"), EVENTS, ids=lambda value: str(value) if value else "nothing")
def test_a_failure_that_is_sent_as_an_event_raises_an_alert(
    plans: dict[str, dict[str, Any]], rule: str, sent: Any
) -> None:
    plan = plans["prod"]
    rules = [r for r in of_type(plan, "aws_cloudwatch_event_rule").values() if r["event_pattern"]]
    matched = [r["name"] for r in rules if EventPattern.load(r["event_pattern"]).matches_event(sent)]
    assert matched == ([f"loglode-prod-{rule}"] if rule else [])
    (topic,) = of_type(plan, "aws_sns_topic").values()
    targets = {t["rule"]: t["arn"] for t in of_type(plan, "aws_cloudwatch_event_target").values()}
    for name in matched:
        assert targets[name].endswith(f":{topic['name']}"), "a rule without a target is never triggered"
        if rule in DECLARED:
            alarm = alarms(plan)[rule]
            assert (alarm["dimensions"], state(alarm, [1.0])) == ({"RuleName": name}, "ALARM")


LINES = [
    "2026-11-30T11:00:00.000Z 1f6a Task timed out after 900.10 seconds",
    "RequestId: 1f6a Error: Runtime exited with error: signal: killed\tRuntime.ExitError",
    "REPORT RequestId: 1f6a Duration: 9 ms Status: error Error Type: Runtime.OutOfMemory",
    "[ERROR] Runtime.ImportModuleError: Unable to import module 'lambda_functions.transform'",
]


def test_error_lines_of_the_functions_raise_an_alarm(plans: dict[str, dict[str, Any]]) -> None:
    code = (
        "import logging\nfrom lambda_functions.logged import logged\n"
        "for service in ('trigger', 'transform'):\n  with logged(service):\n"
        "    for level in (40, 50, 30): logging.getLogger('loglode.' + service).log(level, 'x')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = [*(done.stdout + done.stderr).splitlines(), *LINES, "REPORT RequestId: 1f6a Duration: 9 ms"]
    filters = of_type(plans["prod"], "aws_cloudwatch_log_metric_filter").values()
    assert {f["log_group_name"] for f in filters} == {
        f"/aws/lambda/loglode-prod-{function}" for function in ("trigger", "transform")
    }
    for counting in filters:
        quoted = re.findall(r'\?"((?:[^"\\]|\\.)*)"', counting["pattern"])
        terms = [term.replace('\\"', '"') for term in quoted]
        counted = [any(term in line for term in terms) for line in lines]
        assert counted == [*[True, True, False] * 2, *[True] * len(LINES), False], lines
        (metric,) = counting["metric_transformation"]
        (alarm,) = [a for a in alarms(plans["prod"]).values() if a["metric_name"] == metric["name"]]
        assert counting["log_group_name"].rpartition("-")[2] in alarm["alarm_name"]
        assert state(alarm, [float(metric["value"])]) == "ALARM"


@pytest.mark.parametrize("alarm", ["executions-failed", "executions-timed-out", "dead-letters"])
def test_one_failure_is_enough(plans: dict[str, dict[str, Any]], alarm: str) -> None:
    for plan in plans.values():
        assert state(alarms(plan)[alarm], [1.0]) == "ALARM"


def test_dashboard_shows_what_is_emitted_and_what_alarms_ask_for(plans: dict[str, dict[str, Any]]) -> None:
    (dashboard,) = of_type(plans["prod"], "aws_cloudwatch_dashboard").values()
    widgets = [w["properties"] for w in json.loads(dashboard["dashboard_body"])["widgets"]]
    shown = {m[1] for w in widgets for m in w.get("metrics", ()) if m[0] == metrics.NAMESPACE}
    assert shown <= metrics.EMITTED
    titles = {w["title"]: w for w in widgets}
    for alarm in DECLARED.values():
        if "widget" in alarm:
            own = titles[alarm["widget"]["title"]]
            assert ([m[1] for m in own["metrics"]], own["stat"]) == (
                [alarm["metric"]],
                alarm["widget"]["statistic"],
            )
    assert len(titles["Alarms"]["alarms"]) == len(DECLARED)


def test_every_alarm_stands_in_the_runbook(plans: dict[str, dict[str, Any]]) -> None:
    sections = set(re.findall(r"^## (\S+)$", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE))
    for name, plan in plans.items():
        budgets = {
            b["name"].removeprefix(f"loglode-{name}-") for b in of_type(plan, "aws_budgets_budget").values()
        }
        assert alarms(plan).keys() | budgets == sections
        for alarm, values in alarms(plan).items():
            assert f"docs/runbook.md, {alarm}." in values["alarm_description"]
