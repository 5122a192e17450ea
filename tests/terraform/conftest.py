"""Fixtures of the Terraform tests: the project in a scratch copy, and the plan of each environment."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from typing import Any

import pytest
from tests.helpers.terraform import KIT, KIT_VARIABLE, ROOT, VALUES, Terraform, plan_of


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
