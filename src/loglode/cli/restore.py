"""`loglode restore`: bring back an earlier version of a gold table."""

from __future__ import annotations

from typing import Any

import click

from loglode.cli.options import debug_options, json_option, lake_options, open_lake
from loglode.cli.output import write_json, write_text
from loglode.errors import UsageError


@click.command()
@click.argument("table")
@lake_options
@click.option("--version", type=click.IntRange(min=0), required=True, help="Version from `loglode history`.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
@debug_options
def restore(table: str, *, version: int, yes: bool, is_json: bool, **options: Any) -> None:
    """Restore a gold table to an earlier version, as a new version.

    The next run recomputes the days that silver has received since.

    \b
    Example:
      loglode restore daily_metrics --version 1 --yes --lake lake
    """
    if not yes and not _agreed(f"Restore {table} to version {version}?"):
        raise UsageError("nothing was changed")
    done = open_lake(**options).restore(table, version)
    if is_json:
        write_json({"table": table, "version": done, "restored_version": version})
    else:
        write_text(f"{table} is at version {done}, with the content of version {version}")


def _agreed(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort as error:
        raise UsageError("no answer, nothing was changed", hint="add --yes to skip the question") from error
