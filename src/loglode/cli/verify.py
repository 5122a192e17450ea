"""`loglode verify`: prove that nothing was lost or doubled."""

from __future__ import annotations

from typing import Any

import click

from loglode.cli.errors import CommandFailedError
from loglode.cli.options import build_settings, debug_options, json_option, lake_options
from loglode.cli.output import write_json, write_table


@click.command()
@lake_options
@json_option
@debug_options
def verify(*, is_json: bool, **options: Any) -> None:
    """Prove from the tables alone that nothing was lost or doubled; exit code 1 where it fails.

    \b
    Example:
      loglode verify --lake lake
    """
    from loglode.operations import verify as verify_lake

    report = verify_lake(build_settings(**options))
    if is_json:
        write_json(report.as_dict())
    else:
        rows = [("ok" if c.is_ok else "FAILED", c.name, c.detail) for c in report.checks]
        write_table(["result", "check", "detail"], rows)
    if not report.is_ok:
        raise CommandFailedError("a check failed")
