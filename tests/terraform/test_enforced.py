"""The rendered policies, enforced: the pipeline runs under them, and what any part of them allows is called.

The emulator holds each call against action, resource and conditions (local_aws/rights.py), and writes it down.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from local_aws.statements import allows, listed
from tests.helpers import iam_calls as calls
from tests.helpers.deployed import bare, deploy, put_policy
from tests.helpers.emulator import wait_for
from tests.helpers.iam_calls import Call, Caller, Names
from tests.helpers.lakes import records
from tests.helpers.permissions import Triple, page
from tests.helpers.plans import policies, resources, roles
from tests.helpers.terraform import BY_VARIABLE

from lambda_functions import trigger
from lambda_functions.catalog import is_behind
from loglode import operations, sdk
from loglode.aws.manifest import read_manifest, write_manifest
from loglode.errors import LoglodeError
from loglode.lake.heads import STATES_FILE
from loglode.settings import Settings
from loglode.sources.listing import on_s3
from loglode.storage import S3Path

pytestmark = pytest.mark.slow
DENIALS = r"(?i)denied|forbidden|403"
ROLES = "trigger transform glue states crawler stream data-engineers quarantine-readers".split()
# Without these the code itself is seen to fail; a call of its own tells of the others.
BY_CODE = {
    "trigger": {"LookAtNewObjects", "WriteManifests", "StartExecutions"},
    "transform": {"ReadBronze", "WorkOnTables"},
}
# AWS asks for these when a machine's logging is set; there are no calls of these names.
# The emulator has no calls of X-Ray's sampling.
WITHOUT_A_CALL = (
    {"xray:GetSamplingRules", "xray:GetSamplingTargets"}
    | {f"logs:{n}LogDelivery" for n in "Create Delete Get Update".split()}
    | {"logs:ListLogDeliveries"}
)


@dataclass(frozen=True)
class Account:
    """The pipeline of the plan, deployed; calls that were allowed are in the record."""

    plan: dict[str, Any]
    names: Names
    record: Path

    def calls(self) -> list[dict[str, Any]]:
        """Each call once, the roles' names without their environment."""
        lines = {line for line in self.record.read_text(encoding="utf-8").splitlines() if line}
        found = [json.loads(line) for line in sorted(lines)]
        return [call | {"role": call["role"].split("-", 2)[2]} for call in found if call["is_allowed"]]


@pytest.fixture(scope="module")
def account(plans: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """The emulator with nothing on it but what the plan of production says, and every right enforced."""
    folder = tmp_path_factory.mktemp("rights")
    with bare(folder) as (endpoint, record), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        patch.setenv("AWS_DEFAULT_REGION", calls.REGION)
        patch.setenv("LOGLODE_STAGING", str(folder / "staging"))
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        _take_keys(patch, "AKIALOCAL", "of the administrator", "")
        plan, queries = deploy(plans["prod"])
        yield Account(plan, Names("loglode-prod", BY_VARIABLE["prod"]["kms_key_arn"], queries), record)


@contextmanager
def as_role(account: Account, role: str) -> Iterator[None]:
    """With a role's rights, and no other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOGLODE_MANIFESTS", f"s3://{account.names.bucket}/manifests")
        patch.setenv("LOGLODE_STATE_MACHINE", account.names.machine)
        _take_keys(patch, *Caller(f"{account.names.name}-{role}", "code").keys)
        yield
    _forget()


def _take_keys(patch: pytest.MonkeyPatch, *keys: str) -> None:
    for name, value in zip(("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"), keys, strict=True):
        patch.setenv(f"AWS_{name}", value) if value else patch.delenv(f"AWS_{name}", raising=False)
    _forget()


def _forget() -> None:
    sdk.forget()


class Code:
    """What runs with a role: the functions' code, step by step, and a job's loading without a manifest."""

    def __init__(self, account: Account) -> None:
        self.account, self.admin, self.moment = account, boto3.client("s3"), 0.0
        self.bucket = account.names.bucket
        self.places = {name: f"s3://{self.bucket}/{name}" for name in ("manifests", "bronze")}
        self.settings = Settings.build(
            lake=f"s3://{self.bucket}", key_secret=_secret(account.plan), threads=1
        )

    def put(self) -> tuple[str, str]:
        """A new object, below a name that starts no execution; its place and version."""
        self.moment += 3600
        key = f"bronze/_{self.moment:.0f}/x.json"
        body = "".join(
            f"{json.dumps(line)}\n" for line in [f"no record {key}", *records(3, first=self.moment)]
        )
        made = self.admin.put_object(Bucket=self.bucket, Key=key, Body=body.encode())
        return f"s3://{self.bucket}/{key}", made["VersionId"]

    def prepared(self, role: str) -> Callable[[], object]:
        """What the role's code does with a new object, once. The administrator calls this."""
        match role:
            case "trigger":
                uri, version = self.put()
                return lambda: trigger.start([on_s3(uri), on_s3(uri, version)], "test")
            case "transform":
                manifest = write_manifest(S3Path(self.bucket, "manifests"), [on_s3(*self.put())])
                return lambda: self._transform(str(manifest))
            case "glue":
                manifest = write_manifest(S3Path(self.bucket, "manifests"), [on_s3(*self.put())])
                uri, _ = self.put()
                # Without the stored states the job finds each table's newest version in its log.
                self.admin.delete_object(Bucket=self.bucket, Key=STATES_FILE)
                return lambda: self._job(str(manifest), uri.removesuffix("x.json"))
        return lambda: None

    def _job(self, manifest: str, source: str) -> None:
        report = operations.load_objects(self.settings, read_manifest(manifest, **self.places))
        assert not report.failed, report.failed
        report = operations.run(self.settings, [source])
        assert not report.failed, report.failed

    def _transform(self, manifest: str) -> None:
        is_behind(self.settings, self.account.names.database)
        report = operations.load_objects(self.settings, read_manifest(manifest, **self.places))
        assert not report.failed, report.failed


def _secret(plan: dict[str, Any]) -> str:
    """ARN of the key."""
    (secret,) = [r["values"]["arn"] for r in resources(plan) if r["type"] == "aws_secretsmanager_secret"]
    return str(secret)


def is_refused(action: Callable[[], object]) -> bool:
    """Whether it ends for want of a right. What ends for another reason is an error."""
    try:
        action()
    except (LoglodeError, ClientError, OSError, AssertionError) as error:
        if not re.search(DENIALS, str(error)):
            raise
        return True
    return False


@pytest.fixture(scope="module")
def code(account: Account) -> Code:
    return Code(account)


@dataclass(frozen=True)
class Ran:
    """How the executions ended that an object of bronze started, and the requests that gold then counted."""

    statuses: list[str]
    requests: int


@pytest.fixture(scope="module", autouse=True)
def ran(account: Account) -> Ran:
    """The pipeline of the plan at work, before any test changes what it works on."""
    names = account.names
    body = "".join(f"{json.dumps(line)}\n" for line in ["no record", *records(30)])
    boto3.client("s3").put_object(Bucket=names.bucket, Key="bronze/web1/a.json", Body=body.encode())
    states = boto3.client("stepfunctions")

    def ended() -> list[str]:
        found = states.list_executions(stateMachineArn=names.machine)["executions"]
        return [e["status"] for e in found if e["status"] != "RUNNING"]

    found: list[str] = wait_for(ended)
    # What is started from here on need not run a second time.
    nothing = {"StartAt": "Nothing", "States": {"Nothing": {"Type": "Pass", "End": True}}}
    states.update_state_machine(stateMachineArn=names.machine, definition=json.dumps(nothing))
    settings = Settings.build(lake=f"s3://{names.bucket}", key_secret=_secret(account.plan), threads=1)
    [(requests,)] = operations.query(settings, "SELECT sum(requests) FROM daily_metrics").rows()
    return Ran(found, requests)


def test_the_pipeline_runs_under_its_roles(account: Account, ran: Ran) -> None:
    assert (ran.statuses, ran.requests) == (["SUCCEEDED"], 30)
    used = {(call["role"], call["action"]) for call in account.calls()}
    assert used >= {
        ("trigger", "sqs:ReceiveMessage"), ("trigger", "states:StartExecution"), ("states", "lambda:InvokeFunction"),
        ("states", "glue:StartCrawler"), ("transform", "s3:PutObject"), ("transform", "glue:GetTables"),
    }  # fmt: skip


@dataclass(frozen=True)
class Traced:
    """A call of a role, what it asked for, and whether it was refused."""

    call: Call
    asked: list[dict[str, Any]]
    is_denied: bool


@pytest.fixture(scope="module")
def traced(account: Account, code: Code) -> dict[str, list[Traced]]:
    """Every role's code has run, and its calls are made."""
    found: dict[str, list[Traced]] = {}
    for role in ROLES:
        run = code.prepared(role)
        with as_role(account, role):
            assert not is_refused(run), role
        caller, found[role] = Caller(f"{account.names.name}-{role}", "service"), []
        for call in calls.of_role(role, account.names):
            before = account.record.stat().st_size
            is_denied = calls.is_denied(caller, call)
            lines = account.record.read_bytes()[before:].splitlines()
            asked = [
                line for line in map(json.loads, lines) if line["role"] == f"{account.names.name}-{role}"
            ]
            found[role].append(Traced(call, asked, is_denied))
    return found


@pytest.mark.parametrize("role", ROLES)
def test_rights_are_enough_and_conditions_hold(
    account: Account, traced: dict[str, list[Traced]], role: str
) -> None:
    assert [t.call for t in traced[role] if t.is_denied] == []
    caller = Caller(f"{account.names.name}-{role}", "service")
    assert [call for call in calls.forbidden(role, account.names) if not calls.is_denied(caller, call)] == []


@pytest.mark.parametrize("role", ROLES)
def test_nothing_works_without_any_one_statement(
    account: Account, code: Code, traced: dict[str, list[Traced]], role: str
) -> None:
    name = f"{account.names.name}-{role}"
    statements = policies(account.plan)[name]
    caller = Caller(name, "service")
    try:
        for gone in statements:
            others = [s for s in statements if s is not gone]
            put_policy(name, others)
            made = [c for c in account.calls() if (c["role"], c["session"]) == (role, "code")]
            refused = [c for c in made if not is_allowed(others, c)]
            if gone["Sid"] in BY_CODE.get(role, ()):
                put_policy(name, statements)
                run = code.prepared(role)
                put_policy(name, others)
                with as_role(account, role):
                    assert is_refused(run), (role, gone["Sid"])
            else:
                needed = [t.call for t in traced[role] if not all(is_allowed(others, c) for c in t.asked)]
                needed += [
                    calls.again(c["action"], c["resource"], c["context"]) for c in refused[:1] if not needed
                ]
                assert needed, (role, gone["Sid"])
                assert calls.is_denied(caller, needed[0]), (role, gone["Sid"])
    finally:
        put_policy(name, statements)


def is_allowed(statements: list[dict[str, Any]], call: dict[str, Any]) -> bool:
    return allows(statements, call["action"], call["resource"], call["context"])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.usefixtures("traced")
def test_every_action_on_every_resource_is_used(account: Account, role: str) -> None:
    made = [c for c in account.calls() if c["role"] == role]
    statements = roles(account.plan)[role]
    unused = [
        (less["Sid"], action, resource)
        for i, less in enumerate(statements)
        for action in listed(less["Action"])
        for resource in listed(less["Resource"])
        if action not in WITHOUT_A_CALL
        and all(
            is_allowed([*statements[:i], *_less(less, action, resource), *statements[i + 1 :]], c)
            for c in made
        )
    ]
    assert unused == []


def _less(statement: dict[str, Any], action: str, resource: str) -> list[dict[str, Any]]:
    """The statement without one action on one resource."""
    actions = [a for a in listed(statement["Action"]) if a != action]
    places = [r for r in listed(statement["Resource"]) if r != resource]
    return [
        *([{**statement, "Action": actions}] if actions else []),
        *([{**statement, "Resource": places}] if places else []),
    ]


@pytest.mark.usefixtures("traced")
def test_the_page_says_who_made_the_calls(account: Account) -> None:
    """`run`: the pipeline's own code did; `call`: this test did, as the service or a person does."""
    seen: dict[Triple, str] = {}
    for call in sorted(account.calls(), key=lambda c: c["session"] == "code"):
        kind = "run" if call["session"] == "code" else "call"
        seen[call["role"], call["action"], on_what(call["action"], call["resource"], call["context"])] = kind
    said = page()
    assert {triple: seen.get(triple, "none") for triple in said} == said
    assert seen.keys() <= said.keys()


def on_what(action: str, resource: str, context: dict[str, str]) -> str:
    """Folder of the bucket that a call is about; other services' lines are about all that they name."""
    if not action.startswith("s3:"):
        return ""
    return (context.get("s3:prefix") or resource.split(":::")[1].partition("/")[2]).partition("/")[0]
