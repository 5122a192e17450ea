"""Production's plan: everything that can be encrypted is, with the key that is given, and no data can be destroyed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.helpers.plans import resources
from tests.helpers.terraform import BY_VARIABLE, Terraform

pytestmark = pytest.mark.slow
KEY = BY_VARIABLE["prod"]["kms_key_arn"]
# Where a resource names the customer's key. The types of the plan that the provider can encrypt are found by
# its schema: one that is in neither table fails `test_every_type_that_takes_a_key_is_known`.
ENCRYPTED = {
    "aws_athena_workgroup": {"configuration.result_configuration.encryption_configuration.kms_key_arn"},
    "aws_cloudwatch_log_group": {"kms_key_id"},
    "aws_glue_security_configuration": {
        f"encryption_configuration.{part}.kms_key_arn"
        for part in ("cloudwatch_encryption", "job_bookmarks_encryption", "s3_encryption")
    },
    "aws_kinesis_firehose_delivery_stream": {
        "extended_s3_configuration.kms_key_arn",
        "server_side_encryption.key_arn",
    },
    "aws_lambda_function": {"kms_key_arn"},
    "aws_s3_bucket_server_side_encryption_configuration": {
        "rule.apply_server_side_encryption_by_default.kms_master_key_id"
    },
    "aws_secretsmanager_secret": {"kms_key_id"},
    "aws_sfn_state_machine": {"encryption_configuration.kms_key_id"},
    "aws_sns_topic": {"kms_master_key_id"},
}
EXEMPT = {
    "aws_lambda_event_source_mapping": "the key encrypts filter criteria, and there are none",
    "aws_s3_bucket": "encrypted by aws_s3_bucket_server_side_encryption_configuration",
    "aws_sqs_queue": "messages name objects; with a customer key S3 could send none without a grant in the key's policy",
}
# What says how, beside the key: each as strong as the key makes it.
MODES = {
    "cloudwatch_encryption_mode": "SSE-KMS",
    "encryption_option": "SSE_KMS",
    "job_bookmarks_encryption_mode": "CSE-KMS",
    "key_type": "CUSTOMER_MANAGED_CMK",
    "s3_encryption_mode": "SSE-KMS",
    "sse_algorithm": "aws:kms",
}
# Of the resources above: without their configuration the services write in clear.
CONFIGURED = ("aws_glue_job", "aws_glue_crawler")


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """(dotted path, value) of everything in a resource; lists of blocks add nothing to the path."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, (*path, name))
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, path)
    else:
        yield ".".join(path), value


def attributes(block: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Dotted path of every attribute in a block of the provider's schema."""
    for name in block.get("attributes", {}):
        yield ".".join((*path, name))
    for name, inner in block.get("block_types", {}).items():
        yield from attributes(inner["block"], (*path, name))


def takes_a_key(path: str) -> bool:
    """Whether an attribute names a KMS key."""
    name = path.rpartition(".")[2]
    return "kms_" in name and ("key_id" in name or "key_arn" in name)


@pytest.fixture(scope="module")
def schemas(terraform: Terraform, plans: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The provider's resources, as Terraform prints them."""
    assert plans
    done = terraform.run("terraform/environments/prod", "providers", "schema", "-json")
    assert done.returncode == 0, done.stderr
    (found,) = [v for k, v in json.loads(done.stdout)["provider_schemas"].items() if k.endswith("/aws")]
    return dict(found["resource_schemas"])


def test_every_type_that_takes_a_key_is_known(
    plans: dict[str, dict[str, Any]], schemas: dict[str, Any]
) -> None:
    types = {r["type"] for r in resources(plans["prod"]) if r["type"] in schemas}
    able = {t for t in types if any(map(takes_a_key, attributes(schemas[t]["block"])))}
    assert able == ENCRYPTED.keys() | EXEMPT.keys()
    for kind, paths in ENCRYPTED.items():
        assert paths <= set(attributes(schemas[kind]["block"])), kind


def test_all_that_can_be_is_encrypted_with_the_given_key(plans: dict[str, dict[str, Any]]) -> None:
    found = resources(plans["prod"])
    assert {r["type"] for r in found} >= ENCRYPTED.keys()
    for resource in found:
        there = list(leaves(resource["values"]))
        named = {path for path, value in there if value == KEY}
        assert named >= ENCRYPTED.get(resource["type"], set()), resource["address"]
        # Neither another key, nor a weaker way than the key allows.
        others = [(p, v) for p, v in there if takes_a_key(p) and v not in (None, KEY)]
        assert others == [], resource["address"]
        weaker = [(p, v) for p, v in there if v not in (None, MODES.get(p.rpartition(".")[2], v))]
        assert weaker == [], resource["address"]
        if resource["type"] == "aws_sqs_queue":
            assert resource["values"]["sqs_managed_sse_enabled"] is True
        if resource["type"] in CONFIGURED:
            (configuration,) = (r for r in found if r["type"] == "aws_glue_security_configuration")
            assert resource["values"]["security_configuration"] == configuration["values"]["name"]


def test_the_code_writes_with_the_given_key(plans: dict[str, dict[str, Any]]) -> None:
    """The bucket's default does not cover a writer that names another way."""
    given = {
        r["address"]: (r["values"].get("default_arguments") or r["values"]["environment"][0]["variables"])
        for r in resources(plans["prod"])
        if r["type"] in ("aws_glue_job", "aws_lambda_function")
    }
    assert len(given) == 4
    for address, names in given.items():
        assert KEY in (names.get("--kms_key"), names.get("LOGLODE_KMS_KEY")), address


@pytest.mark.parametrize(("name", "is_kept"), [("prod", True), ("dev", False)])
def test_only_what_is_disposable_can_be_destroyed(
    plans: dict[str, dict[str, Any]], name: str, *, is_kept: bool
) -> None:
    found = resources(plans[name])
    # Rules hold nothing: the same in both.
    held = [r for r in found if not r["type"].startswith("aws_cloudwatch_event_")]
    forced = {r["type"]: r["values"]["force_destroy"] for r in held if "force_destroy" in r["values"]}
    assert forced.keys() == {"aws_s3_bucket", "aws_athena_workgroup"}
    assert set(forced.values()) == {not is_kept}
    (secret,) = [r["values"] for r in found if r["type"] == "aws_secretsmanager_secret"]
    assert secret["recovery_window_in_days"] == (30 if is_kept else 0)
    guards = [r for r in found if r["type"] == "terraform_data" and r["name"] == "guard"]
    assert len(guards) == is_kept
    (versioning,) = [r["values"] for r in found if r["type"] == "aws_s3_bucket_versioning"]
    assert versioning["versioning_configuration"][0]["status"] == "Enabled"


def test_nothing_of_production_expires_but_what_is_temporary(plans: dict[str, dict[str, Any]]) -> None:
    (rules,) = [
        r["values"]["rule"]
        for r in resources(plans["prod"])
        if r["type"] == "aws_s3_bucket_lifecycle_configuration"
    ]
    gone = {rule["id"] for rule in rules for part in rule["expiration"] if part.get("days")}
    assert gone == {"manifests", "athena", "tmp"}
