"""Rights: the emulator looks at the resources of S3 and SQS alone, and at no condition. Here every call made
with a role is held against the role's policies, and written down. Who has no role is the administrator.

Bucket, queue and topic policies are not looked at, nor trust.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
from botocore.config import Config
from moto import settings
from moto.athena.models import athena_backends
from moto.core.authorization import ActionAuthenticatorMixin
from moto.iam.access_control import IAMRequestBase
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_glue,
)

from local_aws.patching import replace, wrap
from local_aws.statements import allows

_SERVICES = {"monitoring": "cloudwatch"}
_ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "xray:TraceSegments": "xray:PutTraceSegments",
    "xray:TelemetryRecords": "xray:PutTelemetryRecords",
}
_LIST = "s3:ListBucket"
_written = threading.Lock()
Given = dict[str, Any]


def patch(record: Path) -> None:
    """Mends: most services see the resource `*`, conditions always hold. A call is a line of the record."""
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    wrap(ActionAuthenticatorMixin, "_authenticate_and_authorize_action", _for_roles)
    replace(IAMRequestBase, "check_action_permitted", _checker(record))
    for module in (lambda_eval_utils, state_task_service_glue, state_task_service_aws_sdk):
        replace(module, "boto_client_for", _client)


def are_on() -> bool:
    """Whether calls of roles are looked at."""
    return settings.INITIAL_NO_AUTH_ACTION_COUNT == 0


def credentials(role: str, session: str) -> dict[str, str]:
    """Variables of a process that works with a role, named by its ARN."""
    endpoint = f"http://127.0.0.1:{settings.moto_server_port()}"
    found = boto3.client("sts", endpoint_url=endpoint).assume_role(RoleArn=role, RoleSessionName=session)
    return {
        "AWS_ACCESS_KEY_ID": found["Credentials"]["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["Credentials"]["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["Credentials"]["SessionToken"],
    }


def arguments(variables: dict[str, str]) -> dict[str, str]:
    """The same for a client."""
    return {name.lower(): value for name, value in variables.items()}


def _for_roles(check: Callable[..., None]) -> Callable[..., None]:
    def for_roles(self: Any, *args: Any) -> None:
        if "X-Amz-Security-Token" in self.headers:
            check(self, *args)

    return for_roles


def _client(*, region: str, service: str, state_credentials: Any) -> Any:
    """Mends: Step Functions calls other services with nobody's rights."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=f"http://127.0.0.1:{settings.moto_server_port()}",
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
        **arguments(credentials(state_credentials.role_arn, "code")),
    )


def _checker(record: Path) -> Callable[[Any, str], None]:
    def check(request: Any, resource: str) -> None:
        role, session = request._access_key.arn.split("/")[-2:]  # noqa: SLF001
        statements = [s for p in request._access_key.collect_policies() for s in _statements(p)]  # noqa: SLF001
        for action, arn, context in asked(request, resource):
            is_allowed = allows(statements, action, arn, context)
            line = {"role": role, "session": session, "action": action, "resource": arn, "context": context}
            with _written, record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line | {"is_allowed": is_allowed}) + "\n")
            if not is_allowed:
                request._raise_access_denied()  # noqa: SLF001

    return check


def _statements(policy: Any) -> list[Any]:
    """Those of an inline policy, which is text or has text, or of a managed one."""
    if hasattr(policy, "versions"):
        policy = next(version.document for version in policy.versions if version.is_default)
    found: list[Any] = json.loads(policy if isinstance(policy, str) else policy["policy_document"])[
        "Statement"
    ]
    return found


def asked(request: Any, resource: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(action, resource, context) of all that a request has to be allowed."""
    service, _, call = request._action.partition(":")  # noqa: SLF001
    service = _SERVICES.get(service, service)
    action = _ACTIONS.get(f"{service}:{call}", f"{service}:{call}")
    if service == "s3":
        yield from _on_s3(request, action, resource)
        return
    given = _given(request)
    prefix = f"arn:aws:{service}:{request._region}:{request.account_id}"  # noqa: SLF001
    for arn in _RESOURCES.get(service, _any)(given, prefix, request) or [resource]:
        yield action, arn, {"cloudwatch:namespace": given["Namespace"]} if "Namespace" in given else {}


def _on_s3(request: Any, action: str, resource: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    query = parse_qs(urlsplit(request._path).query, keep_blank_values=True)  # noqa: SLF001
    bucket, _, key = resource.partition("/")
    if request._method == "POST" and "delete" in query:  # noqa: SLF001
        keys = re.findall(rb"<Key>(.*?)</Key>", request._body)  # noqa: SLF001
        yield from (("s3:DeleteObject", f"{bucket}/{name.decode()}", {}) for name in keys)
    elif not key:
        context = {"s3:prefix": query["prefix"][0]} if "prefix" in query else {}
        yield _LIST if action in {"s3:ListBucket", "s3:HeadBucket"} else action, resource, context
    else:
        yield _on_object(request._method, query, action), resource, {}  # noqa: SLF001


def _on_object(method: str, query: dict[str, list[str]], action: str) -> str:
    match method:
        case "GET" | "HEAD":
            return "s3:GetObjectVersion" if "versionId" in query else "s3:GetObject"
        case "PUT" | "POST":
            return "s3:PutObject"
        case "DELETE":
            return "s3:AbortMultipartUpload" if "uploadId" in query else "s3:DeleteObject"
        case _:
            return action


def _given(request: Any) -> Given:
    """A request's parameters, of either protocol."""
    body = request._body or b""  # noqa: SLF001
    if body[:1] in (b"{", "{"):
        found: Given = json.loads(body)
        return found
    return {name: value[0] for name, value in request._data.items()}  # noqa: SLF001


def _of_sqs(given: Given, prefix: str, _request: Any) -> list[str]:
    if "QueueName" in given:
        return [f"{prefix}:{given['QueueName']}"]
    if "TaskHandle" in given:
        return [json.loads(base64.b64decode(given["TaskHandle"]))["sourceArn"]]
    return [given["SourceArn"]] if "SourceArn" in given else []


def _of_lambda(_given: Given, prefix: str, request: Any) -> list[str]:
    name = unquote(urlsplit(request._path).path.split("/functions/")[1].split("/")[0])  # noqa: SLF001
    return [name if name.startswith("arn:") else f"{prefix}:function:{name}"]


def _of_glue(given: Given, prefix: str, request: Any) -> list[str]:
    """What is in the catalog asks for all that it is in."""
    if "JobName" in given:
        return [f"{prefix}:job/{given['JobName']}"]
    if request._action == "glue:GetDatabase":  # noqa: SLF001
        return [f"{prefix}:catalog", f"{prefix}:database/{given['Name']}"]
    if "DatabaseName" in given:
        database = given["DatabaseName"]
        table = given.get("TableInput", {}).get("Name") or given.get("TableName") or given.get("Name") or "*"
        parts = ("catalog", f"database/{database}", f"table/{database}/{table}")
        return [f"{prefix}:{part}" for part in parts]
    return [f"{prefix}:crawler/{given['Name']}"]


def _of_logs(given: Given, prefix: str, _request: Any) -> list[str]:
    if "logGroupName" not in given:
        return ["*"]
    return [f"{prefix}:log-group:{given['logGroupName']}:log-stream:{given.get('logStreamName', '')}"]


def _of_cloudwatch(given: Given, prefix: str, request: Any) -> list[str]:
    if "DashboardName" in given:
        return [f"arn:aws:cloudwatch::{request.account_id}:dashboard/{given['DashboardName']}"]
    names = given.get("AlarmNames") or [given[key] for key in ("AlarmName",) if key in given]
    return [f"{prefix}:alarm:{name}" for name in names] or ["*"]


def _of_athena(given: Given, prefix: str, request: Any) -> list[str]:
    backend = athena_backends[request.account_id][request._region]  # noqa: SLF001
    named: dict[str, Any] = {**backend.executions, **backend.named_queries}
    known = given.get("QueryExecutionId") or given.get("NamedQueryId")
    group = named[known].workgroup.name if known else given["WorkGroup"]
    return [f"{prefix}:workgroup/{group}"]


def _any(given: Given, _prefix: str, _request: Any) -> list[str]:
    return [
        given[key] for key in ("stateMachineArn", "executionArn", "SecretId", "KeyId") if key in given
    ] or ["*"]


# The ARNs that a service asks for, by its parameters; none: what the emulator finds out itself.
_RESOURCES: dict[str, Callable[[Given, str, Any], list[str]]] = {
    "sqs": _of_sqs, "lambda": _of_lambda, "glue": _of_glue, "logs": _of_logs,
    "cloudwatch": _of_cloudwatch, "athena": _of_athena,
}  # fmt: skip
