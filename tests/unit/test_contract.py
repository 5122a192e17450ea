"""The data contract: valid by the standard's own model and schema, and wrong ones are refused by name."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema.validators import validator_for
from open_data_contract_standard.model import OpenDataContractStandard
from tests.helpers.lakes import changed_contract
from tests.helpers.logs import accepted, assert_verified, line, load, one, refused, settings_for, write

from loglode import operations
from loglode.contract import load_contract
from loglode.contract.predicate import check_predicate
from loglode.errors import ContractError

INVALID = sorted((Path(__file__).parent.parent / "invalid_contracts").glob("*.yaml"))
BUILT_IN = resources.files("loglode.contract").joinpath("web_logs.odcs.yaml")


def document() -> dict[str, Any]:
    """The built-in contract as plain data."""
    data = yaml.safe_load(BUILT_IN.read_text(encoding="utf-8"))
    assert isinstance(data, dict)
    return data


def test_the_contract_is_valid_by_the_official_model() -> None:
    parsed = OpenDataContractStandard.from_file(str(BUILT_IN))
    assert parsed.apiVersion == "v3.1.0"
    assert [schema.name for schema in parsed.schema_ or []] == ["web_logs"]


def test_the_contract_is_valid_by_the_official_schema() -> None:
    schema = json.loads(resources.files("open_data_contract_standard").joinpath("schema.json").read_text())
    standard = validator_for(schema)(schema)
    assert [error.message for error in standard.iter_errors(document())] == []
    broken = document()
    broken["schema"][0]["properties"][0]["required"] = "perhaps"
    broken["kind"] = "Data"
    places = {error.json_path for error in standard.iter_errors(broken)}
    assert {"$.kind", "$.schema[0].properties[0].required"} <= places


def test_every_field_is_described_and_classified() -> None:
    fields = load_contract().fields
    assert all(field.description.endswith((".", ")")) for field in fields)
    assert {field.classification for field in fields} <= {"public", "pii", "restricted", "confidential"}
    # What says who somebody is, is masked, derived or not kept.
    for field in fields:
        if field.classification == "pii" and field.is_stored:
            assert field.masking in ("pseudonym", "network") or field.derived is not None, field.name


def test_no_two_fields_claim_one_name() -> None:
    """A name that two fields read would fill both from one value."""
    names = [alias.path for field in load_contract().read_fields for alias in field.aliases]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_invalid_contracts_are_refused_in_one_line(path: Path) -> None:
    wanted = path.read_text().split("\n")[0].removeprefix("# Says: ")
    with pytest.raises(ContractError) as caught:
        load_contract(path)
    assert wanted in caught.value.message
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message


def test_there_are_invalid_contracts() -> None:
    assert len(INVALID) > 25


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"", b"\x00", b"{", b"a: &a [*a]", b"!!python/object/apply:os.getcwd []", b"[" * 20_000],
)
def test_files_that_are_no_contracts(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "contract.yaml"
    path.write_bytes(content)
    with pytest.raises(ContractError):
        load_contract(path)


def test_a_contract_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"nowhere\.yaml"):
        load_contract(tmp_path / "nowhere.yaml")
    with pytest.raises(ContractError):
        load_contract(tmp_path)


def test_a_users_own_contract_adds_a_field_and_a_rule_end_to_end(tmp_path: Path) -> None:
    data = document()
    data["version"] = "2.0.0"
    properties = data["schema"][0]["properties"]
    shop = {
        "name": "shop",
        "logicalType": "string",
        "description": "The shop.",
        "customProperties": [{"property": "aliases", "value": ["shop", "tenant.name"]}],
        "quality": [
            {
                "name": "shop_unknown", "type": "library", "metric": "invalidValues",
                "arguments": {"validValues": ["north", "south"]}, "mustBe": 0, "severity": "reject",
            }
        ],
    }  # fmt: skip
    cart = {
        "name": "cart_value",
        "logicalType": "number",
        "physicalType": "DOUBLE",
        "description": "Value of the cart.",
        "logicalTypeOptions": {"minimum": 0},
        "customProperties": [{"property": "onInvalid", "value": "warn"}],
        "quality": [
            {
                "name": "cart_without_shop", "type": "custom", "engine": "loglode", "severity": "warn",
                "implementation": "cart_value is null or shop is not null",
            }
        ],
    }  # fmt: skip
    properties[-13:-13] = [shop, cart]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))

    settings = settings_for(tmp_path, contract=path)
    write(
        tmp_path / "a.ndjson",
        [
            line(shop="north", cart_value=12.5),
            line(tenant={"name": "south"}, path="/2"),
            line(shop="west", path="/3"),
            line(cart_value=7, path="/4"),
            line(shop="north", cart_value=-7, path="/5"),
        ],
    )
    report = load(settings, tmp_path / "a.ndjson")
    assert report.reasons == {"shop_unknown": 1}
    assert report.warnings == {"cart_value_invalid": 1, "cart_without_shop": 1}
    assert accepted(settings, "a.ndjson", "path, shop, cart_value, warnings, contract_version") == [
        ("/", "north", 12.5, None, "2.0.0"),
        ("/2", "south", None, None, "2.0.0"),
        ("/4", None, None, "cart_without_shop", "2.0.0"),
        ("/5", "north", None, "cart_value_invalid", "2.0.0"),
    ]
    assert [list(reasons) for _, reasons, _ in refused(settings, "a.ndjson")] == [["shop_unknown"]]
    assert one(settings, "select sum(requests)::bigint from daily_metrics") == 4

    shop["quality"][0]["arguments"]["validValues"].append("west")  # type: ignore[index]
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    changed = settings_for(tmp_path, contract=path)
    freed = operations.replay_quarantine(changed)
    assert (freed.rows_silver, freed.lines_quarantined) == (1, -1)
    assert one(changed, "select count(*) from web_logs where shop = 'west'") == 1
    assert_verified(changed)


@pytest.mark.parametrize(
    "predicate",
    [
        "status between 100 and 599 or status = 0",
        "method in ('GET', 'POST') and path like '/%'",
        "regexp_matches(path, '^/[a-z]+') and not starts_with(path, '//')",
        "case when status >= 500 then response_time_ms > 0 else true end",
        "try_cast(shop as integer) is not null and length(shop) < 9",
        "list_contains(['a', 'b'], shop) and coalesce(shop, '') <> ''",
        "event_ts > timestamptz '2020-01-01' and shop::int % 2 = 0",
        "len(list_filter(string_split(shop, ','), x -> x <> '')) > 0",
    ],
)
def test_a_predicate_may_be_any_expression_over_the_line(predicate: str) -> None:
    check_predicate("field shop: rule shop_odd", predicate)


@given(st.text(max_size=60))
@example("((((")
@example("'")
@example("(" * 5000)
@example("not " * 3000 + "true")
def test_any_text_is_an_expression_or_refused_in_one_line(text: str) -> None:
    message = "here: the predicate is accepted"
    try:
        check_predicate("here", text)
    except ContractError as error:
        message = error.message
    assert message.startswith("here: the predicate ") and "\n" not in message


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"physicalType: SMALLINT": "physicalType: BIGINT"}, "status: type"),
        ({"value: visitor_id": "value: client_id"}, "visitor_id: derived"),
    ],
)
def test_a_built_in_field_keeps_its_type(tmp_path: Path, change: dict[str, str], what: str) -> None:
    path = changed_contract(tmp_path / "changed.yaml", change)
    with pytest.raises(ContractError, match=what) as caught:
        load_contract(path)
    assert "under another name" in caught.value.hint
