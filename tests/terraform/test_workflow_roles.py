"""Rights of the roles that workflows take: enough, no more, and no statement without an effect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from local_aws.statements import allows, listed
from tests.helpers.plans import policies, resources
from tests.helpers.terraform import Terraform

pytestmark = pytest.mark.slow
ACCOUNT = "123456789012"
STATES = f"arn:aws:s3:::loglode-terraform-{ACCOUNT}"
IMAGE = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/loglode"

# Policies that no role has.
PEOPLE = frozenset({"data-engineers", "quarantine-readers"})
Call = tuple[str, str, dict[str, str]]


def of(name: str, kind: str) -> str:
    """ARN of something that an environment holds."""
    places = {
        "role": f"arn:aws:iam::{ACCOUNT}:role/loglode-{name}-transform",
        "function": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:loglode-{name}-transform",
        "state": f"{STATES}/loglode/{name}/terraform.tfstate",
        "object": f"arn:aws:s3:::loglode-{name}-lake-{ACCOUNT}/gold/x",
        "budget": f"arn:aws:budgets::{ACCOUNT}:budget/loglode-{name}-month",
        "execution": f"arn:aws:states:us-east-1:{ACCOUNT}:execution:loglode-{name}:x",
        "mapping": f"arn:aws:lambda:us-east-1:{ACCOUNT}:event-source-mapping:x",
        "secret": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:loglode-{name}-key-x",
        "workflow": f"arn:aws:iam::{ACCOUNT}:role/loglode-github-{name}-apply",
        "boundary": f"arn:aws:iam::{ACCOUNT}:policy/loglode-boundary-{name}",
        "policy": f"arn:aws:iam::{ACCOUNT}:policy/loglode-{name}-data-engineers",
        "group": f"arn:aws:iam::{ACCOUNT}:group/loglode-{name}-data-engineers",
    }
    return places[kind]


def passed_to(service: str) -> dict[str, str]:
    return {"iam:PassedToService": f"{service}.amazonaws.com"}


def bounded(arn: str) -> dict[str, str]:
    return {"iam:PermissionsBoundary": arn}


def expected(role: str) -> tuple[list[Call], list[Call]]:
    """(what a role must be able to do, what it must not)."""
    if role == "build":
        own: list[Call] = [("ecr:GetAuthorizationToken", "*", {}), ("ecr:PutImage", IMAGE, {})]
        return own, [("ecr:DeleteRepository", IMAGE, {}), ("ecr:PutImage", f"{IMAGE}-other", {}),
                     ("s3:GetObject", of("dev", "state"), {})]  # fmt: skip
    name, _, kind = role.partition("-")
    other = "prod" if name == "dev" else "dev"
    state: list[Call] = [
        ("s3:GetObject", of(name, "state"), {}),
        ("s3:ListBucket", STATES, {}),
        ("secretsmanager:GetRandomPassword", "*", {}),
    ]
    write: list[Call] = [
        ("iam:GetRole", of(name, "role"), {}),
        ("states:DescribeExecution", of(name, "execution"), {}),
        ("s3:PutObject", of(name, "state"), {}),
        ("lambda:CreateFunction", of(name, "function"), {}),
        (
            "lambda:CreateEventSourceMapping",
            of(name, "mapping"),
            {"lambda:FunctionArn": of(name, "function")},
        ),
        ("logs:CreateLogDelivery", "*", {}),
        ("budgets:ModifyBudget", of(name, "budget"), {}),
        ("lambda:TagResource", of(name, "mapping"), {}),
        ("iam:CreateRole", of(name, "role"), bounded(of(name, "boundary"))),
        ("iam:PutRolePolicy", of(name, "role"), bounded(of(name, "boundary"))),
        ("iam:DeleteRole", of(name, "role"), {}),
        ("iam:CreatePolicyVersion", of(name, "policy"), {}),
        ("iam:CreateGroup", of(name, "group"), {}),
        ("iam:AttachGroupPolicy", of(name, "group"), {"iam:PolicyARN": of(name, "policy")}),
        ("iam:PassRole", of(name, "role"), passed_to("lambda")),
        ("ecr:SetRepositoryPolicy", IMAGE, {}),
    ]
    never: list[Call] = [
        ("s3:GetObject", of(other, "state"), {}),
        ("s3:PutObject", of(other, "state"), {}),
        ("s3:GetObject", of(other, "object"), {}),
        ("secretsmanager:GetSecretValue", of(other, "secret"), {}),
        ("lambda:UpdateFunctionCode", of(other, "function"), {}),
        (
            "lambda:DeleteEventSourceMapping",
            of(other, "mapping"),
            {"lambda:FunctionArn": of(other, "function")},
        ),
        ("iam:PutRolePolicy", of(other, "role"), bounded(of(name, "boundary"))),
        ("iam:PutRolePolicy", of(name, "workflow"), bounded(of(name, "boundary"))),
        # No rights beyond the boundary, and none over it.
        ("iam:CreateRole", of(name, "role"), {}),
        ("iam:PutRolePolicy", of(name, "role"), {}),
        ("iam:PutRolePolicy", of(name, "role"), bounded(of(other, "boundary"))),
        (
            "iam:PutRolePermissionsBoundary",
            of(name, "role"),
            bounded("arn:aws:iam::aws:policy/AdministratorAccess"),
        ),
        ("iam:DeleteRolePermissionsBoundary", of(name, "role"), {}),
        ("iam:CreatePolicyVersion", of(name, "boundary"), {}),
        (
            "iam:AttachGroupPolicy",
            of(name, "group"),
            {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"},
        ),
        ("iam:PassRole", of(name, "role"), passed_to("ec2")),
        ("iam:PassRole", of(name, "workflow"), passed_to("lambda")),
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/x", {}),
        ("ecr:PutImage", IMAGE, {}),
    ]
    if kind == "plan":
        return state, [*write, *never, ("s3:GetObject", of(name, "object"), {}),
                      ("secretsmanager:GetSecretValue", of(name, "secret"), {})]  # fmt: skip
    return state + write, never


@pytest.fixture(scope="module")
def made(terraform: Terraform) -> list[dict[str, Any]]:
    """What the step that is done once for an account makes."""
    folder = "terraform/bootstrap"
    terraform.init(folder)
    place = terraform.root / "bootstrap.plan"
    given = ("-input=false", "-no-color", "-var=repository=someone/loglode", f"-out={place}")
    done = terraform.run(folder, "plan", *given)
    assert done.returncode == 0, done.stdout + done.stderr
    return resources(json.loads(terraform.run(folder, "show", "-json", str(place)).stdout))


def statements_of(made: list[dict[str, Any]], kind: str) -> dict[str, list[dict[str, Any]]]:
    return {r["index"]: json.loads(r["values"]["policy"])["Statement"] for r in made if r["type"] == kind}


@pytest.fixture(scope="module")
def roles(made: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Statements of each workflow's role."""
    return statements_of(made, "aws_iam_role_policy")


@pytest.mark.parametrize("role", ["build", "dev-plan", "dev-apply", "prod-plan", "prod-apply"])
def test_a_workflow_may_do_its_work_and_nothing_else(
    roles: dict[str, list[dict[str, Any]]], role: str
) -> None:
    statements = roles[role]
    own, never = expected(role)
    assert [call for call in own if not allows(statements, *call)] == []
    assert [call for call in never if allows(statements, *call)] == []
    for gone in statements:
        others = [s for s in statements if s is not gone]
        assert not all(allows(others, *call) for call in own), f"nothing needs {gone['Sid']}"


def test_there_is_no_other_role(roles: dict[str, list[dict[str, Any]]]) -> None:
    assert roles.keys() == {"build", "dev-plan", "dev-apply", "prod-plan", "prod-apply"}


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_boundary_holds_all_that_roles_are_given_and_nothing_of_identities(
    made: list[dict[str, Any]], plans: dict[str, dict[str, Any]], name: str
) -> None:
    boundary = statements_of(made, "aws_iam_policy")[name]
    given: list[Call] = [
        (action, resource, {})
        for who, statements in policies(plans[name]).items()
        if who.removeprefix(f"loglode-{name}-") not in PEOPLE
        for statement in statements
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]
    assert len(given) > 50
    assert [call for call in given if not allows(boundary, *call)] == []
    other = "prod" if name == "dev" else "dev"
    never: list[Call] = [
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/x", {}),
        ("iam:PutRolePolicy", of(name, "role"), {}),
        ("sts:AssumeRole", of(name, "role"), {}),
        ("s3:GetObject", of(other, "object"), {}),
        ("secretsmanager:GetSecretValue", of(other, "secret"), {}),
        ("s3:GetObject", of(name, "state"), {}),
    ]
    assert [call for call in never if allows(boundary, *call)] == []


def test_no_policy_is_longer_than_iam_takes(made: list[dict[str, Any]]) -> None:
    """White space does not count: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""
    longest = {"aws_iam_role_policy": 10_240, "aws_iam_policy": 6_144}
    for r in made:
        if r["type"] in longest:
            assert len("".join(r["values"]["policy"].split())) <= longest[r["type"]], r["address"]
