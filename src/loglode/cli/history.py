"""`loglode history`: what each commit of a table changed."""

from __future__ import annotations

from typing import Any

import click

from loglode.cli.options import build_settings, debug_options, format_options, lake_options
from loglode.cli.output import write_rows


@click.command()
@click.argument("table")
@lake_options
@format_options
@debug_options
def history(table: str, form: str, **options: Any) -> None:
    """Show a table's commits, newest first, as far back as its log reaches.

    \b
    Example:
      loglode history web_logs --lake lake
    """
    from loglode.operations import history as read_history

    entries = read_history(build_settings(**options), table)
    write_rows(list(entries[0]), [list(entry.values()) for entry in entries], form=form)
