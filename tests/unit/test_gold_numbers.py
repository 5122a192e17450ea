"""Every number of gold against plain Python, on odd events and on many."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from tests.helpers import gold_reference as reference
from tests.helpers.gold import DAYS, GOALS, Rows, compute, event_lists, realistic, small


def agree(found: dict[str, Any], wanted: dict[str, Any], where: object) -> None:
    for name, value in wanted.items():
        is_quantile = re.match(r"p\d\d_|median_", name)
        expected = (
            pytest.approx(value, rel=0.01 if is_quantile else 1e-9, abs=1e-6)
            if isinstance(value, float)
            else value
        )
        assert found[name] == expected, f"{name} of {where}"


def check_traffic(events: list[reference.Event], gold: Rows) -> None:
    by_day = reference.grouped(events, lambda e: reference.day_of(e["us"]))
    assert {row["date"] for row in gold["daily_metrics"]} == by_day.keys()
    for row in gold["daily_metrics"]:
        agree(row, reference.traffic(by_day[row["date"]]), row["date"])
    by_hour = reference.grouped(events, lambda e: e["us"] // 3_600_000_000)
    assert len(gold["hourly_metrics"]) == len(by_hour)
    for row in gold["hourly_metrics"]:
        agree(row, reference.traffic(by_hour[int(row["hour"].timestamp()) // 3600]), row["hour"])
    none = "(none)"
    by_route = reference.grouped(
        events,
        lambda e: (
            reference.day_of(e["us"]),
            reference.method_group(e),
            none if e["route"] is None else e["route"],
        ),
    )
    assert len(gold["route_metrics"]) == len(by_route)
    for row in gold["route_metrics"]:
        agree(row, reference.route(by_route[row["date"], row["method"], row["route"]]), row["route"])
    names = ("referrer_host", "utm_source", "utm_medium", "utm_campaign")
    by_referrer = reference.grouped(
        events,
        lambda e: (reference.day_of(e["us"]), *(none if e[c] is None else e[c] for c in names)),
    )
    assert len(gold["referrer_metrics"]) == len(by_referrer)
    for row in gold["referrer_metrics"]:
        own = by_referrer[row["date"], *(row[name] for name in names)]
        assert (row["requests"], row["visitors"]) == (len(own), reference.visitors(own))
        bad = sum(reference.status_of(e) >= 400 for e in own)
        unknown = sum(e["status"] is None for e in own)
        wanted = {"errors": bad, "error_rate": reference.share(bad, own), "requests_without_status": unknown}
        agree(row, wanted, row["referrer_host"])
    by_status = Counter((reference.day_of(e["us"]), e["status"]) for e in events)
    assert {(r["date"], r["status"]): r["requests"] for r in gold["status_metrics"]} == by_status


def check_sessions(events: list[reference.Event], gold: Rows, **gaps: int) -> None:
    wanted = [
        reference.session(own, GOALS)
        for own in reference.sessions(events, gaps.get("gap", 1800), gaps.get("source_gap", 86400))
    ]
    fields = [name for name in wanted[0] if name not in ("goals", "start_us")] if wanted else []

    def comparable(row: dict[str, Any]) -> tuple[str, ...]:
        return tuple(f"{row[n]:.6f}" if isinstance(row[n], float) else repr(row[n]) for n in fields)

    assert sorted(map(comparable, gold["sessions"])) == sorted(map(comparable, wanted))
    humans = [row for row in wanted if row["is_bot"] is False]
    by_band = reference.grouped(humans, lambda s: (s["date"], reference.band(s["avg_response_time_ms"])))
    found = {(r["date"], r["response_time_band"], r["goal"]): r for r in gold["conversion_metrics"]}
    assert found.keys() == {(*key, goal["goal"]) for key in by_band for goal in GOALS}
    for (day, name, goal), row in found.items():
        own = by_band[day, name]
        assert row["human_sessions"] == len(own)
        assert row["conversions"] == sum(goal in s["goals"] for s in own)
    for row in gold["session_metrics"]:
        own = [s for s in humans if s["date"] == row["date"]]
        assert row["human_sessions"] == len(own)
        agree(
            row,
            {
                "bounce_rate": reference.mean([float(s["is_bounce"]) for s in own]),
                "conversion_rate": reference.mean([float(s["is_converted"]) for s in own]),
                "pages_per_session": reference.mean([s["pages"] for s in own]),
                "avg_duration_seconds": reference.mean([s["duration_seconds"] for s in own]),
                "median_duration_seconds": reference.quantile([s["duration_seconds"] for s in own], 0.5),
            },
            row["date"],
        )


@small
@given(event_lists())
def test_numbers_equal_plain_python_on_odd_events(events: list[reference.Event]) -> None:
    gold = compute(events, DAYS)
    check_traffic(events, gold)
    check_sessions(events, gold)


@pytest.mark.parametrize("gaps", [{}, {"gap": 1000, "source_gap": 5000}, {"gap": 7200}])
def test_numbers_equal_plain_python_on_many_events(gaps: dict[str, int]) -> None:
    events = realistic(seed=7)
    gold = compute(events, DAYS, (), **gaps)
    check_traffic(events, gold)
    check_sessions(events, gold, **gaps)
