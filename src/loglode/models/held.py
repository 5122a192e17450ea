"""What gold tables hold of the days of a batch, as relations that models read beside the batch's own rows.

A model that reads `held_x` gives the rows of table x after a batch, from those before it and the batch alone.
Where whole days are computed, these relations are empty.
"""

from __future__ import annotations

from collections.abc import Mapping

PREFIX = "held_"
_BIGINT, _TEXT, _TIME = "BIGINT", "VARCHAR", "TIMESTAMP WITH TIME ZONE"
_BUCKETS = "STRUCT(bucket INTEGER, requests BIGINT)[]"


def _counts(names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), _BIGINT)


def _texts(names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), _TEXT)


def _numbers(names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), "DOUBLE")


_DAY = dict.fromkeys(("year", "month", "day"), "INTEGER")
_TRAFFIC = {
    **_counts(
        "requests visitors human_visitors sessions bytes_sent requests_1xx requests_2xx requests_3xx"
        " requests_4xx requests_5xx timed_requests response_us human_requests bot_requests quarantined_lines"
    ),
    "response_time_histogram": _BUCKETS,
}
# Relations by name, with the columns that models read and their types.
HELD: Mapping[str, Mapping[str, str]] = {
    "held_hourly_metrics": {"date": "DATE", "hour": _TIME, **_TRAFFIC},
    "held_daily_metrics": {"date": "DATE", **_TRAFFIC},
    "held_status_metrics": {
        "date": "DATE",
        "status": "SMALLINT",
        **_counts("requests human_requests bot_requests bytes_sent timed_requests response_us"),
    },
    "held_route_metrics": {
        "date": "DATE",
        **_texts("method route"),
        **_counts(
            "requests visitors errors server_errors successes requests_without_status bytes_sent"
            " timed_requests response_us"
        ),
        **_numbers(
            "error_rate server_error_rate success_rate avg_response_time_ms p50_response_time_ms"
            " p95_response_time_ms p99_response_time_ms"
        ),
        "response_time_histogram": _BUCKETS,
        **_DAY,
    },
    "held_referrer_metrics": {
        "date": "DATE",
        **_texts("referrer_host utm_source utm_medium utm_campaign"),
        **_counts("requests human_requests visitors errors requests_without_status bytes_sent"),
    },
    "held_session_metrics": {
        "date": "DATE",
        **_counts(
            "sessions human_sessions bot_sessions bounces conversions pages requests duration_us"
            " sessions_with_errors"
        ),
        "duration_histogram": "STRUCT(bucket INTEGER, sessions BIGINT)[]",
    },
    "held_conversion_metrics": {
        "date": "DATE",
        **_texts("goal response_time_band"),
        **_counts("human_sessions conversions response_us"),
    },
    "held_sessions": {
        "date": "DATE",
        **_texts("session_key visit_key"),
        "started_at": _TIME,
        "ended_at": _TIME,
        "duration_seconds": "DOUBLE",
        **_counts("requests pages"),
        **_texts("entry_path exit_path"),
        "is_bounce": "BOOLEAN",
        **_counts("errors timed_requests response_us"),
        "avg_response_time_ms": "DOUBLE",
        "max_response_time_ms": "DOUBLE",
        "is_bot": "BOOLEAN",
        "is_converted": "BOOLEAN",
        "goals_reached": _BIGINT,
        "goals": "VARCHAR[]",
        **_texts("visitor_id referrer_host utm_source country device"),
        **_DAY,
    },
    "held_visit_slots": {
        "date": "DATE",
        **_texts("visit_key visitor_id"),
        "is_bot": "BOOLEAN",
        **_counts("hour_us first_us last_us requests pages errors timed_requests response_us"),
        "max_response_time_ms": "DOUBLE",
        "entry_us": _BIGINT,
        **_texts("entry_id entry_path referrer_host utm_source country device"),
        "exit_us": _BIGINT,
        **_texts("exit_id exit_path"),
        **dict.fromkeys(("goals", "routes", "referrers"), "VARCHAR[]"),
    },
}
