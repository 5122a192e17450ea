"""Terraform without a cloud: the provider's schema from a stand-in, where that kit is there."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
KIT_VARIABLE = "LOGLODE_TERRAFORM_OFFLINE"
KIT = Path(os.environ.get(KIT_VARIABLE, ROOT.parent / "shared" / "tools" / "terraform-offline"), "tf-offline")
VALUES = {
    "region": "us-east-1",
    "image_uri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/loglode:1",
    "wheel": "loglode-0.1.0-py3-none-any.whl",
    "glue_python_modules": "duckdb==1.5.5",
}
# Production is planned with all that is by variable.
BY_VARIABLE = {
    "dev": {},
    "prod": {
        "kms_key_arn": "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555",
        "permissions_boundary_arn": "arn:aws:iam::123456789012:policy/boundary",
        "has_firehose": "true",
    },
}


@dataclass(frozen=True)
class Terraform:
    """Runs terraform in a copy of the project's files, so that nothing is left behind."""

    root: Path
    environment: dict[str, str]

    def run(self, folder: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["terraform", *words],  # noqa: S607 - the one on the path, as the kit wants it
            cwd=self.root / folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def init(self, folder: str) -> None:
        done = self.run(folder, "init", "-backend=false", "-input=false", "-no-color")
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Terraform:
    """Skipped where neither the variable nor shared tools say where the kit is."""
    if not KIT.is_file():
        pytest.skip(
            f"no {KIT}: {KIT_VARIABLE} names the folder of the kit that stands in for the AWS provider"
        )
    assert pytestconfig.cache is not None
    home = pytestconfig.cache.mkdir("terraform-offline")
    environment = {**os.environ, "TF_OFFLINE_HOME": str(home / "kit"), "TF_OFFLINE_PREDICT": "1"}
    with (home / "lock").open("w") as lock:
        # Files of tests run side by side, and the first of them makes the kit ready.
        fcntl.flock(lock, fcntl.LOCK_EX)
        lines = subprocess.run(
            [KIT, "env"], env=environment, capture_output=True, text=True, check=True
        ).stdout
    environment |= dict(re.findall(r"^export (\w+)='(.*)'$", lines, re.MULTILINE))
    for name in lines.rpartition("unset ")[2].split():
        environment.pop(name, None)
    environment |= {f"TF_VAR_{name}": value for name, value in VALUES.items()}
    root = tmp_path_factory.mktemp("terraform")
    left_out = shutil.ignore_patterns(".terraform*", "*.tfstate*")
    shutil.copytree(ROOT / "terraform", root / "terraform", ignore=left_out)
    return Terraform(root, environment)


@pytest.fixture(scope="session")
def plans(terraform: Terraform) -> dict[str, dict[str, Any]]:
    """The plan of each environment, with names and ARNs as they will be."""
    return {name: plan_of(terraform, name) for name in ("dev", "prod")}


def plan_of(terraform: Terraform, name: str) -> dict[str, Any]:
    folder = f"terraform/environments/{name}"
    # A plan wants its backend: here any will do.
    (terraform.root / folder / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    done = terraform.run(folder, "init", "-input=false", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    with tempfile.TemporaryDirectory() as place:
        given = [f"-var={key}={value}" for key, value in BY_VARIABLE[name].items()]
        done = terraform.run(folder, "plan", "-input=false", "-no-color", *given, f"-out={place}/plan")
        assert done.returncode == 0, done.stdout + done.stderr
        shown = terraform.run(folder, "show", "-json", f"{place}/plan")
    plan: dict[str, Any] = json.loads(shown.stdout)
    return plan
