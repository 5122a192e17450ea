"""`loglode history`: the commits of a table."""

from __future__ import annotations

from typing import Any

import click

from loglode.cli.options import debug_options, format_options, lake_options, open_lake
from loglode.cli.output import write_rows


@click.command()
@click.argument("table")
@lake_options
@format_options
@debug_options
def history(table: str, form: str, **options: Any) -> None:
    """Show the commits of a table, newest first, as far back as its log reaches.

    \b
    Example:
      loglode history web_logs --lake lake
    """
    entries = open_lake(**options).history(table)
    write_rows(list(entries[0]), [list(entry.values()) for entry in entries], form=form)
