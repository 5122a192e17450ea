"""Terraform's own apply and destroy of dev, by the real provider, on the emulator with every right enforced.

Takes five minutes, most of them the provider's waits, and so runs only where a mirror of plugins is named.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import boto3
import pytest
from tests.helpers.deployed import bare
from tests.helpers.emulator import wait_for
from tests.helpers.lakes import records
from tests.helpers.terraform import ROOT, VALUES, Terraform

from loglode import operations, sdk
from loglode.settings import Settings

MIRROR_VARIABLE = "LOGLODE_TERRAFORM_PLUGINS"
MIRROR = os.environ.get(MIRROR_VARIABLE, "")
ENVIRONMENT = "terraform/environments/dev"
SERVICES = "s3 sqs sns iam sts lambda glue sfn secretsmanager logs cloudwatch events athena budgets kms firehose".split()
BUCKET = "loglode-dev-lake-123456789012"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MIRROR, reason=f"{MIRROR_VARIABLE} names no mirror with hashicorp/aws"),
]


@pytest.fixture
def terraform(tmp_path: Path) -> Terraform:
    """With the real provider, in a copy of the files."""
    mirror = tmp_path / "terraformrc"
    mirror.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{MIRROR}" }}\n}}\n')
    left_out = shutil.ignore_patterns(".terraform*", "*.tfstate*")
    shutil.copytree(ROOT / "terraform", tmp_path / "terraform", ignore=left_out)
    given = {f"TF_VAR_{name}": value for name, value in VALUES.items()}
    return Terraform(tmp_path, {**os.environ, **given, "TF_CLI_CONFIG_FILE": str(mirror)})


def point(folder: Path, endpoint: str) -> None:
    """The provider and the state, away from AWS."""
    places = "".join(f'    {name} = "{endpoint}"\n' for name in SERVICES)
    settings = (
        "skip_credentials_validation = true\n  skip_metadata_api_check = true\n  s3_use_path_style = true"
    )
    keys = 'access_key = "AKIALOCAL"\n  secret_key = "of the emulator"'
    text = f'provider "aws" {{\n  {keys}\n  {settings}\n  endpoints {{\n{places}  }}\n}}\n'
    (folder / "emulator_override.tf").write_text(text + 'terraform {\n  backend "local" {}\n}\n')


def test_dev_is_made_works_and_goes_without_a_trace(
    terraform: Terraform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*words: str) -> None:
        done = terraform.run(ENVIRONMENT, *words, "-input=false", "-no-color")
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr

    with bare(tmp_path) as (endpoint, record):
        point(tmp_path / ENVIRONMENT, endpoint)
        run("init")
        run("apply", "-auto-approve", "-parallelism=20")
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "AKIALOCAL",
            "AWS_SECRET_ACCESS_KEY": "of the emulator",
            "AWS_DEFAULT_REGION": "us-east-1",
            "LOGLODE_STAGING": str(tmp_path / "staging"),
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        sdk.forget()
        body = "".join(f"{json.dumps(line)}\n" for line in records(3))
        s3, states = boto3.client("s3"), boto3.client("stepfunctions")
        s3.put_object(Bucket=BUCKET, Key="bronze/a.json", Body=body.encode())
        (machine,) = states.list_state_machines()["stateMachines"]

        def ended() -> list[str]:
            found = states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
            return [e["status"] for e in found if e["status"] != "RUNNING"]

        assert wait_for(ended) == ["SUCCEEDED"]
        settings = Settings.build(lake=f"s3://{BUCKET}", key_secret="loglode-dev-pseudonyms", threads=1)  # noqa: S106 - a name
        assert operations.query(settings, "SELECT sum(requests) FROM daily_metrics").rows() == [(3,)]
        calls = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
        assert {c["role"] for c in calls} == {f"loglode-dev-{r}" for r in ("trigger", "transform", "states")}
        assert all(c["is_allowed"] for c in calls)
        run("destroy", "-auto-approve", "-parallelism=20")
        assert s3.list_buckets()["Buckets"] == []
        state = json.loads((tmp_path / ENVIRONMENT / "terraform.tfstate").read_text(encoding="utf-8"))
        assert state["resources"] == []
    sdk.forget()
