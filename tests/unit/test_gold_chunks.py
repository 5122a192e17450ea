"""Days computed one by one, and rows in any order, give the same gold."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers import gold_reference as reference
from tests.helpers.gold import DAY, DAYS, MIDNIGHT, by_chunks, compute, event_lists, realistic, same, small


@settings(small, max_examples=10)
@given(event_lists())
def test_days_one_by_one_give_the_same_rows_as_all_at_once(events: list[reference.Event]) -> None:
    same(by_chunks(events, DAYS), compute(events, DAYS))


def test_a_source_session_of_many_days_is_the_same_in_chunks() -> None:
    base = {**realistic(seed=2, count=1)[0], "session_id": "long", "is_bot": False}
    events = [{**base, "event_id": f"{i:03}", "us": MIDNIGHT + i * DAY // 4} for i in range(24)]
    gold = compute(events, DAYS)
    assert [row["requests"] for row in sorted(gold["sessions"], key=lambda r: r["date"])] == [
        8,
        4,
        4,
        4,
        4,
    ]
    same(by_chunks(events, DAYS), gold)


@settings(small, max_examples=10)
@given(event_lists(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(events: list[reference.Event], chance: random.Random) -> None:
    shuffled = events[:]
    chance.shuffle(shuffled)
    same(compute(shuffled, DAYS), compute(events, DAYS))
