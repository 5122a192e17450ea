"""`loglode report`: the lake as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from loglode.cli.options import debug_options, json_option, lake_options, open_lake
from loglode.cli.output import write_json, write_text


@click.command()
@lake_options
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    default="report.html",
    show_default=True,
    help="File to write; an existing one is replaced.",
)
@json_option
@debug_options
def report(*, out: Path, is_json: bool, **options: Any) -> None:
    """Write traffic, errors, response times, sessions and data quality as one HTML page.

    The page reads gold only, works offline, and shows the SQL of every figure. It contains paths and
    referrers of your site as silver stores them, and no addresses.

    \b
    Example:
      loglode report --lake lake --out report.html
    """
    written = open_lake(**options).report(out)
    if is_json:
        write_json(written.as_dict())
    else:
        write_text(
            f"{written.path}  {written.bytes:,} bytes, {written.days} days, {written.requests:,} requests"
        )
