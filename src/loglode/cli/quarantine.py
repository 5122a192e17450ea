"""`loglode quarantine`: refused lines, and putting them back through."""

from __future__ import annotations

from typing import Any

import click

from loglode.cli.options import (
    build_settings,
    debug_options,
    format_options,
    json_option,
    lake_options,
)
from loglode.cli.output import write_json, write_rows
from loglode.cli.progress import progress_bars
from loglode.cli.run import write_summary

reason_option = click.option("--reason", metavar="CODE", help="Only lines refused for this reason.")


@click.group()
@debug_options
def quarantine() -> None:
    """Look at refused lines, or put them back through after rules have changed."""


@quarantine.command("list")
@lake_options
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, help="Lines at most.")
@reason_option
@format_options
@debug_options
def list_lines(limit: int, reason: str | None, form: str, **options: Any) -> None:
    """Show refused lines with object, line number and reasons, the newest first.

    \b
    Example:
      loglode quarantine list --reason status_invalid --lake lake
    """
    from loglode.operations import list_quarantine

    result = list_quarantine(build_settings(**options), limit=limit, reason=reason)
    write_rows(result.columns, result, form=form)


@quarantine.command("replay")
@lake_options
@reason_option
@json_option
@debug_options
def replay(reason: str | None, *, is_json: bool, **options: Any) -> None:
    """Read refused lines again; those that pass now leave quarantine for silver.

    \b
    Example:
      loglode quarantine replay --contract mine.odcs.yaml --lake lake
    """
    from loglode.operations import replay_quarantine

    with progress_bars() as progress:
        report = replay_quarantine(build_settings(**options), reason=reason, progress=progress)
    if is_json:
        write_json(report.as_dict())
    else:
        write_summary(report.as_dict())
