"""`loglode verify`: prove that nothing is lost or doubled."""

from __future__ import annotations

from typing import Any

import click

from loglode.cli.errors import CommandFailedError
from loglode.cli.options import debug_options, json_option, lake_options, open_lake
from loglode.cli.output import write_json, write_table


@click.command()
@lake_options
@json_option
@debug_options
def verify(*, is_json: bool, **options: Any) -> None:
    """Prove from the tables alone that nothing is lost or doubled; exit with 1 if a check fails.

    \b
    Example:
      loglode verify --lake lake
    """
    report = open_lake(**options).verify()
    if is_json:
        write_json(report.as_dict())
    else:
        rows = [("ok" if c.is_ok else "FAILED", c.name, c.detail) for c in report.checks]
        write_table(["result", "check", "detail"], rows)
    if not report.is_ok:
        raise CommandFailedError("a check failed")
