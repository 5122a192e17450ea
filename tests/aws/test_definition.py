"""The state machine's definition as a linter reads it, whoever runs it."""

from __future__ import annotations

import json

import pytest
from cfnlint.api import ManualArgs, lint
from local_aws.deploy import definition

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
