"""`loglode formats`: the log formats that are detected."""

from __future__ import annotations

import click

from loglode.cli.options import debug_options, json_option
from loglode.cli.output import write_json, write_text


@click.command()
@json_option
@debug_options
def formats(*, is_json: bool) -> None:
    """List the log formats, each with an example line.

    Other formats are described by a pattern: see `loglode run --format`.

    \b
    Example:
      loglode formats
    """
    from loglode.operations import formats as listed

    found = listed()
    if is_json:
        write_json({"formats": found})
        return
    for fmt in found:
        write_text(f"{fmt['name']}: {fmt['title']}")
        for line in fmt["example"].splitlines():
            write_text(f"    {line}")
