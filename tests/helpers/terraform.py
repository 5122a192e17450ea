"""Runs terraform without a cloud; the offline kit supplies the provider's schema."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
