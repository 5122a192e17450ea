"""The way from the contract's fields to every column, as people who know the models tell it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.helpers.lakes import changed_contract

from loglode import operations
from loglode.contract import load_contract
from loglode.errors import ModelError, UsageError
from loglode.lineage.sql import Statement
from loglode.models.model import Model, load_models

GOLD = [model for model in load_models() if model.layer == "gold"]
DAY = "event_ts"
VISITOR = "client_ip user_agent"
PATH = "path request session_id user_id"  # the line's own identifiers are cut out of it
CAMPAIGN = f"query {PATH}"
REFERRER = "referrer session_id user_id"
# Whose request it is: the source's session, else the visitor; silence between two of them ends it.
SESSION_DAY = "client_ip event_ts session_id user_agent"
PAGE = f"method status {PATH}"
ENTRY = "source_event_id"  # of several requests in the same moment the identity decides

TRAFFIC = {
    "requests": "",
    "visitors": VISITOR,
    "human_visitors": VISITOR,
    "sessions": "",
    "bytes_sent": "bytes_sent",
    **dict.fromkeys([f"requests_{n}xx" for n in range(1, 6)], "status"),
    **dict.fromkeys(["error_rate", "server_error_rate", "success_rate"], "status"),
    "timed_requests": "response_time_ms",
    "avg_response_time_ms": "response_time_ms",
    **dict.fromkeys([f"p{n}_response_time_ms" for n in (50, 90, 95, 99)], "response_time_ms"),
    "human_requests": "user_agent",
    "bot_requests": "user_agent",
    "quarantined_lines": "",
    "response_time_histogram": "response_time_ms",
}
EXPECTED: dict[str, dict[str, str]] = {
    "daily_metrics": {
        "date": "client_ip event_ts session_id source_event_id user_agent",
        "requests": "",
        "visitors": "client_ip user_agent",
        "human_visitors": "client_ip user_agent",
        "sessions": "",
        "bytes_sent": "bytes_sent",
        "requests_1xx": "status",
        "requests_2xx": "status",
        "requests_3xx": "status",
        "requests_4xx": "status",
        "requests_5xx": "status",
        "requests_without_status": "status",
        "error_rate": "status",
        "server_error_rate": "status",
        "success_rate": "status",
        "timed_requests": "response_time_ms",
        "response_us": "response_time_ms",
        "avg_response_time_ms": "response_time_ms",
        "p50_response_time_ms": "event_ts response_time_ms",
        "p90_response_time_ms": "event_ts response_time_ms",
        "p95_response_time_ms": "event_ts response_time_ms",
        "p99_response_time_ms": "event_ts response_time_ms",
        "human_requests": "user_agent",
        "bot_requests": "user_agent",
        "quarantined_lines": "",
        "response_time_histogram": "response_time_ms",
    },
    "hourly_metrics": {
        "date": "client_ip event_ts session_id source_event_id user_agent",
        "hour": "event_ts",
        "requests": "",
        "visitors": "client_ip user_agent",
        "human_visitors": "client_ip user_agent",
        "sessions": "",
        "bytes_sent": "bytes_sent",
        "requests_1xx": "status",
        "requests_2xx": "status",
        "requests_3xx": "status",
        "requests_4xx": "status",
        "requests_5xx": "status",
        "requests_without_status": "status",
        "error_rate": "status",
        "server_error_rate": "status",
        "success_rate": "status",
        "timed_requests": "response_time_ms",
        "response_us": "response_time_ms",
        "avg_response_time_ms": "response_time_ms",
        "p50_response_time_ms": "event_ts response_time_ms",
        "p90_response_time_ms": "event_ts response_time_ms",
        "p95_response_time_ms": "event_ts response_time_ms",
        "p99_response_time_ms": "event_ts response_time_ms",
        "human_requests": "user_agent",
        "bot_requests": "user_agent",
        "quarantined_lines": "",
        "response_time_histogram": "response_time_ms",
    },
    "route_metrics": {
        "date": "event_ts",
        "method": "method request",
        "route": "path request session_id user_id",
        "requests": "",
        "visitors": "client_ip user_agent",
        "errors": "status",
        "server_errors": "status",
        "successes": "status",
        "requests_without_status": "status",
        "error_rate": "status",
        "server_error_rate": "status",
        "success_rate": "status",
        "bytes_sent": "bytes_sent",
        "timed_requests": "response_time_ms",
        "response_us": "response_time_ms",
        "avg_response_time_ms": "response_time_ms",
        "p50_response_time_ms": "event_ts method path request response_time_ms session_id user_id",
        "p95_response_time_ms": "event_ts method path request response_time_ms session_id user_id",
        "p99_response_time_ms": "event_ts method path request response_time_ms session_id user_id",
        "response_time_histogram": "response_time_ms",
    },
    "status_metrics": {
        "date": "event_ts",
        "status": "status",
        "requests": "",
        "request_share": "",
        "human_requests": "user_agent",
        "bot_requests": "user_agent",
        "bytes_sent": "bytes_sent",
        "timed_requests": "response_time_ms",
        "response_us": "response_time_ms",
        "avg_response_time_ms": "response_time_ms",
    },
    "referrer_metrics": {
        "date": "event_ts",
        "referrer_host": "referrer session_id user_id",
        "utm_source": "path query request session_id user_id utm_source",
        "utm_medium": "path query request session_id user_id utm_medium",
        "utm_campaign": "path query request session_id user_id utm_campaign",
        "requests": "",
        "human_requests": "user_agent",
        "visitors": "client_ip user_agent",
        "errors": "status",
        "requests_without_status": "status",
        "error_rate": "status",
        "bytes_sent": "bytes_sent",
    },
    "sessions": {
        "date": "client_ip event_ts session_id source_event_id user_agent",
        "session_key": "client_ip event_ts session_id user_agent",
        "visit_key": "client_ip session_id user_agent",
        "started_at": "event_ts",
        "ended_at": "event_ts",
        "duration_seconds": "event_ts",
        "requests": "",
        "pages": "method path request session_id status user_id",
        "entry_path": (
            "client_ip country event_ts method path query referrer"
            " request session_id source_event_id status user_agent user_id utm_source"
        ),
        "exit_path": "event_ts method path request session_id source_event_id status user_id",
        "is_bounce": "method path request session_id status user_id",
        "errors": "status",
        "timed_requests": "response_time_ms",
        "response_us": "response_time_ms",
        "avg_response_time_ms": "response_time_ms",
        "max_response_time_ms": "response_time_ms",
        "is_bot": "user_agent",
        "is_converted": "",
        "goals_reached": "",
        "goals": "",
        "visitor_id": (
            "client_ip country event_ts method path query referrer"
            " request session_id source_event_id status user_agent user_id utm_source"
        ),
        "referrer_host": (
            "client_ip country event_ts method path query referrer"
            " request session_id source_event_id status user_agent user_id utm_source"
        ),
        "utm_source": (
            "client_ip country event_ts method path query referrer"
            " request session_id source_event_id status user_agent user_id utm_source"
        ),
        "country": (
            "client_ip country event_ts method path query referrer"
            " request session_id source_event_id status user_agent user_id utm_source"
        ),
        "device": (
            "client_ip country event_ts method path query referrer"
            " request session_id source_event_id status user_agent user_id utm_source"
        ),
    },
    "session_metrics": {
        "date": "client_ip event_ts session_id source_event_id user_agent",
        "sessions": "",
        "human_sessions": "user_agent",
        "bot_sessions": "user_agent",
        "bounces": "method path request session_id status user_agent user_id",
        "bounce_rate": "method path request session_id status user_agent user_id",
        "conversions": "user_agent",
        "conversion_rate": "user_agent",
        "pages": "method path request session_id status user_agent user_id",
        "pages_per_session": "method path request session_id status user_agent user_id",
        "requests": "",
        "duration_us": "event_ts user_agent",
        "avg_duration_seconds": "event_ts user_agent",
        "median_duration_seconds": "client_ip event_ts session_id source_event_id user_agent",
        "sessions_with_errors": "status user_agent",
        "duration_histogram": "event_ts user_agent",
    },
    "conversion_metrics": {
        "date": "client_ip event_ts session_id source_event_id user_agent",
        "goal": "",
        "response_time_band": "response_time_ms",
        "human_sessions": "",
        "conversions": "",
        "conversion_rate": "",
        "response_us": "response_time_ms",
        "avg_response_time_ms": "response_time_ms",
    },
}
# Columns that are derived from masked fields; those of the contract's own fields are as it declares them.
DERIVED = {
    "event_id": "pseudonym",
    **dict.fromkeys(["visitor_id", "client_id"], "pseudonym"),
    "client_network": "network",
    **dict.fromkeys(["route", "referrer_host", "referrer_path"], "redact"),
}


@pytest.mark.parametrize("table", EXPECTED)
def test_fields_of_every_column_of_a_gold_table(table: str) -> None:
    contract = load_contract(None)
    found = {c.column.partition(".")[2]: set(c.fields) for c in operations.lineage(contract, table)}
    days = dict.fromkeys(("year", "month", "day"), EXPECTED[table]["date"])
    assert found == {name: set(fields.split()) for name, fields in {**EXPECTED[table], **days}.items()}


@pytest.mark.parametrize("model", GOLD, ids=lambda model: model.name)
def test_every_column_of_every_gold_table_leads_to_fields(model: Model) -> None:
    """Batches are counted, not requests: no field of a log goes into tables about them."""
    contract = load_contract(None)
    known = {field.name for field in contract.read_fields}
    found = {c.column.partition(".")[2]: set(c.fields) for c in operations.lineage(contract, model.name)}
    assert found.keys() == dict(model.columns).keys()
    assert all(fields <= known for fields in found.values())
    assert any(found.values()) != model.is_by_batch


def test_fields_of_a_predicate_that_may_null_a_value_go_into_it(tmp_path: Path) -> None:
    rule = "{name: odd, type: custom, engine: loglode, severity: warn, implementation: 'Status % 3 > 0'}"
    place = "description: Time to serve the request, in milliseconds."
    path = changed_contract(tmp_path / "odd.yaml", {place: f"{place}\n        quality: [{rule}]"})
    (found,) = operations.lineage(load_contract(path), "web_logs.response_time_ms")
    assert set(found.fields) == {"response_time_ms", "status"}


def test_every_masked_column_is_flagged_and_no_other() -> None:
    contract = load_contract(None)
    found = {
        c.column.partition(".")[2]: c.way[0]["masking"] for c in operations.lineage(contract, "web_logs")
    }
    declared = {f.name: f.masking for f in contract.stored_fields if f.masking != "none"}
    assert {name: masking for name, masking in found.items() if masking != "none"} == {**DERIVED, **declared}
    # No text of a log is stored as it is, but methods, of which the contract lists the valid ones.
    texts = {f.name for f in contract.read_fields if f.is_stored and f.sql_type == "VARCHAR"}
    assert texts - {"method"} <= declared.keys()


def test_what_hides_personal_data_shows_in_gold() -> None:
    contract = load_contract(None)
    masked = {c.column for c in operations.lineage(contract, "route_metrics") if c.is_masked}
    # Quantiles are of the times of a route: their histogram is grouped by it.
    quantiles = {f"route_metrics.p{n}_response_time_ms" for n in (50, 95, 99)}
    assert masked == {"route_metrics.route", "route_metrics.visitors"} | quantiles


def test_the_way_names_each_step_with_its_sql() -> None:
    (found,) = operations.lineage(load_contract(None), "daily_metrics.error_rate")
    way = [
        step for step in found.way if not step["column"].startswith("held_")
    ]  # the rows of an earlier batch
    assert [step["column"] for step in way] == [
        "daily_metrics.error_rate",
        "traffic.error_rate",
        "hourly_requests.requests",
        "hourly_requests.status",
        "events.status",
        "web_logs.status",
        "bronze.status",
    ]
    assert "DOUBLE) / NULLIF(totals.answered, 0)" in way[1]["steps"][-1]
    assert way[2]["steps"] == ["COUNT(*)"]


@pytest.mark.parametrize("target", ["nothing", "nothing.at_all", "daily_metrics.nothing", "goals.goal"])
def test_what_is_not_there_is_said(target: str) -> None:
    with pytest.raises(UsageError):
        operations.lineage(load_contract(None), target)


@pytest.mark.parametrize(
    ("sql", "values", "rows"),
    [
        ("select t.a + u.c as x from t join u on t.b = u.d", "t.a u.c", "t.b u.d"),
        ("select a as x from t union all select c from u where d > 1", "t.a u.c", "u.d"),
        ("with w as (select a, b from t) select sum(a) as x from w group by b", "t.a", "t.b"),
        ("select *, a + 1 as x from (select * from t) where b in (select c from u)", "t.a", "t.b u.c"),
        ("select s.k as x from (select {'k': a, 'l': b} as s from t)", "t.a", ""),
        ("select list_filter([a, b], lambda d: d > 1)[1] as x from t", "t.a t.b", ""),
        ("select sum(a) over (partition by b) as x from t", "t.a t.b", ""),
        ("select a as b1, b1 * 2 as x from t", "t.a", ""),
        ("select (select max(c) from u where u.d = t.b) as x from t", "t.b u.c u.d", ""),
        ("select count(*) as x from t", "", ""),
    ],
)
def test_names_lead_where_the_engine_takes_them(sql: str, values: str, rows: str) -> None:
    statement = Statement(sql, {"t": frozenset("ab"), "u": frozenset("cd")})
    assert statement.made_of("x").values == {tuple(leaf.split(".")) for leaf in values.split()}
    assert statement.shaped_by() == {tuple(leaf.split(".")) for leaf in rows.split()}


def test_a_name_that_nothing_provides_is_an_error() -> None:
    with pytest.raises(ModelError, match="nowhere"):
        Statement("select nowhere as x from t", {"t": frozenset("ab")}).made_of("x")


def test_nobody_waits_for_the_parser_who_asks_for_no_lineage() -> None:
    code = "import sys, loglode.operations, loglode.cli.main; sys.exit('sqlglot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
