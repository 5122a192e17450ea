"""What the page holds: columns of gold, as small as they go and able to be added over any range of days.

Shares, means and quantiles are not stored: the page computes them from counts, sums and histograms, so that a
range of days gives the same figure as the SQL that the page shows beside it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from loglode.context import open_lake
from loglode.engines.provided import HISTOGRAM_GAMMA
from loglode.reports.query import columns as columns_of
from loglode.reports.query import query
from loglode.settings import Settings
from loglode.sql import literal
from loglode.text import visible
from loglode.version import __version__

EPOCH = date(1970, 1, 1)
MAX_NAMES = 100
"""Routes, referring hosts and campaigns of which each has rows of its own; the rest are added up."""

MAX_TEXT = 160
"""Characters of a name."""

OTHER = "(other)"
"""The name under which the rest is added up."""

REQUIRED = ("daily_metrics", "hourly_metrics")

# Days count from 1970-01-01, times are UTC. A mean comes back as the sum that it was computed from.
_DAY = "cast(date - date '1970-01-01' as integer)"
# Requests with a known status: rates are shares of these.
_UNKNOWN = "requests_without_status"
_ANSWERED = f"requests - {_UNKNOWN}"
_DAYS = f"""
    select {_DAY} as day, requests, visitors, human_visitors, sessions, bytes_sent, requests_1xx,
        requests_2xx, requests_3xx, requests_4xx, requests_5xx, {_ANSWERED} as answered, timed_requests,
        round(coalesce(avg_response_time_ms * timed_requests, 0)) as response_ms,
        p50_response_time_ms as p50, p95_response_time_ms as p95, p99_response_time_ms as p99,
        human_requests, bot_requests, quarantined_lines,
        [[h.bucket, h.requests] for h in response_time_histogram] as histogram
    from daily_metrics where requests > 0 or quarantined_lines > 0 order by date"""
_HOURS = f"""
    select cast(epoch(hour) / 3600 as bigint) as hour, requests, human_requests, bot_requests, requests_4xx,
        requests_5xx, {_ANSWERED} as answered, quarantined_lines, p50_response_time_ms as p50,
        p95_response_time_ms as p95
    from hourly_metrics where requests > 0 or quarantined_lines > 0 order by hour"""
_SESSIONS = f"""
    select {_DAY} as day, human_sessions, bot_sessions, bounces, conversions, pages,
        round(coalesce(avg_duration_seconds * human_sessions, 0)) as seconds, sessions_with_errors
    from session_metrics order by date"""
_STATUSES = f"""
    select {_DAY} as day, coalesce(cast(status as varchar), '(unknown)') as name, requests
    from status_metrics order by date, status"""
_GOALS = f"""
    select {_DAY} as day, goal as name, response_time_band as band, human_sessions, conversions
    from conversion_metrics order by date, goal, response_time_band"""
_BATCHES = f"""
    select {_DAY} as day, count(*) as batches, sum(lines_read)::bigint as lines_read,
        sum(rows_silver)::bigint as rows_silver, sum(lines_quarantined)::bigint as lines_quarantined,
        sum(duplicates)::bigint as duplicates, sum(blank_lines)::bigint as blank_lines,
        sum(bytes_read)::bigint as bytes_read, round(max(bronze_to_gold_seconds), 1) as slowest_seconds,
        round(max(freshness_seconds)) as freshness_seconds
    from pipeline_metrics group by date order by date"""


def _ranked(table: str, name: str, sums: str, rank: str = "requests") -> str:
    """Rows of the MAX_NAMES names with the largest sum of `rank`, by day; those of all others together."""
    return f"""
    with named as (select *, {name} as name from {table}),
    top as (select name from named group by name order by sum({rank}) desc, name limit {MAX_NAMES})
    select {_DAY} as day,
        case when name in (select name from top) then name else {literal(OTHER)} end as name, {sums}
    from named group by 1, 2 order by 1, 2"""


_ROUTES = _ranked(
    "route_metrics",
    "method || ' ' || route",
    f"""sum(requests)::bigint as requests, sum({_ANSWERED})::bigint as answered,
    sum(errors)::bigint as errors,
    sum(round(coalesce(server_error_rate, 0) * ({_ANSWERED})))::bigint as server_errors,
    sum(timed_requests)::bigint as timed_requests,
    round(sum(coalesce(avg_response_time_ms * timed_requests, 0))) as response_ms,
    round(max(p95_response_time_ms), 1) as p95""",
)
_REFERRERS = _ranked(
    "referrer_metrics",
    "referrer_host",
    f"""sum(requests)::bigint as requests, sum({_ANSWERED})::bigint as answered,
    sum(human_requests)::bigint as human_requests, sum(errors)::bigint as errors""",
    "human_requests",
)
_CAMPAIGNS = _ranked(
    "(select * from referrer_metrics where utm_source <> '(none)' or utm_campaign <> '(none)')",
    "utm_source || ' / ' || utm_medium || ' / ' || utm_campaign",
    """sum(requests)::bigint as requests, sum(human_requests)::bigint as human_requests,
    sum(errors)::bigint as errors""",
    "human_requests",
)
_REASONS = """
    select reason as name, sum((reasons ->> ('$."' || reason || '"'))::bigint)::bigint as lines
    from (select reasons, unnest(json_keys(reasons)) as reason from runs)
    group by reason having lines > 0 order by lines desc, name"""

PARTS: dict[str, tuple[str, str]] = {
    "days": ("daily_metrics", _DAYS),
    "hours": ("hourly_metrics", _HOURS),
    "sessions": ("session_metrics", _SESSIONS),
    "statuses": ("status_metrics", _STATUSES),
    "routes": ("route_metrics", _ROUTES),
    "referrers": ("referrer_metrics", _REFERRERS),
    "campaigns": ("referrer_metrics", _CAMPAIGNS),
    "goals": ("conversion_metrics", _GOALS),
    "batches": ("pipeline_metrics", _BATCHES),
    "reasons": ("runs", _REASONS),
}
"""Part of the page: the table that it needs, and its SQL."""


@dataclass(frozen=True, slots=True)
class Content:
    """Parts by name, each a mapping of columns; texts are made printable and cut, numbers are finite."""

    lake: str
    made_at: datetime
    parts: dict[str, dict[str, list[Any]]]

    def as_dict(self) -> dict[str, Any]:
        """The object that the page's script reads. Columns named `name` or `band` are places in `names`."""
        names: dict[str, int] = {}
        parts = {
            part: {
                key: [names.setdefault(v, len(names)) for v in values] if key in ("name", "band") else values
                for key, values in columns.items()
            }
            for part, columns in self.parts.items()
        }
        about = {
            "lake": self.lake,
            "made_at": self.made_at.isoformat(timespec="seconds"),
            "version": __version__,
            "gamma": HISTOGRAM_GAMMA,
            "other": OTHER,
        }
        return {"about": about, "names": list(names), "parts": parts}


def content(settings: Settings) -> Content:
    """Read gold. Raises LakeError where there is no lake; a lake without gold gives empty parts."""
    lake = open_lake(settings)
    lake.require()
    existing = columns_of(settings)
    parts = {name: _part(settings, sql, table, existing) for name, (table, sql) in PARTS.items()}
    # The last part of the place is enough to recognise a lake; the rest is nobody's business.
    name = str(lake.root).rstrip("/").rpartition("/")[2]
    return Content(_text(name), datetime.now(UTC), parts)


def _part(
    settings: Settings, sql: str, table: str, existing: Mapping[str, Collection[str]]
) -> dict[str, list[Any]]:
    if table not in existing:
        return {}
    if _UNKNOWN not in existing[table]:
        # Gold of an earlier release, which knew every status: the next run rebuilds it.
        sql = sql.replace(_UNKNOWN, "0")
    result = query(settings, sql, only=(table,))
    rows = result.rows()
    result.close()
    columns: Iterable[tuple[Any, ...]] = zip(*rows, strict=True) if rows else [()] * len(result.columns)
    return {
        key: [_plain(value) for value in values] for key, values in zip(result.columns, columns, strict=True)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() else round(value, 3)
    return value


def _text(text: str) -> str:
    """Attackers write paths and referrers: only printable characters, and a bounded length."""
    text = visible(text[:MAX_TEXT])
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
