"""Where sessions begin and end, and what they say."""

from __future__ import annotations

import pytest
from tests.helpers.gold import DAYS, compute, one


def test_silence_of_exactly_the_gap_does_not_end_a_session() -> None:
    events = [one("a", 0, "/"), one("b", 1800, "/"), one("c", 3600.000001, "/")]
    for gap, requests in ((1800, [1, 2]), (1799, [1, 1, 1]), (1801, [3])):
        found = compute(events, DAYS, (), gap=gap)["sessions"]
        assert sorted(row["requests"] for row in found) == requests


def test_entry_and_exit_are_pages_and_equal_times_go_by_event_id() -> None:
    events = [
        one("0", 0, "/app.JS"),
        one("3", 0, "/second"),
        one("2", 0, "/first", referrer_host=None),
        one("1", 0, "/gone", status=404, referrer_host="wrong.example"),
        one("8", 9, "/late"),
        one("9", 9, "/last"),
        one("a", 9, "/logo.png"),
        one("b", 60, "/form", method="POST"),
    ]
    for rows in (events, events[::-1]):
        (row,) = compute(rows, DAYS)["sessions"]
        assert (row["entry_path"], row["exit_path"], row["pages"]) == ("/first", "/last", 4)
        assert row["referrer_host"] is None


ASSETS = (
    "avif bmp css eot gif ico jpeg jpg js json map mjs mp3 mp4 otf png svg ttf txt wasm webm webmanifest webp"
    " woff woff2 xml"
).split()


def test_what_a_page_is_made_of_is_no_page() -> None:
    endings = [*ASSETS, *(ending.upper() for ending in ASSETS)]
    assets = [one(f"a{n}", n, f"/x.{ending}", visitor_id=ending) for n, ending in enumerate(endings)]
    pages = [one(f"b{n}", 99, "/html", visitor_id=ending) for n, ending in enumerate(endings)]
    found = compute([*assets, *pages], DAYS)["sessions"]
    assert len(found) == len(endings)
    for row in found:
        assert (row["requests"], row["pages"], row["entry_path"]) == (2, 1, "/html"), row["visitor_id"]


@pytest.mark.parametrize(("statuses", "errors"), [((200, 399), 0), ((404,), 1), ((200, 500, 400), 2)])
def test_sessions_with_errors_are_counted_once_each(statuses: tuple[int, ...], errors: int) -> None:
    gold = compute([one(str(n), n, "/", status=status) for n, status in enumerate(statuses)], DAYS)
    assert gold["sessions"][0]["errors"] == errors
    assert gold["session_metrics"][0]["sessions_with_errors"] == min(errors, 1)


@pytest.mark.parametrize(
    ("milliseconds", "band", "mean"),
    [
        ((50,), "0-100 ms", 50),
        ((99.5, 100.5), "100-300 ms", 100),
        ((None, 40), "0-100 ms", 40),
        ((None,), "unknown", None),
    ],
)
def test_response_times_of_conversions_are_milliseconds(
    milliseconds: tuple[float | None, ...], band: str, mean: float | None
) -> None:
    events = [one(str(n), n, "/", response_time_ms=value) for n, value in enumerate(milliseconds)]
    for row in compute(events, DAYS)["conversion_metrics"]:
        assert (row["response_time_band"], row["avg_response_time_ms"]) == (band, mean)


@pytest.mark.parametrize("gap_days", [1, 2, 10])
def test_a_day_of_silence_ends_any_session(gap_days: int) -> None:
    """Whatever gap the contract allows the source: else a recomputed day would depend on all days before."""
    events = [one("a", 0, "/", session_id="s"), one("b", 86_400 * 1.5, "/", session_id="s")]
    found = compute(events, DAYS, (), source_gap=gap_days * 86_400)["sessions"]
    assert [row["requests"] for row in found] == [1, 1]
