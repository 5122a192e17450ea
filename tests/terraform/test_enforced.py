"""The rendered policies, enforced by the emulator: loading works under them, and without any part it does not.

The emulator enforces rights on objects only, and does not look at conditions; all else of the policies is
compared as text in test_permissions.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.integration.conftest import endpoint, s3
from tests.terraform.plan import policies, resources
from tests.tools import KEY, records

from lambda_functions import trigger
from loglode import pipeline, storage
from loglode.errors import AccessDeniedError, LoglodeError
from loglode.pipeline.manifest import read_manifest, write_manifest
from loglode.settings import Settings
from loglode.storage import S3Path

__all__ = ["endpoint", "s3"]
pytestmark = pytest.mark.slow
Statements = list[dict[str, Any]]
LOG = "web_logs/_delta_log/00000000000000000000.json"


def enforce(endpoint: str, *, is_on: bool) -> None:
    body = b"0" if is_on else b"inf"
    url, headers = f"{endpoint}/moto-api/reset-auth", {"Content-Type": "text/plain"}
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - our own server
    urllib.request.urlopen(request).close()  # noqa: S310


@pytest.fixture
def become(endpoint: str, s3: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Statements], None]]:
    """Go on as a role with these statements, and no other right."""
    del s3
    made: list[str] = []

    def go_on(statements: Statements) -> None:
        enforce(endpoint, is_on=False)
        iam, name = boto3.client("iam"), f"role-{len(made)}"
        made.append(name)
        trust = {"Version": "2012-10-17", "Statement": []}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": statements}
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        found = boto3.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", found["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", found["SecretAccessKey"])
        monkeypatch.setenv("AWS_SESSION_TOKEN", found["SessionToken"])
        for cached in (storage.client, storage._session):
            cached.cache_clear()
        boto3.DEFAULT_SESSION = None
        enforce(endpoint, is_on=True)

    yield go_on
    enforce(endpoint, is_on=False)
    boto3.DEFAULT_SESSION = None


def without(statements: Statements, action: str, folder: str) -> Statements:
    """The statements less one action on one folder."""
    kept = []
    for s in statements:
        places = [s["Resource"]] if isinstance(s["Resource"], str) else s["Resource"]
        actions = [s["Action"]] if isinstance(s["Action"], str) else s["Action"]
        hit = [p for p in places if p.endswith(folder)]
        if action in actions and hit:
            others = [a for a in actions if a != action]
            kept += [{**s, "Sid": f"{s['Sid']}Less", "Resource": hit, "Action": others}] if others else []
            places = [p for p in places if p not in hit]
        kept += [{**s, "Resource": places}] if places else []
    return kept


def test_rights_on_objects_are_enough_and_none_too_many(
    plans: dict[str, dict[str, Any]],
    s3: Any,
    become: Callable[[Statements], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (bucket,) = {r["values"]["bucket"] for r in resources(plans["dev"]) if r["type"] == "aws_s3_bucket"}
    roles = policies(plans["dev"])
    s3.create_bucket(Bucket=bucket)
    monkeypatch.setenv("LOGLODE_BRONZE", f"s3://{bucket}/bronze")
    monkeypatch.delenv("LOGLODE_KEY_SECRET")
    (tmp_path / "key").write_text(KEY)
    names = iter([f"bronze/{number}.json" for number in range(20)])
    for number in range(20):
        lines = [f"first line of {number}", *map(json.dumps, records(3))]
        s3.put_object(Bucket=bucket, Key=f"bronze/{number}.json", Body="\n".join(lines).encode())

    def manifest() -> str:
        """What the trigger does with the event of a new object."""
        thing = {"bucket": {"name": bucket}, "object": {"key": next(names)}}
        found = list(trigger.objects_of({"detail-type": "Object Created", "detail": thing}))
        return str(write_manifest(S3Path(bucket, "manifests"), found))

    def load(uri: str) -> None:
        """What the transform does with a manifest."""
        settings = Settings.build(lake=f"s3://{bucket}", key_file=tmp_path / "key")
        report = pipeline.load_objects(settings, read_manifest(uri))
        assert not report.failed, report.failed
        pipeline.update_gold(settings)

    become(roles["trigger"])
    uris = iter([manifest() for _ in range(12)])
    with pytest.raises(AccessDeniedError):
        storage.head(S3Path(bucket, "manifests/any"))
    become(roles["transform"])
    load(next(uris))
    load(next(uris))
    become(roles["crawler"])
    S3Path(bucket, f"silver/{LOG}").read_bytes()
    with pytest.raises(AccessDeniedError):
        S3Path(bucket, f"quarantine/{LOG}").read_bytes()

    for action, folder in [("s3:GetObject", "/bronze/*"), ("s3:PutObject", "/manifests/*")]:
        become(without(roles["trigger"], action, folder))
        with pytest.raises(AccessDeniedError):
            manifest()
    needed = [("s3:GetObject", place) for place in ("bronze", "manifests", "silver", "gold", "ops")]
    needed += [("s3:PutObject", place) for place in ("silver", "quarantine", "gold", "ops")]
    for action, place in needed:
        become(without(roles["transform"], action, f"/{place}/*"))
        with pytest.raises((LoglodeError, OSError, AssertionError), match=r"(?i)denied|forbidden|403"):
            load(next(uris))
