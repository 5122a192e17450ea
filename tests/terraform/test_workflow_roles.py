"""Rights of the roles that workflows take: enough, no more, and no statement without an effect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.terraform.conftest import Terraform
from tests.terraform.plan import resources

from local_aws.statements import allows

pytestmark = pytest.mark.slow
ACCOUNT = "123456789012"
STATES = f"arn:aws:s3:::loglode-terraform-{ACCOUNT}"
IMAGE = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/loglode"

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
    }
    return places[kind]


def passed_to(service: str) -> dict[str, str]:
    return {"iam:PassedToService": f"{service}.amazonaws.com"}


def expected(role: str) -> tuple[list[Call], list[Call]]:
    """(what a role must be able to do, what it must not)."""
    if role == "build":
        own: list[Call] = [("ecr:GetAuthorizationToken", "*", {}), ("ecr:PutImage", IMAGE, {})]
        return own, [("ecr:DeleteRepository", IMAGE, {}), ("ecr:PutImage", f"{IMAGE}-other", {}),
                     ("s3:GetObject", of("dev", "state"), {})]  # fmt: skip
    name, _, kind = role.partition("-")
    other = "prod" if name == "dev" else "dev"
    look: list[Call] = [
        ("s3:GetObject", of(name, "state"), {}),
        ("s3:ListBucket", STATES, {}),
        ("iam:GetRole", of(name, "role"), {}),
        ("states:DescribeExecution", of(name, "execution"), {}),
    ]
    write: list[Call] = [
        ("s3:PutObject", of(name, "state"), {}),
        ("lambda:CreateFunction", of(name, "function"), {}),
        (
            "lambda:CreateEventSourceMapping",
            of(name, "mapping"),
            {"lambda:FunctionArn": of(name, "function")},
        ),
        ("logs:CreateLogDelivery", "*", {}),
        ("budgets:ModifyBudget", of(name, "budget"), {}),
        ("iam:PutRolePolicy", of(name, "role"), {}),
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
        ("iam:PutRolePolicy", of(other, "role"), {}),
        ("iam:PutRolePolicy", of(name, "workflow"), {}),
        ("iam:PassRole", of(name, "role"), passed_to("ec2")),
        ("iam:PassRole", of(name, "workflow"), passed_to("lambda")),
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/x", {}),
        ("ecr:PutImage", IMAGE, {}),
    ]
    if kind == "plan":
        return look, [*write, *never, ("s3:GetObject", of(name, "object"), {}),
                      ("secretsmanager:GetSecretValue", of(name, "secret"), {})]  # fmt: skip
    return look + write, never


@pytest.fixture(scope="module")
def roles(terraform: Terraform) -> dict[str, list[dict[str, Any]]]:
    """Statements of each workflow's role."""
    folder = "terraform/bootstrap"
    terraform.init(folder)
    place = terraform.root / "bootstrap.plan"
    given = ("-input=false", "-no-color", "-var=repository=someone/loglode", f"-out={place}")
    done = terraform.run(folder, "plan", *given)
    assert done.returncode == 0, done.stdout + done.stderr
    plan = json.loads(terraform.run(folder, "show", "-json", str(place)).stdout)
    return {
        r["index"]: json.loads(r["values"]["policy"])["Statement"]
        for r in resources(plan)
        if r["type"] == "aws_iam_role_policy"
    }


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
