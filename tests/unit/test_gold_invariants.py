"""What holds for every gold table, whatever it counts: a new model is checked without a line here."""

from __future__ import annotations

import pytest
from tests.helpers.gold import DAY, DAYS, GOLD, MIDNIGHT, Rows, compute, realistic

from loglode.models.model import Model

REFUSED = (MIDNIGHT, MIDNIGHT + 1, MIDNIGHT + DAY, MIDNIGHT - DAY)
EVENTS = realistic(seed=3)
every_model = pytest.mark.parametrize("model", GOLD, ids=lambda model: model.name)


@pytest.fixture(scope="module")
def gold() -> Rows:
    """All tables over many events; `compute` has checked that keys are unique and columns as declared."""
    return compute(EVENTS, DAYS, refused=REFUSED)


@every_model
def test_keys_are_known_and_rows_lie_on_their_day(model: Model, gold: Rows) -> None:
    assert gold[model.name], "no rows: the events of these tests lack what this model counts"
    for row in gold[model.name]:
        unknown = {key for key in model.keys if row[key] is None}
        # Requests whose status is not known have a row of their own.
        assert unknown <= ({"status"} if model.name == "status_metrics" else set()), row
        assert (row["date"].year, row["date"].month, row["date"].day) == tuple(
            row[part] for part in ("year", "month", "day")
        )


@every_model
def test_shares_lie_between_0_and_1_and_counts_are_not_negative(model: Model, gold: Rows) -> None:
    for row in gold[model.name]:
        for name, value in row.items():
            if value is not None and name.endswith(("_rate", "_share")):
                assert 0 <= value <= 1, (name, row)
            if isinstance(value, int) and not isinstance(value, bool):
                assert value >= 0, (name, row)


@every_model
def test_totals_are_those_of_silver(model: Model, gold: Rows) -> None:
    for column in model.totals:
        rows = len(EVENTS) if column == "requests" else sum(event[column] or 0 for event in EVENTS)
        assert sum(row[column] for row in gold[model.name]) == rows, column


@every_model
def test_a_part_is_not_more_than_its_whole(model: Model, gold: Rows) -> None:
    """`human_sessions` and `bot_sessions` are not more than `sessions`: of some it is unknown."""
    names = {name for name, _ in model.columns}
    for whole in names:
        if {f"human_{whole}", f"bot_{whole}"} <= names:
            for row in gold[model.name]:
                assert row[f"human_{whole}"] + row[f"bot_{whole}"] <= row[whole], (whole, row)
        elif f"human_{whole}" in names:
            assert all(row[f"human_{whole}"] <= row[whole] for row in gold[model.name]), whole


@every_model
def test_the_date_comes_first_and_partitions_last(model: Model) -> None:
    names = [name for name, _ in model.columns]
    assert (names[0], names[-3:]) == ("date", ["year", "month", "day"])


def test_every_period_counts_the_sessions_and_refused_lines_of_all(gold: Rows) -> None:
    sessions = len(gold["sessions"])
    for name, rows in gold.items():
        columns = rows[0].keys()
        if name != "sessions" and "sessions" in columns:
            assert sum(row["sessions"] for row in rows) == sessions, name
        if name in ("hourly_metrics", "daily_metrics"):
            assert sum(row["quarantined_lines"] for row in rows) == len(REFUSED)
            for row in rows:
                buckets = row["response_time_histogram"] or []
                assert sum(bucket["requests"] for bucket in buckets) == row["timed_requests"]
                classes = [row[f"requests_{c}xx"] for c in range(1, 6)]
                assert sum(classes) + row["requests_without_status"] == row["requests"]
