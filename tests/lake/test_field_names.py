"""Fields of a contract may have any name: no column of the generated statements is mistaken for one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.helpers.contracts import contract_with, own_field, own_names
from tests.helpers.logs import accepted, assert_verified, line, load, refused, rows, settings_for, write

from loglode.settings import Settings
from loglode.silver.canonical import LINE_COLUMNS
from loglode.sources.lines import SCHEMA
from loglode.sql import identifiers

NAMES = own_names()
A_CONTRACT = 250  # names in one contract: each takes memory in every layer
SECRET = {"client_ip": "203.0.113.7", "user_id": "carla@example.com", "request_id": "r1"}


def lines_with(names: list[str], **fields: object) -> str:
    """A line with a value of its own in each field."""
    return line(**{f"own-{name}": f"value of {name}" for name in names}, **{**SECRET, **fields})


@pytest.fixture(scope="module", params=range(0, len(NAMES), A_CONTRACT))
def chosen(request: pytest.FixtureRequest) -> list[str]:
    """Some of the names."""
    return NAMES[request.param : request.param + A_CONTRACT]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, chosen: list[str]) -> Settings:
    """A lake with fields of these names: an event sent twice in one load and once more in a second."""
    folder = tmp_path_factory.mktemp("names")
    contract = contract_with(folder / "own.yaml", map(own_field, chosen))
    settings = settings_for(folder, contract=contract, memory_limit_mb=3000)
    event = lines_with(chosen, path="/a/17?utm_source=x", user_agent="curl/8", referrer="https://r.example/x")
    other = lines_with(chosen, path="/b", request_id="r2")
    load(settings, write(folder / "a.json", [event, "broken", event, other]))
    load(settings, write(folder / "b.json", [event, line(status=None, path=None)]))
    return settings


def test_the_names_are_those_that_could_be_confused() -> None:
    assert len(NAMES) > 500
    assert {"text", "url", "target", "order", "group", "quick", "filename", "out_path", "raw_path"} <= {
        *NAMES
    }
    assert set(LINE_COLUMNS) == set(SCHEMA.names)


def test_every_field_holds_its_own_value(loaded: Settings, chosen: list[str]) -> None:
    wanted = tuple(f"value of {name}" for name in chosen)
    assert rows(loaded, f"select {identifiers(chosen)} from web_logs") == [wanted, wanted]


def test_no_other_column_changes(loaded: Settings, tmp_path: Path) -> None:
    plain = settings_for(tmp_path, key_file=loaded.key_path)
    event = line(**SECRET, path="/a/17?utm_source=x", user_agent="curl/8", referrer="https://r.example/x")
    load(plain, write(tmp_path / "a.json", [event]))
    columns = (
        "path, query, route, host, client_id, visitor_id, user_id, browser, referrer_host, event_ts, status"
    )
    wanted = accepted(plain, "a.json", f"left(event_id, 16), {columns}, year, month, day")
    assert accepted(loaded, "a.json", f"left(event_id, 16), {columns}, year, month, day")[:1] == wanted


def test_duplicates_are_found_and_the_books_balance(loaded: Settings) -> None:
    assert rows(loaded, "select count(*), count(distinct event_id) from web_logs") == [(2, 2)]
    assert [reasons for _, reasons, _ in refused(loaded, "a.json")] == [["json_invalid"]]
    assert [reasons for _, reasons, _ in refused(loaded, "b.json")] == [["request_missing"]]
    assert_verified(loaded)


def test_gold_counts_what_it_counts_without_them(loaded: Settings) -> None:
    assert rows(loaded, "select requests, visitors, sessions, quarantined_lines from daily_metrics") == [
        (2, 2, 2, 1)
    ]


@hypothesis_settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.from_regex(r"[a-z][a-z0-9_]{0,62}", fullmatch=True).filter(lambda n: n not in NAMES),
    bound=st.sampled_from(NAMES),
)
def test_rules_use_fields_by_their_plain_names(
    tmp_path_factory: pytest.TempPathFactory, name: str, bound: str
) -> None:
    folder = tmp_path_factory.mktemp("rule")
    rule = {
        "name": "too_small", "type": "custom", "engine": "loglode", "severity": "reject",
        "implementation": f'"{name.upper()}" >= "{bound}"',
    }  # fmt: skip
    fields = [own_field(name, logicalType="integer", quality=[rule]), own_field(bound, logicalType="integer")]
    settings = settings_for(folder, contract=contract_with(folder / "own.yaml", fields))
    pairs = [(5, 3), (3, 5), (4, 4)]
    texts = [line(**{f"own-{name}": a, f"own-{bound}": b}, path=f"/{a}") for a, b in pairs]
    load(settings, write(folder / "a.json", texts))
    assert accepted(settings, "a.json", f"path, {identifiers([name, bound])}") == [("/5", 5, 3), ("/4", 4, 4)]
    assert [json.loads(raw)["path"] for _, _, raw in refused(settings, "a.json")] == ["/3"]
