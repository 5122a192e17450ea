"""Days computed one by one, rows in any order, and batches of any rows give the same gold."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers import gold_reference as reference
from tests.helpers.gold import (
    DAY,
    DAYS,
    MIDNIGHT,
    Batch,
    by_batches,
    by_chunks,
    compute,
    event_lists,
    realistic,
    same,
    small,
)


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


REFUSED = (MIDNIGHT, MIDNIGHT + 1, MIDNIGHT + DAY, MIDNIGHT - DAY)


def split(events: list[reference.Event], chance: random.Random, count: int) -> list[Batch]:
    """The events and refused lines in batches, in any order and of any size."""
    batches: list[Batch] = [([], ()) for _ in range(count)]
    for event in events:
        batches[chance.randrange(count)][0].append(event)
    for line in REFUSED:
        number = chance.randrange(count)
        batches[number] = (batches[number][0], (*batches[number][1], line))
    return batches


@settings(small, max_examples=int(os.environ.get("GOLD_EXAMPLES", "10")))
@given(event_lists(), st.integers(1, 5), st.randoms(use_true_random=False))
def test_batches_merged_give_the_rows_of_all_at_once(
    events: list[reference.Event], count: int, chance: random.Random
) -> None:
    same(by_batches(split(events, chance, count)), compute(events, DAYS, REFUSED))


@pytest.mark.parametrize("gaps", [{}, {"gap": 7200, "source_gap": 600}])
def test_many_events_in_batches_give_the_rows_of_all_at_once(gaps: dict[str, int]) -> None:
    events = realistic(seed=4)
    same(by_batches(split(events, random.Random(4), 6), **gaps), compute(events, DAYS, REFUSED, **gaps))
