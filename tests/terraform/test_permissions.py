"""Every right has a call that needs it, and every call its right."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.helpers.permissions import Triple, page
from tests.helpers.plans import roles
from tests.helpers.terraform import ROOT

SOURCE = ROOT / "src"
# What a call of the SDK asks IAM for.
RIGHTS = {
    "head_object": {"s3:GetObject", "s3:GetObjectVersion"},
    "get_object": {"s3:GetObject", "s3:GetObjectVersion"},
    "download_fileobj": {"s3:GetObject", "s3:GetObjectVersion"},
    "put_object": {"s3:PutObject"},
    "upload_file": {"s3:PutObject", "s3:AbortMultipartUpload"},
    "delete_object": {"s3:DeleteObject"},
    "list_objects_v2": {"s3:ListBucket"},
    "get_secret_value": {"secretsmanager:GetSecretValue"},
    "start_execution": {"states:StartExecution"},
    "get_tables": {"glue:GetTables"},
}
# What the integrations of Step Functions ask for.
INTEGRATIONS = {
    "lambda:invoke": {"lambda:InvokeFunction"},
    "glue:startJobRun.sync": {
        f"glue:{name}" for name in "StartJobRun GetJobRun GetJobRuns BatchStopJobRun".split()
    },
    "sns:publish": {"sns:Publish"},
}
ABOUT_CALLS = {"get_paginator", "paginate"}


# What is there only when a variable asks for it.
OPTIONAL_ROLES = {"stream"}


def granted(role: str, statement: dict[str, Any]) -> set[Triple]:
    """What a statement allows, in the page's words."""
    folders = set(statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", []))
    folders |= {
        arn.split(":::")[1].partition("/")[2] for arn in _listed(statement["Resource"]) if ":s3:::" in arn
    }
    if "Condition" in statement:
        folders -= {""} - set(statement["Condition"].get("StringLike", {}).get("s3:prefix", []))
    return {
        (role, action, folder)
        for action in _listed(statement["Action"])
        for folder in ({place.partition("/")[0] for place in folders} if action.startswith("s3:") else {""})
    }


def of(role: str) -> set[str]:
    return {action for name, action, _ in page() if name == role}


@pytest.mark.slow
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_rights_are_those_of_the_page(plans: dict[str, dict[str, Any]], environment: str) -> None:
    found = {
        triple
        for role, statements in roles(plans[environment]).items()
        for s in statements
        for triple in granted(role, s)
    }
    wanted = set(page())
    if environment == "dev":
        wanted = {t for t in wanted if t[0] not in OPTIONAL_ROLES and not t[1].startswith("kms:")}
    assert found == wanted


@pytest.mark.slow
def test_no_statement_can_go(plans: dict[str, dict[str, Any]]) -> None:
    """Each gives what no other of its role does, so that without it the rights are not those of the page."""
    for role, statements in roles(plans["prod"]).items():
        for i, statement in enumerate(statements):
            others = set[Triple]().union(*(granted(role, s) for j, s in enumerate(statements) if j != i))
            assert granted(role, statement) - others, (role, statement["Sid"])


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def calls(path: str) -> Iterator[str]:
    """Methods of the SDK that a file calls on its clients."""
    file = SOURCE / path
    tree = ast.parse(file.read_text(encoding="utf-8") if file.exists() else "")
    clients = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _is_client(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        on = node.func.value
        if _is_client(on) or (isinstance(on, ast.Name) and on.id in clients):
            if node.func.attr == "get_paginator":
                assert isinstance(node.args[0], ast.Constant)
                yield str(node.args[0].value)
            elif node.func.attr not in ABOUT_CALLS:
                yield node.func.attr


def _is_client(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "client"


def test_what_the_code_calls_is_granted_to_who_calls_it() -> None:
    storage = {*calls("loglode/storage.py"), *calls("loglode/sdk.py")}
    assert {"put_object", "get_object", "list_objects_v2", "get_secret_value"} <= storage
    wanted = set().union(*(RIGHTS[call] for call in storage))
    for role in ("transform", "glue"):
        assert wanted <= of(role), role
        # And no more of S3 and secrets than the code calls.
        assert {a for a in of(role) if a.startswith(("s3:", "secretsmanager:"))} == wanted, role
    own = [*calls("lambda_functions/trigger.py"), *calls("loglode/aws/executions.py")]
    trigger = set().union(*(RIGHTS[call] for call in own))
    assert trigger == {"states:StartExecution"}
    assert trigger <= of("trigger")
    assert {right for call in calls("lambda_functions/catalog.py") for right in RIGHTS[call]} <= of(
        "transform"
    )


def test_the_state_machine_may_do_what_its_states_do() -> None:
    definition = (ROOT / "terraform/modules/step_functions/pipeline.asl.json").read_text(encoding="utf-8")
    found = set(re.findall(r'"Resource": "arn:aws:states:::([\w:.-]+)"', definition))
    wanted = set().union(*(_integration(name) for name in found))
    own = {a for a in of("states") if not a.startswith(("logs:", "xray:", "kms:"))}
    assert own == wanted


def _integration(name: str) -> set[str]:
    if name.startswith("aws-sdk:"):
        _, service, call = name.split(":")
        return {f"{service}:{call[0].upper()}{call[1:]}"}
    return INTEGRATIONS[name]


@pytest.mark.slow
def test_policies_fit_into_a_role(plans: dict[str, dict[str, Any]]) -> None:
    for role, statements in roles(plans["prod"]).items():
        assert len(json.dumps(statements).replace(" ", "")) < 10_240, role
