"""What a value of a line becomes in silver: at the limits of its rules, beside the values it is derived from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.helpers.contracts import contract_with, own_field
from tests.helpers.lakes import changed_contract
from tests.helpers.logs import accepted, line, load, refused, settings_for, write

# As long as a host may be.
LONG_HOST = "a" * 249 + ".com"


def columns(folder: Path, names: str, contract: Path | None = None, **fields: Any) -> tuple[Any, ...]:
    """Columns of the row that a line becomes."""
    settings = settings_for(folder, contract=contract)
    load(settings, write(folder / "a.json", [line(**fields)]))
    (row,) = accepted(settings, "a.json", names)
    return row


@pytest.mark.parametrize(
    ("fields", "column", "value"),
    [
        # A limit is part of what it allows.
        ({"host": LONG_HOST}, "host", LONG_HOST),
        # The parts of a target, and which of several sources of a part counts.
        ({"path": "/a?b=c#frag"}, "query", "b=c"),
        ({"path": "/a#frag"}, "path", "/a"),
        ({"query": "?utm_source=mail"}, "query", "utm_source=mail"),
        ({"query": "?utm_source=mail"}, "utm_source", "mail"),
        ({"query": "", "path": "/a?utm_source=mail"}, "utm_source", "mail"),
        ({"path": None, "url": "http://b.example/3", "host": "a.example"}, "host", "a.example"),
        ({"path": None, "url": "http://b.example/3"}, "host", "b.example"),
        # Names of hosts are in lower case; the line's own identifiers may not be.
        (
            {"session_id": "Sess-CANARY-0815", "referrer": "https://sess-canary-0815.example/x"},
            "referrer_host",
            ":redacted.example",
        ),
        ({"user_id": "CarlaSmith", "host": "carlasmith.example"}, "host", ":redacted.example"),
    ],
)
def test_values(tmp_path: Path, fields: dict[str, Any], column: str, value: str) -> None:
    assert columns(tmp_path, column, **fields) == (value,)


@pytest.mark.parametrize(("length", "is_kept"), [(4, True), (5, True), (6, False)])
def test_a_limit_of_length_is_kept_to_the_character(tmp_path: Path, length: int, *, is_kept: bool) -> None:
    field = own_field("note", logicalTypeOptions={"maxLength": 5})
    settings = settings_for(tmp_path, contract=contract_with(tmp_path / "own.yaml", [field]))
    report = load(settings, write(tmp_path / "a.json", [line(**{"own-note": "n" * length})]))
    assert (report.rows_silver, report.reasons) == ((1, {}) if is_kept else (0, {"note_invalid": 1}))


@pytest.mark.parametrize("on_invalid", ["warn", "reject"])
@pytest.mark.parametrize("logical", ["integer", "number", "boolean", "date", "timestamp"])
def test_a_value_of_the_wrong_type_costs_what_the_contract_says(
    tmp_path: Path, logical: str, on_invalid: str
) -> None:
    field = own_field("cart", logicalType=logical)
    field["customProperties"].append({"property": "onInvalid", "value": on_invalid})
    settings = settings_for(tmp_path, contract=contract_with(tmp_path / "own.yaml", [field]))
    report = load(settings, write(tmp_path / "a.json", [line(**{"own-cart": "many"})]))
    if on_invalid == "warn":
        assert (report.rows_silver, report.warnings) == (1, {"cart_invalid": 1})
        assert accepted(settings, "a.json", "cart") == [(None,)]
    else:
        assert [reasons for _, reasons, _ in refused(settings, "a.json")] == [["cart_invalid"]]


def test_a_text_that_a_rule_nulls_gives_no_derived_values(tmp_path: Path) -> None:
    """Not even when the memo of the first lines knows it."""
    declared = "      - name: path\n        logicalType: string\n"
    masked = "            value: redact\n          - property: aliases\n            value: [request_uri,"
    contract = changed_contract(
        tmp_path / "c.yaml",
        {
            declared: declared + "        logicalTypeOptions: {maxLength: 10}\n",
            masked: masked.replace("redact\n", "redact\n          - {property: onInvalid, value: warn}\n"),
        },
    )
    found = columns(tmp_path, "path, route, warnings", contract, path="/secretive-as-can-be")
    assert found == (None, None, "path_invalid")


@pytest.mark.parametrize("name", ["utm.source", "a'b", "x[y]", "a+b", "^", "plain"])
def test_a_parameter_of_any_name_becomes_a_field(tmp_path: Path, name: str) -> None:
    field = own_field("tag")
    field["customProperties"].append({"property": "queryParameter", "value": name})
    contract = contract_with(tmp_path / "own.yaml", [field])
    assert columns(tmp_path, "tag", contract, query=f"q=1&{name}=hello") == ("hello",)
