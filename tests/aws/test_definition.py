"""The state machine's definition as a linter reads it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint
from local_aws.deploy import definition
from local_aws.notices import text_of

MODULES = Path(__file__).parents[2] / "terraform" / "modules"
FILLED = definition(
    transform_function="arn:aws:lambda:us-east-1:123456789012:function:transform",
    max_lambda_bytes="1",
    crawler="crawler",
    bronze_silver_job="first",
    silver_gold_job="second",
)


def complaints(text: str) -> list[str]:
    """What the linter says of a definition in a stack that holds nothing else."""
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/states", "DefinitionString": text}
    stack = {"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}
    return [str(found) for found in lint(json.dumps(stack), config=ManualArgs(regions=["us-east-1"]))]


def test_the_linter_finds_nothing() -> None:
    assert complaints(FILLED) == []


@pytest.mark.parametrize("change", [("Task", "Tusk"), ("ErrorEquals", "ErrorsEqual"), ("Default", "Else")])
def test_the_linter_finds_a_broken_one(change: tuple[str, str]) -> None:
    old, new = (f'"{word}"' for word in change)
    assert old in FILLED
    assert complaints(FILLED.replace(old, new, 1)) != []


def test_every_way_leads_to_a_state() -> None:
    machine = json.loads(FILLED)
    states = machine["States"]
    parts = [part for s in states.values() for part in (s, *s.get("Choices", ()), *s.get("Catch", ()))]
    ways = {part[key] for part in parts for key in ("Next", "Default") if key in part} | {machine["StartAt"]}
    assert ways == states.keys()


def longest(states: dict[str, Any], name: str, before: frozenset[str] = frozenset()) -> int:
    """Seconds that an execution may take from a state on, each state once and to its own limit."""
    state = states[name]
    parts = (state, *state.get("Choices", ()), *state.get("Catch", ()))
    follow = {part[key] for part in parts for key in ("Next", "Default") if key in part} - before - {name}
    rest = [longest(states, other, before | {name}) for other in follow]
    return int(state.get("TimeoutSeconds", 0)) + max(rest, default=0)


def test_an_execution_has_the_time_that_its_states_have() -> None:
    """Or it ends by its timeout, in the middle of a Glue job that would have ended well."""
    machine = json.loads(FILLED)
    assert machine["TimeoutSeconds"] >= longest(machine["States"], machine["StartAt"])


def test_a_state_that_writes_waits_until_its_function_or_job_has_ended() -> None:
    """A function is ended by its own timeout, a job by Glue: otherwise each goes on behind a failed state."""
    functions, jobs = (
        (MODULES / name).read_text("utf-8") for name in ("lambda/main.tf", "glue/variables.tf")
    )
    seconds = re.findall(r"^ +timeout = (\d+)$", functions, re.MULTILINE)
    minutes = re.findall(r"var\.timeout_minutes < (\d+)$", jobs, re.MULTILINE)
    assert (len(seconds), len(minutes)) == (1, 1)
    states = json.loads(FILLED)["States"]
    for name in ("BronzeToSilver", "SilverToGold"):
        assert states[name]["TimeoutSeconds"] >= int(seconds[0])
        assert states[f"Glue{name}"]["TimeoutSeconds"] >= int(minutes[0]) * 60


THROTTLED = {
    "arn:aws:states:::lambda:invoke": "Lambda.TooManyRequestsException",
    "arn:aws:states:::glue:startJobRun.sync": "Glue.ConcurrentRunsExceededException",
}


def test_a_lack_of_places_is_waited_out() -> None:
    """A burst takes hours where few functions or jobs may run at once; that is not a failure."""
    states = json.loads(FILLED)["States"]
    tasks = [state for state in states.values() if state.get("Resource") in THROTTLED]
    assert len(tasks) == 6
    for task in tasks:
        (first, *others) = task["Retry"]
        assert first["ErrorEquals"] == [THROTTLED[task["Resource"]]]
        assert first["MaxAttempts"] >= 100 and first["JitterStrategy"] == "FULL"
        assert first["MaxDelaySeconds"] == 300
        assert not any(error in THROTTLED.values() for other in others for error in other["ErrorEquals"])


def test_a_notice_arrives_whatever_the_input_and_the_cause_hold() -> None:
    hostile = '{"manifest": "s3://b/k", "x": "\\"}'
    event = {"detail": {"executionArn": "arn:aws:states:us-east-1:1:execution:m:b", "name": "b",
                        "status": "FAILED", "error": "SourceError", "cause": hostile, "input": hostile}}  # fmt: skip
    text = text_of(event)
    assert "batch b is FAILED. Error: SourceError." in text and text.endswith(event["detail"]["executionArn"])


def test_the_stand_in_loses_what_eventbridge_would_lose() -> None:
    with pytest.raises(json.JSONDecodeError):
        text_of({"detail": {"error": 'a "quoted" error'}})
