"""The gold models: headers, keys, totals, and every number against plain Python."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.helpers import gold_reference as reference

from loglode.errors import ModelError
from loglode.models.model import Model, in_order, load_models, parse_model

MODELS = load_models()
GOLD = [m for m in MODELS if m.layer == "gold"]
FIRST = date(2026, 11, 1)
MIDNIGHT = 1_793_491_200_000_000  # FIRST in microseconds
DAY, GAP = 86_400_000_000, 1_800_000_000
GOALS: list[dict[str, Any]] = [
    {
        "goal": "order",
        "method": "GET",
        "path_pattern": "/orders/%/done",
        "min_status": 200,
        "max_status": 299,
    },
    {
        "goal": "any_post",
        "method": None,
        "path_pattern": "/orders",
        "min_status": 200,
        "max_status": 399,
    },
    {
        "goal": "never",
        "method": "PUT",
        "path_pattern": "/nothing",
        "min_status": 200,
        "max_status": 200,
    },
]
EVENT = {
    "event_id": "varchar", "us": "bigint", "session_id": "varchar", "visitor_id": "varchar",
    "method": "varchar", "path": "varchar", "route": "varchar", "status": "smallint",
    "response_time_ms": "double", "bytes_sent": "bigint", "referrer_host": "varchar",
    "utm_source": "varchar", "utm_medium": "varchar", "utm_campaign": "varchar",
    "device": "varchar", "country": "varchar", "is_bot": "boolean",
}  # fmt: skip
RUN = {
    "batch_id": "b1", "kind": "load", "objects": 2, "objects_skipped": 1, "lines_read": 10,
    "bytes_read": 900, "rows_silver": 6, "lines_quarantined": 2, "duplicates": 1, "blank_lines": 1,
    "read_seconds": 0.5, "dedupe_seconds": 0.25, "commit_seconds": 0.125, "engine": "duckdb",
    "contract_version": "1.0.0",
}  # fmt: skip

Rows = dict[str, list[dict[str, Any]]]


def relations(days: list[date], gap: int = 1800, source_gap: int = 86400) -> duckdb.DuckDBPyConnection:
    """A database with all that the driver provides, but for silver and quarantine."""
    db = duckdb.connect(config={"threads": 2})
    db.execute("set timezone = 'UTC'")
    db.execute("create table target_days as select unnest($1::date[]) as day", [days])
    db.execute(
        f"""create table settings as select {gap}::bigint as session_gap_seconds,
        {source_gap}::bigint as source_session_gap_seconds, 1.1::double as histogram_gamma,
        timestamptz '2026-11-01 10:01:00+00' as gold_started_at"""
    )
    texts, numbers = ("goal", "method", "path_pattern"), ("min_status", "max_status")
    kinds = dict.fromkeys(texts, "varchar") | dict.fromkeys(numbers, "smallint")
    shape = json.dumps([kinds])
    db.execute(
        f"create table goals as select unnest(from_json($1, '{shape}'), recursive := true)",
        [json.dumps(GOALS)],
    )
    columns = ", ".join(
        f"{json.dumps(v) if not isinstance(v, str) else repr(v)} as {k}" for k, v in RUN.items()
    )
    db.execute(
        f"""create table runs as select {columns},
        timestamptz '2026-11-01 10:00:00+00' as started_at,
        timestamptz '2026-11-01 10:00:05+00' as finished_at, timestamptz '2026-11-01 09:59:00+00'
        as oldest_object_at, 2026 as year, 11 as month, 1 as day"""
    )
    return db


def compute(
    events: list[reference.Event], days: list[date], refused: tuple[int, ...] = (), **gaps: int
) -> Rows:
    """Every gold table's rows for `days`."""
    db = relations(days, **gaps)
    shape = json.dumps([EVENT])
    db.execute(
        f"""create table web_logs as select * exclude (us), make_timestamptz(us) as event_ts,
        year(make_timestamp(us)) as year, month(make_timestamp(us)) as month,
        day(make_timestamp(us)) as day
        from (select unnest(from_json($1, '{shape}'), recursive := true))""",
        [json.dumps(events)],
    )
    db.execute(
        "create table quarantine as select make_timestamptz(unnest($1::bigint[])) as event_ts",
        [refused],
    )
    rows: Rows = {}
    for model in MODELS:
        db.execute(f"create temp {'view' if model.is_view else 'table'} {model.name} as {model.sql}")
        found = db.execute(f"from {model.name}")
        names = [column[0] for column in found.description]
        assert names == [name for name, _ in model.columns], model.name
        if not model.is_view:
            rows[model.name] = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
            keys = Counter(tuple(row[key] for key in model.keys) for row in rows[model.name])
            assert all(n == 1 for n in keys.values()), f"keys of {model.name}"
    db.close()
    return {model.name: rows[model.name] for model in GOLD}


odd_text = st.sampled_from([None, "", "a.org", "(none)", "münchen.example", "x'; drop table t; --", "東京"])
PATHS = ["/", "/a", "/b.css", "/orders", "/orders/1/done", "/x.y/z", "/ünï", "/app.JS", None]


@st.composite
def event_lists(draw: st.DrawFn) -> list[reference.Event]:
    """Few visitors and moments: equal times, gaps of exactly the limit, midnights are common."""
    moments = st.builds(
        lambda day, offset: MIDNIGHT + day * DAY + offset,
        st.integers(-1, 4),
        st.sampled_from(
            [
                0,
                1,
                -1,
                5,
                GAP,
                GAP + 1,
                2 * GAP,
                DAY // 2,
                DAY // 2 + GAP,
                DAY - GAP // 2,
                7_200_000_000,
            ]
        ),
    )
    drawn = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "us": moments,
                    "session_id": st.sampled_from([None, None, "s1", "v1"]),
                    "visitor_id": st.sampled_from([None, "v1", "v2", "s1"]),
                    "method": st.sampled_from(["GET", "GET", "POST", None]),
                    "path": st.sampled_from(PATHS),
                    "status": st.sampled_from([100, 200, 204, 301, 304, 404, 500, 599]),
                    "response_time_ms": st.sampled_from([None, 0, 0.5, 1, 99.5, 100, 300, 4000, 86_400_000]),
                    "bytes_sent": st.sampled_from([None, 0, 7, 2**40]),
                    "referrer_host": odd_text,
                    "utm_source": odd_text,
                    "utm_medium": odd_text,
                    "utm_campaign": st.none(),
                    "device": st.sampled_from([None, "bot", "mobile"]),
                    "country": st.sampled_from([None, "DE"]),
                    "is_bot": st.booleans(),
                }
            ),
            max_size=25,
        )
    )
    ids = draw(st.permutations(range(len(drawn))))
    return [{"event_id": f"{i:032x}", "route": e["path"], **e} for i, e in zip(ids, drawn, strict=True)]


def realistic(seed: int, count: int = 3000) -> list[reference.Event]:
    """Visits over four days, with every kind of row."""
    chance = random.Random(seed)
    events = []
    for n in range(count):
        path = chance.choice(PATHS)
        events.append(
            {
                "event_id": f"{chance.getrandbits(128):032x}",
                "us": MIDNIGHT + chance.randrange(4 * DAY // 60_000_000) * 60_000_000 + n % 3,
                "session_id": chance.choice([None, None, f"s{n % 40}"]),
                "visitor_id": chance.choice([None, f"v{n % 150}", f"v{n % 150}"]),
                "method": chance.choice(["GET", "GET", "POST"]),
                "path": path,
                "route": path,
                "status": chance.choice([200, 200, 200, 304, 302, 404, 503]),
                "response_time_ms": chance.choice([None, 0.0, round(chance.expovariate(0.005), 3)]),
                "bytes_sent": chance.choice([None, chance.randrange(9999)]),
                "referrer_host": chance.choice([None, "a.org", "b.org"]),
                "utm_source": chance.choice([None, "news"]),
                "utm_medium": chance.choice([None, "mail"]),
                "utm_campaign": None,
                "device": chance.choice([None, "mobile"]),
                "country": chance.choice([None, "DE", "FR"]),
                "is_bot": chance.random() < 0.1,
            }
        )
    return events


DAYS = [FIRST + timedelta(days=i) for i in range(-2, 6)]
small = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def agree(found: dict[str, Any], wanted: dict[str, Any], where: object) -> None:
    for name, value in wanted.items():
        expected = pytest.approx(value, rel=1e-9, abs=1e-6) if isinstance(value, float) else value
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
            *(none if e[c] is None else e[c] for c in ("method", "route")),
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
    humans = [row for row in wanted if not row["is_bot"]]
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


def one(event_id: str, seconds: float, path: str, **more: Any) -> reference.Event:
    """A human's GET, some seconds after FIRST began."""
    nothing = dict.fromkeys(EVENT)
    known = {"visitor_id": "v", "method": "GET", "status": 200, "is_bot": False}
    us = MIDNIGHT + int(seconds * 1_000_000)
    return {**nothing, **known, "event_id": event_id, "us": us, "path": path, "route": path, **more}


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


def test_an_unknown_referrer_and_one_of_that_name_are_one_row_and_one_visitor() -> None:
    events = [one("a", 0, "/", utm_source="(none)"), one("b", 1, "/")]
    (row,) = compute(events, DAYS)["referrer_metrics"]
    assert (row["utm_source"], row["requests"], row["visitors"]) == ("(none)", 2, 1)


def test_totals_agree_across_models() -> None:
    events = realistic(seed=3)
    gold = compute(events, DAYS, refused=(MIDNIGHT, MIDNIGHT + 1, MIDNIGHT + DAY, MIDNIGHT - DAY))
    for name in (
        "daily_metrics",
        "hourly_metrics",
        "route_metrics",
        "status_metrics",
        "referrer_metrics",
    ):
        for column in ("requests", "bytes_sent"):
            wanted = len(events) if column == "requests" else sum(e["bytes_sent"] or 0 for e in events)
            assert sum(row[column] for row in gold[name]) == wanted, (name, column)
    sessions = len(gold["sessions"])
    for name in ("daily_metrics", "hourly_metrics", "session_metrics"):
        assert sum(row["sessions"] for row in gold[name]) == sessions, name
    for name in ("daily_metrics", "hourly_metrics"):
        assert sum(row["quarantined_lines"] for row in gold[name]) == 4
        for row in gold[name]:
            assert sum(b["requests"] for b in row["response_time_histogram"] or []) == row["timed_requests"]
            classes = sum(row[f"requests_{c}xx"] for c in range(1, 6))
            assert classes == row["requests"] == row["human_requests"] + row["bot_requests"]


def test_histogram_buckets_hold_their_times_in_order() -> None:
    base = realistic(seed=1, count=1)[0]
    times = [0.0, 1e-60, 0.5, 1.0, 1.05, 1.2, 100.0, None]
    events = [{**base, "event_id": str(i), "response_time_ms": t} for i, t in enumerate(times)]
    (row,) = compute(events, DAYS)["daily_metrics"]
    wanted = Counter({-1000: 2, -7: 1, 0: 1, 1: 1, 2: 1, 49: 1})
    assert [(b["bucket"], b["requests"]) for b in row["response_time_histogram"]] == sorted(wanted.items())
    for bucket, time in ((-7, 0.5), (0, 1.0), (1, 1.05), (2, 1.2), (49, 100.0)):
        assert 1.1 ** (bucket - 1) < time <= 1.1**bucket


def test_a_day_with_refused_lines_only_has_a_row_without_rates() -> None:
    (row,) = compute([], DAYS, refused=(MIDNIGHT + 5, MIDNIGHT + 40 * DAY))["daily_metrics"]
    assert (row["date"], row["requests"], row["quarantined_lines"]) == (FIRST, 0, 1)
    assert row["error_rate"] is row["success_rate"] is row["p50_response_time_ms"] is None
    assert (row["year"], row["month"], row["day"]) == (2026, 11, 1)


def by_chunks(events: list[reference.Event], days: list[date]) -> Rows:
    """Each day alone, with three days before it and one after, as the driver gives them."""
    parts: Rows = {model.name: [] for model in GOLD}
    for day in days:
        near = [e for e in events if -3 <= (reference.day_of(e["us"]) - day).days <= 1]
        for name, rows in compute(near, [day]).items():
            parts[name].extend(rows)
    return parts


def same(left: Rows, right: Rows) -> None:
    for name in left.keys() - {"pipeline_metrics"}:
        assert sorted(map(repr, left[name])) == sorted(map(repr, right[name])), name


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


def test_pipeline_metrics_tell_shares_and_latencies() -> None:
    (row,) = compute([], DAYS)["pipeline_metrics"]
    assert row["date"] == FIRST
    assert row["refused_share"] == 0.2
    assert row["bronze_to_silver_seconds"] == 5.0
    assert row["bronze_to_gold_seconds"] == 60.0
    assert row["freshness_seconds"] == 120.0
    assert row["lines_per_second"] == 2.0


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_sql_renders_for_spark_and_reads_what_its_header_says(model: Model) -> None:
    (text,) = sqlglot.transpile(
        model.sql, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE
    )
    sqlglot.parse_one(text, read="spark")
    tree = sqlglot.parse_one(model.sql, read="duckdb")
    own = {cte.alias for cte in tree.find_all(sqlglot.exp.CTE)}
    assert {table.name for table in tree.find_all(sqlglot.exp.Table)} - own == set(model.depends)
    assert not re.search(r"select\s+\*", model.sql)
    assert all(text for _, text in model.columns)


@pytest.mark.parametrize("model", GOLD, ids=lambda m: m.name)
def test_gold_tables_begin_with_the_date_and_end_with_partitions(model: Model) -> None:
    names = [name for name, _ in model.columns]
    assert (names[0], names[-3:]) == ("date", ["year", "month", "day"])


HEADER = """-- grain: one
-- keys: a
-- depends: goals
-- description: d
--   goes on
-- columns:
--   a: first
"""


def test_a_header_is_read_with_its_continued_lines() -> None:
    model = parse_model("m", "gold", HEADER + "--     and more\nselect 1 as a\n")
    assert model.description == "d goes on"
    assert model.columns == (("a", "first and more"),)
    assert (model.sql, model.is_view) == ("select 1 as a", False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select 1", "the header lacks columns, depends, description, grain, keys"),
        (HEADER, "the SELECT or the list"),
        (HEADER.replace("keys: a", "keys: b") + "select 1", "the key b is not among the columns"),
        (HEADER.replace("grain", "gain") + "select 1", "no field gain"),
        (HEADER + "--   a: again\nselect 1", "a is given twice"),
        (HEADER + "-- no field here\nselect 1", "is not understood"),
        ("-- materialized: file\n" + HEADER + "select 1", "not table or view"),
    ],
)
def test_a_malformed_header_is_refused(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        parse_model("m", "gold", text)


def test_models_in_a_circle_or_on_unknown_relations_are_refused() -> None:
    def model(name: str, depends: str) -> Model:
        return parse_model(name, "gold", HEADER.replace("goals", depends) + "select 1 as a")

    assert [m.name for m in in_order([model("a", "b"), model("b", "runs")])] == ["b", "a"]
    with pytest.raises(ModelError, match="circle: "):
        in_order([model("a", "b"), model("b", "a")])
    with pytest.raises(ModelError, match="depends on nobody"):
        in_order([model("a", "nobody")])
    with pytest.raises(ModelError, match="another relation has this name"):
        in_order([model("goals", "runs")])
