"""`loglode query`: SQL over the lake's tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from loglode.cli.options import build_settings, debug_options, format_options, lake_options
from loglode.cli.output import write_rows


@click.command()
@click.argument("sql")
@lake_options
@format_options
@click.option(
    "--as-of",
    metavar="TIMESTAMP",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d"]),
    help="The tables as they stood then (UTC), as far back as `maintain` keeps files.",
)
@debug_options
def query(sql: str, form: str, as_of: datetime | None, **options: Any) -> None:
    """Answer a SELECT over the lake's tables by name.

    Tables: web_logs, quarantine, runs, and the metrics: daily_metrics, hourly_metrics,
    route_metrics, status_metrics, referrer_metrics, sessions, session_metrics,
    conversion_metrics, pipeline_metrics.

    \b
    Example:
      loglode query "select date, requests, error_rate from daily_metrics" --lake lake
    """
    from loglode.pipeline import query as run_query

    result = run_query(build_settings(**options), sql, as_of=as_of and as_of.replace(tzinfo=UTC))
    write_rows(result.columns, result.rows, form=form)
