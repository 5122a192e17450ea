"""`loglode query`: SQL over the lake's tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from loglode.cli.options import build_settings, debug_options, format_options, lake_options
from loglode.cli.output import write_rows


class Moment(click.ParamType[datetime]):
    """A time in any form of ISO 8601, such as `history` and `status` print; UTC unless it says otherwise."""

    name = "timestamp"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The time, aware of its zone."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time, such as 2026-11-01T12:00:00Z", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command()
@click.argument("sql")
@lake_options
@format_options
@click.option(
    "--as-of",
    metavar="TIMESTAMP",
    type=Moment(),
    help="The tables as they stood then (UTC, or with an offset), as far back as `maintain` keeps files.",
)
@debug_options
def query(sql: str, form: str, as_of: datetime | None, **options: Any) -> None:
    """Answer a SELECT over the lake's tables by name.

    Tables: web_logs, quarantine, runs, quality, and the metrics: daily_metrics, hourly_metrics,
    route_metrics, status_metrics, referrer_metrics, sessions, session_metrics,
    conversion_metrics, pipeline_metrics.

    \b
    Example:
      loglode query "select date, requests, error_rate from daily_metrics" --lake lake
    """
    from loglode.operations import query as run_query

    result = run_query(build_settings(**options), sql, as_of=as_of)
    write_rows(result.columns, result, form=form)
