"""The SQL that counts what must agree between a lake's tables.

A figure is a number that one scalar query yields. One query reads all figures of a lake, because opening
tables costs most. A figure is left out where one of its tables does not exist.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from loglode.batches.quality_counts import READABLE, UNIQUE
from loglode.models.model import load_models
from loglode.sql import literal

BOOKS = "rows_silver + lines_quarantined + duplicates + blank_lines"
_COUNTS = ("lines_read", "rows_silver", "lines_quarantined", "duplicates", "blank_lines")


@dataclass(frozen=True, slots=True)
class Figure:
    """A scalar query over tables of a lake, by the names of those tables."""

    sql: str
    tables: tuple[str, ...]


# As gold's models have it: a contract may allow a status below 100 or above 599.
_CLASSES = {c: f"status is not null and least(greatest(status // 100, 1), 5) = {c}" for c in range(1, 6)}
# What the days of gold must add up to. A visit is a request that belongs to a session.
_DAYS = {
    "silver_days": (
        "select make_date(year, month, day) as date, count(*) as requests, sum(bytes_sent) as bytes_sent,"
        " count(*) filter (not is_bot) as human_requests, count(*) filter (is_bot) as bot_requests,"
        " count(*) filter (status >= 400) as errors, count(response_time_ms) as timed_requests,"
        " count(*) filter (status is null) as requests_without_status,"
        " count(coalesce(session_id, visitor_id)) as visits,"
        + ",".join(f" count(*) filter ({test}) as requests_{c}xx" for c, test in _CLASSES.items())
        + " from web_logs group by all"
    ),
    "quarantine_days": (
        "select cast(timezone('UTC', event_ts) as date) as date, count(*) as quarantined_lines"
        " from quarantine where event_ts is not null group by all"
    ),
    "session_days": (
        "select date, count(*) as sessions, count(*) filter (not is_bot) as human_sessions,"
        " sum(requests) as requests from sessions where date = make_date(year, month, day) group by all"
    ),
}
_TRAFFIC = {
    "requests": "sum(requests)",
    "bytes_sent": "sum(bytes_sent)",
    "human_requests": "sum(human_requests)",
    "bot_requests": "sum(bot_requests)",
    "timed_requests": "sum(timed_requests)",
}
_UNKNOWN = "requests_without_status"
_TRAFFIC_BY_CLASS = _TRAFFIC | {
    **{f"requests_{c}xx": f"sum(requests_{c}xx)" for c in _CLASSES},
    _UNKNOWN: f"sum({_UNKNOWN})",
}
_TRAFFIC_BY_STATUS = _TRAFFIC | {
    **{f"requests_{c}xx": f"sum(requests) filter ({test})" for c, test in _CLASSES.items()},
    _UNKNOWN: "sum(requests) filter (status is null)",
}


@dataclass(frozen=True, slots=True)
class _Total:
    """Sums per day of a gold table that must equal columns of the same name of the days of `source`."""

    table: str
    source: str
    sums: Mapping[str, str]

    def sql(self) -> str:
        """How many days differ. Rows outside the partition of their day do not count for it."""
        sums = ", ".join(f"{expression} as {name}" for name, expression in self.sums.items())
        # A day on which nothing happened may have a row of zeros, or none.
        differ = " or ".join(f"coalesce(gold.{name}, 0) <> coalesce(source.{name}, 0)" for name in self.sums)
        return (
            f"select count(*) from (select date, {sums} from {self.table}"
            f" where date = make_date(year, month, day) group by date) as gold"
            f" full join {self.source} as source using (date) where {differ}"
        )


_TOTALS: tuple[_Total, ...] = (
    _Total("daily_metrics", "silver_days", _TRAFFIC_BY_CLASS),
    _Total("daily_metrics", "quarantine_days", {"quarantined_lines": "sum(quarantined_lines)"}),
    _Total("daily_metrics", "session_days", {"sessions": "sum(sessions)"}),
    _Total("hourly_metrics", "silver_days", _TRAFFIC_BY_CLASS),
    _Total("hourly_metrics", "quarantine_days", {"quarantined_lines": "sum(quarantined_lines)"}),
    _Total("hourly_metrics", "session_days", {"sessions": "sum(sessions)"}),
    _Total("status_metrics", "silver_days", _TRAFFIC_BY_STATUS),
    _Total(
        "route_metrics",
        "silver_days",
        {name: f"sum({name})" for name in ("requests", "bytes_sent", "errors", "timed_requests", _UNKNOWN)},
    ),
    _Total(
        "referrer_metrics",
        "silver_days",
        {name: f"sum({name})" for name in ("requests", "bytes_sent", "errors", "human_requests", _UNKNOWN)},
    ),
    _Total(
        "session_metrics",
        "session_days",
        {name: f"sum({name})" for name in ("sessions", "human_sessions", "requests")},
    ),
    _Total("visit_slots", "silver_days", {"visits": "sum(requests)"}),
    # Human sessions fall into bands of response time, once for each goal.
    _Total(
        "conversion_metrics",
        "session_days",
        {"human_sessions": "sum(human_sessions) / (select count(distinct goal) from conversion_metrics)"},
    ),
)
_TOTALS += tuple(
    # A further model is checked by the totals that its header declares.
    _Total(model.name, "silver_days", {column: f"sum({column})" for column in model.totals})
    for model in load_models()
    if model.totals and model.name not in {total.table for total in _TOTALS}
)
_SOURCES = {"silver_days": "web_logs", "quarantine_days": "quarantine", "session_days": "sessions"}

FIGURES = {
    "batches": Figure("select count(*) from runs", ("runs",)),
    "out_of_balance": Figure(f"select count(*) from runs where lines_read <> {BOOKS}", ("runs",)),
    "lines_read": Figure("select coalesce(sum(lines_read), 0) from runs", ("runs",)),
    "accounted_for": Figure(f"select coalesce(sum({BOOKS}), 0) from runs", ("runs",)),
    "rows_silver": Figure("select coalesce(sum(rows_silver), 0) from runs", ("runs",)),
    "lines_quarantined": Figure("select coalesce(sum(lines_quarantined), 0) from runs", ("runs",)),
    "web_logs": Figure("select count(*) from web_logs", ("web_logs",)),
    "quarantine": Figure("select count(*) from quarantine", ("quarantine",)),
    "incomplete_batches": Figure(
        "select count(*) from (select batch_id, sum(rows_silver) as reported from runs group by batch_id)"
        " full join (select batch_id, count(*) as present from web_logs group by batch_id) using (batch_id)"
        " where coalesce(reported, 0) <> coalesce(present, 0)",
        ("runs", "web_logs"),
    ),
    "silver_doubles": Figure("select count(*) - count(distinct event_id) from web_logs", ("web_logs",)),
    "quarantine_doubles": Figure(
        "select count(*) - count(distinct line_id) from quarantine", ("quarantine",)
    ),
    "in_both": Figure(
        # In lakes of earlier releases quarantine has no `event_id`.
        "select count(*) from"
        " (select null::varchar as event_id where false union all by name from quarantine)"
        " where coalesce(event_id, line_id) in (select event_id from web_logs)",
        ("quarantine", "web_logs"),
    ),
    "silver_astray": Figure(
        "select count(*) from web_logs"
        " where make_date(year, month, day) is distinct from cast(timezone('UTC', event_ts) as date)",
        ("web_logs",),
    ),
    "quarantine_astray": Figure(
        "select count(*) from quarantine"
        " where make_date(year, month, day) is distinct from cast(timezone('UTC', processed_at) as date)",
        ("quarantine",),
    ),
    # Batches from before there was ops.quality have no rows there, and a replay has none either.
    "unlike_quality": Figure(
        "select count(*) from runs left join (select batch_id, silver_version,"
        f" sum(checked) filter (rule = {literal(READABLE)}) as kept,"
        f" sum(refused) filter (rule = {literal(UNIQUE)}) as doubles"
        " from quality where kind = 'rule' group by all) as counted using (batch_id, silver_version)"
        " where kind = 'load' and silver_version >= (select min(silver_version) from quality)"
        # Lines that leave quarantine are taken off the lines refused and are duplicates of their events.
        " and (coalesce(kept, 0) + doubles is distinct from rows_silver + lines_quarantined + duplicates"
        " or doubles > duplicates)",
        ("quality", "runs"),
    ),
}
DAILY = "daily_metrics and silver_days"
GOLD_FIGURES = {
    **{
        f"{total.table} and {total.source}": Figure(
            total.sql(), tuple(dict.fromkeys((total.table, _SOURCES[total.source])))
        )
        for total in _TOTALS
    },
    # A session may begin a day before its last request: only the totals can be compared.
    "sessions and visits": Figure(
        "select cast((select coalesce(sum(requests), 0) from sessions)"
        " <> (select coalesce(sum(visits), 0) from silver_days) as integer)",
        ("sessions", "web_logs"),
    ),
    "pipeline_metrics and runs": Figure(
        f"select count(*) from (select batch_id, started_at, {', '.join(_COUNTS)} from runs) as ours"
        f" full join (select batch_id, started_at, {', '.join(_COUNTS)} from pipeline_metrics) as gold"
        " using (batch_id, started_at)"
        f" where {' or '.join(f'ours.{name} is distinct from gold.{name}' for name in _COUNTS)}",
        ("pipeline_metrics", "runs"),
    ),
}


def figures_of(tables: Collection[str], *, with_gold: bool) -> dict[str, Figure]:
    """Figures for which all tables exist."""
    wanted = FIGURES | (GOLD_FIGURES if with_gold else {})
    return {name: figure for name, figure in wanted.items() if set(figure.tables) <= set(tables)}


def one_query(figures: Iterable[Figure]) -> str:
    """A query of one row with the figures as columns, in their order."""
    scalars = [figure.sql for figure in figures]
    shared = [
        f"{name} as materialized ({sql})" for name, sql in _DAYS.items() if any(name in s for s in scalars)
    ]
    select = "select " + ", ".join(f"({scalar})" for scalar in scalars)
    return f"with {', '.join(shared)} {select}" if shared else select
