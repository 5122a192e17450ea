"""`loglode quarantine`: list rejected lines, and load them again."""

from __future__ import annotations

from typing import Any

import click

from loglode.cli.options import debug_options, format_options, json_option, lake_options, open_lake
from loglode.cli.output import write_json, write_rows
from loglode.cli.progress import progress_bars
from loglode.cli.run import write_summary

reason_option = click.option("--reason", metavar="CODE", help="Only lines rejected for this reason.")


@click.group()
@debug_options
def quarantine() -> None:
    """List rejected lines, or load them again after the rules have changed."""


@quarantine.command("list")
@lake_options
@click.option(
    "--limit", type=click.IntRange(min=0), default=20, show_default=True, help="Maximum number of lines."
)
@reason_option
@format_options
@debug_options
def list_lines(limit: int, reason: str | None, form: str, **options: Any) -> None:
    """Show rejected lines with object, line number and reasons, newest first.

    \b
    Example:
      loglode quarantine list --reason event_ts_invalid --lake lake
    """
    result = open_lake(**options).quarantine(limit=limit, reason=reason)
    write_rows(result.columns, result, form=form)


@quarantine.command("replay")
@lake_options
@reason_option
@json_option
@debug_options
def replay(reason: str | None, *, is_json: bool, **options: Any) -> None:
    """Read rejected lines again; lines that pass now move to silver.

    \b
    Example:
      loglode quarantine replay --contract mine.odcs.yaml --lake lake
    """
    with progress_bars() as progress:
        report = open_lake(**options).replay(reason=reason, progress=progress)
    if is_json:
        write_json(report.as_dict())
    else:
        write_summary(report.as_dict())
