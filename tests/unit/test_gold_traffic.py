"""Traffic by hour, day, route, status and referrer: the cases that decide."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from tests.helpers.gold import DAY, DAYS, FIRST, GOLD, MIDNIGHT, compute, one, realistic


def test_an_unknown_referrer_and_one_of_that_name_are_one_row_and_one_visitor() -> None:
    events = [one("a", 0, "/", utm_source="(none)"), one("b", 1, "/")]
    (row,) = compute(events, DAYS)["referrer_metrics"]
    assert (row["utm_source"], row["requests"], row["visitors"]) == ("(none)", 2, 1)


def test_methods_that_clients_invent_are_one_group() -> None:
    """However many they are: routes, their visitors and those that gold holds agree on it."""
    events = [one(str(n), n, "/a", method=f"M{n}", visitor_id=f"v{n % 3}") for n in range(50)]
    events += [one("x", 60, "/a"), one("y", 61, "/a", method="M-SEARCH"), one("z", 62, "/a", method=None)]
    rows = compute(events, DAYS)["route_metrics"]
    found = {row["method"]: (row["requests"], row["visitors"]) for row in rows}
    assert found == {"(other)": (51, 4), "GET": (1, 1), "(none)": (1, 1)}


def test_a_request_without_a_status_is_neither_a_success_nor_an_error() -> None:
    events = [
        one("a", 0, "/"),
        one("b", 1, "/", status=500),
        *(one(f"c{n}", n, "/", status=None) for n in range(8)),
    ]
    gold = compute(events, DAYS)
    for name in ("daily_metrics", "hourly_metrics", "route_metrics"):
        (row,) = gold[name]
        rates = (row["error_rate"], row["server_error_rate"], row["success_rate"])
        assert (row["requests"], row["requests_without_status"], *rates) == (10, 8, 0.5, 0.5, 0.5)
    statuses = {row["status"]: (row["requests"], row["request_share"]) for row in gold["status_metrics"]}
    assert statuses == {None: (8, 0.8), 200: (1, 0.1), 500: (1, 0.1)}
    (session,) = gold["sessions"]
    assert (session["requests"], session["pages"], session["errors"]) == (10, 1, 1)
    nothing = compute([one("c", 0, "/", status=None)], DAYS)
    for name in ("daily_metrics", "route_metrics", "referrer_metrics"):
        assert nothing[name][0]["error_rate"] is None


def test_histogram_buckets_hold_their_times_in_order() -> None:
    base = realistic(seed=1, count=1)[0]
    times = [0.0, 1e-60, 0.5, 1.0, 1.05, 1.2, 100.0, None]
    events = [{**base, "event_id": str(i), "response_time_ms": t} for i, t in enumerate(times)]
    (row,) = compute(events, DAYS)["daily_metrics"]
    wanted = Counter({-1000: 2, -35: 1, 0: 1, 3: 1, 10: 1, 233: 1})
    assert [(b["bucket"], b["requests"]) for b in row["response_time_histogram"]] == sorted(wanted.items())
    for bucket, time in ((-35, 0.5), (0, 1.0), (3, 1.05), (10, 1.2), (233, 100.0)):
        assert 1.02 ** (bucket - 1) < time <= 1.02**bucket


def test_a_day_with_refused_lines_only_has_a_row_without_rates() -> None:
    (row,) = compute([], DAYS, refused=(MIDNIGHT + 5, MIDNIGHT + 40 * DAY))["daily_metrics"]
    assert (row["date"], row["requests"], row["quarantined_lines"]) == (FIRST, 0, 1)
    assert row["error_rate"] is row["success_rate"] is row["p50_response_time_ms"] is None
    assert (row["year"], row["month"], row["day"]) == (2026, 11, 1)


def test_pipeline_metrics_tell_shares_and_latencies() -> None:
    (row,) = compute([], DAYS)["pipeline_metrics"]
    assert row["date"] == FIRST
    assert row["refused_share"] == 0.2
    assert row["bronze_to_silver_seconds"] == 5.0
    assert row["bronze_to_gold_seconds"] == 60.0
    assert row["freshness_seconds"] == 120.0
    assert row["lines_per_second"] == 2.0


def test_refused_lines_count_in_the_hour_of_their_own_time() -> None:
    hour = 3_600_000_000
    rows = compute([], DAYS, refused=(MIDNIGHT + 5 * hour, MIDNIGHT + 6 * hour - 1, MIDNIGHT + 23 * hour))
    assert [(row["hour"].hour, row["quarantined_lines"]) for row in by_key(rows["hourly_metrics"])] == [
        (5, 2),
        (23, 1),
    ]


COUNTS_BOTH = [m.name for m in GOLD if {"requests", "human_requests"} <= dict(m.columns).keys()]


@pytest.mark.parametrize("name", COUNTS_BOTH)
def test_human_requests_are_not_the_bots(name: str) -> None:
    events = [one("a", 0, "/"), *(one(f"b{n}", n, "/", is_bot=True) for n in range(2))]
    (row,) = compute(events, DAYS)[name]
    assert (row["requests"], row["human_requests"]) == (3, 1)


def by_key(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["date"], row.get("hour")))
