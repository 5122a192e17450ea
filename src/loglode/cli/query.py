"""`loglode query`: SQL over the lake's tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from loglode.cli.options import debug_options, format_options, lake_options, open_lake
from loglode.cli.output import write_rows


class Moment(click.ParamType[datetime]):
    """A time in ISO 8601, as `history` and `status` print it; UTC without an offset."""

    name = "timestamp"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The time, aware of its zone."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a timestamp such as 2026-11-01T12:00:00Z", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command()
@click.argument("sql")
@lake_options
@format_options
@click.option(
    "--as-of",
    metavar="TIMESTAMP",
    type=Moment(),
    help="Read the tables as of this time (UTC, or with an offset), as far back as `maintain` keeps files.",
)
@debug_options
def query(sql: str, form: str, as_of: datetime | None, **options: Any) -> None:
    """Run a SELECT over the lake's tables.

    DESCRIBE, SUMMARIZE, SHOW TABLES and EXPLAIN work too. A query reads the lake's tables and nothing else.

    `show tables` lists the tables, `describe daily_metrics` the columns of one.

    \b
    Example:
      loglode query "select date, requests, error_rate from daily_metrics" --lake lake
    """
    result = open_lake(**options).query(sql, as_of=as_of)
    write_rows(result.columns, result, form=form)
