"""`loglode restore`: gold as it was."""

from __future__ import annotations

from typing import Any

import click

from loglode.cli.options import build_settings, debug_options, json_option, lake_options
from loglode.cli.output import write_json, write_text
from loglode.errors import UsageError


@click.command()
@click.argument("table")
@lake_options
@click.option("--version", type=click.IntRange(min=0), required=True, help="As `loglode history` shows it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@debug_options
def restore(table: str, *, version: int, yes: bool, is_json: bool, **options: Any) -> None:
    """Make a table of gold what it was at a version; this is a version of its own.

    The next run computes anew what silver has got since.

    \b
    Example:
      loglode restore daily_metrics --version 1 --yes --lake lake
    """
    from loglode.operations import restore as restore_table

    if not yes and not _agreed(f"Restore {table} to version {version}?"):
        raise UsageError("nothing was changed")
    done = restore_table(build_settings(**options), table, version)
    if is_json:
        write_json({"table": table, "version": done, "restored_version": version})
    else:
        write_text(f"{table} is at version {done}, as it was at {version}")


def _agreed(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort as error:
        raise UsageError("nobody answered, nothing was changed", hint="--yes does not ask") from error
