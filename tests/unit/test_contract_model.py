"""What each property of a contract means: a contract that says everything, one that says nothing, and one as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from loglode.contract import load_contract
from loglode.contract.model import Alias, Contract, Field, Goal, Rule
from loglode.contract.reference import describe
from loglode.types import BY_LOGICAL


def own(**more: Any) -> dict[str, Any]:
    """A property of the schema."""
    return {"name": "own", "logicalType": "string", **more}


def custom(**values: Any) -> list[dict[str, Any]]:
    return [{"property": name, "value": value} for name, value in values.items()]


def loaded(folder: Path, *properties: dict[str, Any], **document: Any) -> Contract:
    """The built-in contract's fields and these, with nothing else said."""
    from importlib import resources

    text = resources.files("loglode.contract").joinpath("web_logs.odcs.yaml").read_text("utf-8")
    built_in = yaml.safe_load(text)
    data = {key: built_in[key] for key in ("apiVersion", "kind", "id", "status")}
    fields = [*built_in["schema"][0]["properties"], *properties]
    data |= {"version": "3.2.1", "schema": [{"name": "web_logs", "properties": fields}], **document}
    path = folder / "contract.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return load_contract(path)


def field(folder: Path, **more: Any) -> Field:
    return loaded(folder, own(**more)).fields[-1]


def test_a_field_of_which_nothing_is_said(tmp_path: Path) -> None:
    assert field(tmp_path) == Field(
        name="own",
        logical_type="string",
        sql_type="VARCHAR",
        description="",
        is_required=False,
        classification="public",
        masking="redact",
        is_stored=True,
        is_partition=False,
        derived=None,
        aliases=(Alias(("own",), None),),
        query_parameter=None,
        on_invalid="reject",
        rules=(),
    )


def test_a_field_of_which_everything_is_said(tmp_path: Path) -> None:
    assert field(
        tmp_path,
        logicalType="integer",
        physicalType="smallint",
        description="What  it\n is.",
        required=True,
        classification="restricted",
        partitioned=True,
        logicalTypeOptions={"minimum": 1, "maximum": 9},
        customProperties=custom(
            aliases=["a.b:ms", "c"], masking="pseudonym", stored=False, queryParameter="q", onInvalid="warn"
        ),
        quality=[
            {"type": "text", "description": "read by people alone"},
            {
                "name": "own_odd", "type": "custom", "engine": "loglode", "implementation": "own % 2 = 1",
                "severity": "warn", "dimension": "accuracy",
            },
        ],
    ) == Field(
        name="own",
        logical_type="integer",
        sql_type="SMALLINT",
        description="What it is.",
        is_required=True,
        classification="restricted",
        masking="pseudonym",
        is_stored=False,
        is_partition=True,
        derived=None,
        aliases=(Alias(("a", "b"), "ms"), Alias(("c",), None)),
        query_parameter="q",
        on_invalid="warn",
        rules=(
            Rule("own_invalid", "minimum", "warn", 1),
            Rule("own_invalid", "maximum", "warn", 9),
            Rule("own_odd", "predicate", "warn", "own % 2 = 1", "accuracy"),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(("logical", "sql"), [(name, kind.sql) for name, kind in BY_LOGICAL.items()])
def test_only_texts_are_redacted_unless_said_otherwise(tmp_path: Path, logical: str, sql: str) -> None:
    found = field(tmp_path, logicalType=logical)
    assert (found.sql_type, found.masking) == (sql, "redact" if logical == "string" else "none")


def test_a_derived_field_has_no_name_in_the_log_and_no_masking(tmp_path: Path) -> None:
    found = field(tmp_path, customProperties=custom(derived="browser"))
    assert (found.derived, found.aliases, found.masking, found.is_read) == ("browser", (), "none", False)


RULES = {
    "values": (
        {"metric": "invalidValues", "arguments": {"validValues": ["a", 1]}},
        Rule("own_invalid", "valid_values", "reject", ("a", "1"), "conformity"),
    ),
    "values, all said": (
        {
            "name": "own_known", "metric": "invalidValues", "arguments": {"validValues": ["a"]}, "severity": "warn",
            "dimension": "accuracy",
        },
        Rule("own_known", "valid_values", "warn", ("a",), "accuracy"),
    ),
    "pattern": (
        {"metric": "invalidValues", "arguments": {"pattern": "^a"}},
        Rule("own_invalid", "pattern", "reject", "^a", "conformity"),
    ),
    "pattern, all said": (
        {
            "name": "own_form", "metric": "invalidValues", "arguments": {"pattern": "^a"}, "severity": "warn",
            "dimension": "accuracy",
        },
        Rule("own_form", "pattern", "warn", "^a", "accuracy"),
    ),
    "absence": (
        {"metric": "nullValues"},
        Rule("own_missing", "absent", "reject", (), "completeness"),
    ),
    "absence, all said": (
        {
            "name": "nothing", "metric": "nullValues", "arguments": {"unlessKnown": ["status", "path"]},
            "severity": "warn", "dimension": "accuracy",
        },
        Rule("nothing", "absent", "warn", ("status", "path"), "accuracy"),
    ),
    "predicate": (
        {"type": "custom", "engine": "loglode", "implementation": "own <> 'x'"},
        Rule("own_invalid", "predicate", "reject", "own <> 'x'", "conformity"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", RULES)
def test_a_rule(tmp_path: Path, kind: str) -> None:
    said, expected = RULES[kind]
    assert field(tmp_path, quality=[said]).rules == (expected,)


def test_options_are_rules_with_the_severity_of_the_field(tmp_path: Path) -> None:
    options = {"maxLength": 5, "pattern": "^a"}
    assert field(tmp_path, logicalTypeOptions=options, customProperties=custom(onInvalid="warn")).rules == (
        Rule("own_invalid", "max_length", "warn", 5),
        Rule("own_invalid", "pattern", "warn", "^a"),
    )


def test_a_contract_that_says_nothing_but_fields(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert (found.name, found.version, found.goals, found.sensitive_parameters) == (
        "web_logs",
        "3.2.1",
        (),
        (),
    )
    assert (found.session_gap_seconds, found.source_session_gap_seconds) == (1800, 86400)
    assert (found.max_refused_share, found.latency_days) == (0.1, None)


def test_a_contract_that_says_everything(tmp_path: Path) -> None:
    goals = [
        {"goal": "all", "pathPattern": "/x"},
        {"goal": "one", "pathPattern": "/y%", "method": "POST", "minStatus": 201, "maxStatus": 204},
    ]
    found = loaded(
        tmp_path,
        customProperties=custom(
            goals=goals, sensitiveParameters=["token"], sessionGapSeconds=60, sourceSessionGapSeconds=120,
            maxRefusedShare=0.5,
        ),
        slaProperties=[{"property": "latency", "value": 3, "unit": "d", "element": "web_logs.event_ts"}],
    )  # fmt: skip
    assert found.goals == (Goal("all", None, "/x", 200, 399), Goal("one", "POST", "/y%", 201, 204))
    assert found.sensitive_parameters == ("token",)
    assert (found.session_gap_seconds, found.source_session_gap_seconds) == (60, 120)
    assert (found.max_refused_share, found.latency_days) == (0.5, 3)


def test_columns_by_what_is_said_of_their_fields(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        own(partitioned=True),
        {"name": "helper", "customProperties": custom(stored=False)},
        {"name": "shown", "customProperties": custom(derived="browser")},
    )
    assert [f.name for f in found.read_fields][-2:] == ["own", "helper"]
    assert [f.name for f in found.stored_fields][-2:] == ["own", "shown"]
    assert found.partition_columns == ("year", "month", "day", "own")


def test_the_reference_has_a_row_for_each_field(tmp_path: Path) -> None:
    contract = loaded(
        tmp_path,
        own(
            description="What it is.",
            required=True,
            classification="restricted",
            logicalTypeOptions={"maxLength": 5},
            quality=[
                {"metric": "invalidValues", "arguments": {"validValues": ["a", "b"]}, "severity": "warn"},
                {"metric": "nullValues", "arguments": {"unlessKnown": ["status", "path"]}},
            ],
            customProperties=custom(aliases=["a.b:ms", "c"], stored=False, masking="code"),
        ),
        {"name": "plain"},
    )
    rows = describe(contract)
    assert [row["field"] for row in rows] == [f.name for f in contract.fields]
    assert rows[-2] == {
        "field": "own",
        "type": "VARCHAR (not stored)",
        "required": "yes",
        "classification": "restricted",
        "masking": "code",
        "aliases": "a.b (ms), c",
        "rules": "own_invalid [reject] max length 5; own_invalid [warn] valid values a, b;"
        " own_missing [reject] absent and status unknown and path unknown",
        "description": "What it is.",
    }
    assert rows[-1] == {
        "field": "plain",
        "type": "VARCHAR",
        "required": "no",
        "classification": "public",
        "masking": "redact",
        "aliases": "plain",
        "rules": "",
        "description": "",
    }
