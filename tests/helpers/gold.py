"""The gold models over a few events, in a database of their own."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import date, timedelta
from typing import Any

import duckdb
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from tests.helpers import gold_reference as reference

from loglode.models.held import HELD
from loglode.models.model import load_models

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
        {source_gap}::bigint as source_session_gap_seconds, 1.02::double as histogram_gamma"""
    )
    for name, types in HELD.items():
        columns = ", ".join(f"{column} {kind}" for column, kind in types.items())
        db.execute(f"create table {name} ({columns})")
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
    db.execute(
        """create table gold_starts as
        select batch_id, started_at, timestamptz '2026-11-01 10:01:00+00' as gold_started_at from runs"""
    )
    return db


def given(db: duckdb.DuckDBPyConnection, events: list[reference.Event], refused: tuple[int, ...]) -> None:
    """Silver and quarantine of a database: these rows alone."""
    shape = json.dumps([EVENT])
    db.execute(
        f"""create or replace table web_logs as select * exclude (us), make_timestamptz(us) as event_ts,
        year(make_timestamp(us)) as year, month(make_timestamp(us)) as month,
        day(make_timestamp(us)) as day
        from (select unnest(from_json($1, '{shape}'), recursive := true))""",
        [json.dumps(events)],
    )
    db.execute(
        "create or replace table quarantine as select make_timestamptz(unnest($1::bigint[])) as event_ts",
        [refused],
    )


def compute(
    events: list[reference.Event], days: list[date], refused: tuple[int, ...] = (), **gaps: int
) -> Rows:
    """Every gold table's rows for `days`."""
    db = relations(days, **gaps)
    given(db, events, refused)
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


Batch = tuple[list[reference.Event], tuple[int, ...]]


def by_batches(batches: list[Batch], **gaps: int) -> Rows:
    """Every gold table's rows after one batch after another, each merged into what the tables held."""
    db = relations([], **gaps)
    merged = [model for model in GOLD if not model.is_by_batch]
    for number, (events, refused) in enumerate(batches):
        given(db, events, refused)
        touched = {reference.day_of(us) for us in (*(e["us"] for e in events), *refused)}
        target = {day + timedelta(days=n) for day in touched for n in range(-1, 3)}
        db.execute("create or replace table target_days as select unnest($1::date[]) as day", [list(target)])
        for model in MODELS:
            kind = "view" if model.is_view else "table"
            db.execute(f"create or replace temp {kind} {model.name} as {model.sql}")
        for model in merged:
            if not number:
                db.execute(f"create table lake_{model.name} as from {model.name} limit 0")
            elif not model.grows:
                db.execute(f"delete from lake_{model.name} where date in (select day from changed_days)")
            db.execute(f"insert into lake_{model.name} from {model.name}")
        if not number:
            for name, types in HELD.items():
                held = f"select {', '.join(types)} from {name.replace('held_', 'lake_')}"
                db.execute(f"drop table {name}")
                db.execute(f"create view {name} as {held}")
    rows: Rows = {}
    for model in merged:
        found = db.execute(f"from lake_{model.name}")
        names = [column[0] for column in found.description]
        rows[model.name] = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    db.close()
    return rows


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
                    "method": st.sampled_from(["GET", "GET", "POST", "PURGE", "BREW", "X-1", None]),
                    "path": st.sampled_from(PATHS),
                    "status": st.sampled_from([100, 200, 204, 301, 304, 404, 500, 599, None]),
                    "response_time_ms": st.sampled_from([None, 0, 0.5, 1, 99.5, 100, 300, 4000, 86_400_000]),
                    "bytes_sent": st.sampled_from([None, 0, 7, 2**40]),
                    "referrer_host": odd_text,
                    "utm_source": odd_text,
                    "utm_medium": odd_text,
                    "utm_campaign": st.none(),
                    "device": st.sampled_from([None, "bot", "mobile"]),
                    "country": st.sampled_from([None, "DE"]),
                    "is_bot": st.sampled_from([False, False, True, None]),
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
                "method": chance.choice(["GET", "GET", "POST", "VERSION-CONTROL", "BREW"]),
                "path": path,
                "route": path,
                "status": chance.choice([200, 200, 200, 304, 302, 404, 503, None]),
                "response_time_ms": chance.choice([None, 0.0, round(chance.expovariate(0.005), 3)]),
                "bytes_sent": chance.choice([None, chance.randrange(9999)]),
                "referrer_host": chance.choice([None, "a.org", "b.org"]),
                "utm_source": chance.choice([None, "news"]),
                "utm_medium": chance.choice([None, "mail"]),
                "utm_campaign": None,
                "device": chance.choice([None, "mobile"]),
                "country": chance.choice([None, "DE", "FR"]),
                "is_bot": chance.choice([True, None, *[False] * 8]),
            }
        )
    return events


DAYS = [FIRST + timedelta(days=i) for i in range(-2, 6)]
small = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def one(event_id: str, seconds: float, path: str, **more: Any) -> reference.Event:
    """A human's GET, some seconds after FIRST began."""
    nothing = dict.fromkeys(EVENT)
    known = {"visitor_id": "v", "method": "GET", "status": 200, "is_bot": False}
    us = MIDNIGHT + int(seconds * 1_000_000)
    return {**nothing, **known, "event_id": event_id, "us": us, "path": path, "route": path, **more}


def by_chunks(events: list[reference.Event], days: list[date]) -> Rows:
    """Each day alone, with three days before it and one after, as the driver gives them."""
    parts: Rows = {model.name: [] for model in GOLD}
    for day in days:
        near = [e for e in events if -3 <= (reference.day_of(e["us"]) - day).days <= 1]
        for name, rows in compute(near, [day]).items():
            parts[name].extend(rows)
    return parts


def same(left: Rows, right: Rows) -> None:
    """Whether two lakes hold the same rows; a table that grows may hold them in more pieces."""
    for name in left.keys() - {"pipeline_metrics", *(model.name for model in GOLD if model.grows)}:
        assert sorted(map(repr, left[name])) == sorted(map(repr, right[name])), name
