"""`loglode gold`: the tables of metrics as a whole."""

from __future__ import annotations

from typing import Any

import click

from loglode.cli.options import debug_options, engine_options, json_option, lake_options, open_lake
from loglode.cli.output import write_json, write_text
from loglode.cli.progress import progress_bars


@click.group()
def gold() -> None:
    """Manage gold, the tables of metrics."""


@gold.command()
@click.argument("table", nargs=-1)
@lake_options
@engine_options
@json_option
@debug_options
def rebuild(table: tuple[str, ...], *, is_json: bool, **options: Any) -> None:
    """Compute gold tables from all of silver: the named ones, or every one.

    `run` rebuilds a table by itself when its models, the contract's goals or its session gaps changed.
    Queries see the old rows until the new ones are complete. After an interruption, `run` and
    `gold rebuild` continue.

    \b
    Example:
      loglode gold rebuild session_metrics --lake lake
    """
    with progress_bars() as progress:
        report = open_lake(**options).rebuild_gold(*table, progress=progress)
    names, days = list(report.rebuilt), len(report.days)
    if is_json:
        write_json({"rebuilt": names, "gold_days": days})
    else:
        write_text(f"rebuilt {', '.join(names) or 'nothing: silver is empty'}; {days} days")
