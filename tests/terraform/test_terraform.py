"""Every module and environment is well formed, valid, and does what its own tests say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.plans import resources, strings
from tests.helpers.terraform import ROOT, Terraform

FOLDERS = [
    "terraform/bootstrap",
    *sorted(
        str(path.relative_to(ROOT))
        for parent in ("modules", "environments")
        for path in (ROOT / "terraform" / parent).iterdir()
        if path.is_dir()
    ),
]
TESTED = [folder for folder in FOLDERS if list((ROOT / folder).glob("tests/*.tftest.hcl"))]
# What names a thing of an account; two environments must share none of them.
NAMES = frozenset(
    "name bucket function_name alarm_name dashboard_name role group repository topic_arn queue_url policy_arn arn".split()
)
# Names that mean the same in every environment, and are unique only inside what holds them.
INNER = frozenset(
    "aws_iam_role_policy aws_glue_catalog_table aws_cloudwatch_log_stream aws_cloudwatch_event_target".split()
)


def test_files_are_formatted(terraform: Terraform) -> None:
    done = terraform.run(".", "fmt", "-check", "-recursive", "-no-color", "terraform")
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_key_has_no_test_of_its_own() -> None:
    # Terraform cannot mock the ephemeral value that the key is: test_the_key_is_in_no_plan looks at it.
    untested = {Path(folder).name for folder in FOLDERS if "modules" in folder and folder not in TESTED}
    assert untested == {"key"}


@pytest.mark.slow
@pytest.mark.parametrize("folder", TESTED)
def test_module(terraform: Terraform, folder: str) -> None:
    terraform.init(folder)
    done = terraform.run(folder, "test", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 failed" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dev", "prod"])
def test_environment_is_valid(terraform: Terraform, plans: dict[str, dict[str, Any]], name: str) -> None:
    assert plans[name]["errored"] is False
    done = terraform.run(f"terraform/environments/{name}", "validate", "-no-color")
    assert "Success" in done.stdout, done.stdout + done.stderr
    assert "Warning" not in done.stdout, done.stdout


@pytest.mark.slow
def test_environments_share_nothing(plans: dict[str, dict[str, Any]]) -> None:
    named = {}
    for environment, plan in plans.items():
        found = [r for r in resources(plan) if r["type"] not in INNER]
        named[environment] = {
            (r["type"], key, value)
            for r in found
            for key, value in r["values"].items()
            if key in NAMES and value
        }
        other = "prod" if environment == "dev" else "dev"
        wrong = [
            (r["address"], text)
            for r in resources(plan)
            for text in strings(r["values"])
            if f"loglode-{other}" in text
        ]
        assert not wrong
    assert len(named["dev"]) > 50
    assert not named["dev"] & named["prod"]


def test_environments_have_states_of_their_own() -> None:
    keys = [
        line.split('"')[1]
        for name in ("dev", "prod")
        for line in (ROOT / f"terraform/environments/{name}/main.tf").read_text().splitlines()
        if line.strip().startswith("key ") and "terraform.tfstate" in line
    ]
    assert len(keys) == len(set(keys)) == 2


@pytest.mark.slow
def test_prod_is_not_destroyed_by_a_word(terraform: Terraform, plans: dict[str, dict[str, Any]]) -> None:
    assert plans["prod"]["errored"] is False
    folder = "terraform/environments/prod"
    done = terraform.run(folder, "apply", "-auto-approve", "-no-color", "-target=terraform_data.guard")
    assert done.returncode == 0, done.stdout + done.stderr
    done = terraform.run(folder, "destroy", "-auto-approve", "-no-color")
    assert done.returncode != 0 and "prevent_destroy" in done.stderr


@pytest.mark.slow
def test_the_key_is_in_no_plan(plans: dict[str, dict[str, Any]]) -> None:
    for plan in plans.values():
        (version,) = [r for r in resources(plan) if r["type"] == "aws_secretsmanager_secret_version"]
        assert not version["values"].get("secret_string")
        assert not version["values"].get("secret_string_wo")


def test_environments_hold_no_resource_of_their_own() -> None:
    for folder in FOLDERS:
        if "environments" in folder:
            text = "".join(file.read_text() for file in (ROOT / folder).glob("*.tf"))
            assert 'resource "aws_' not in text
            assert "locals {" in text


def _calls(folder: str) -> dict[str, str]:
    """Text of each call of a module in a folder, by the module's name."""
    text = "".join(file.read_text() for file in (ROOT / folder).glob("*.tf"))
    return dict(re.findall(r'^module "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL))


def _variables(module: str) -> set[str]:
    text = (ROOT / "terraform" / "modules" / module / "variables.tf").read_text()
    return set(re.findall(r'^variable "(\w+)"', text, re.MULTILINE))


def test_every_module_gets_the_key_and_nothing_but_dev_is_disposable() -> None:
    """Read off the files, so that it holds where no plan can be made."""
    given = {"kms_key_arn": "var.kms_key_arn", "force_destroy": "var.is_disposable"}
    seen = 0
    for folder in ("modules/pipeline", "environments/dev", "environments/prod"):
        for module, text in _calls(f"terraform/{folder}").items():
            arguments = dict(re.findall(r"^  (\w+) += (\S+)$", text, re.MULTILINE))
            for name in given.keys() & _variables(module):
                assert arguments.get(name) == given[name], (folder, module, name)
                seen += 1
            assert ("is_disposable" in arguments) == (folder == "environments/dev"), (folder, module)
    assert seen == 12
