"""`loglode explain`: how a file would be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from loglode.cli.options import debug_options, json_option, log_format_option
from loglode.cli.output import write_json, write_text

_SHOWN_TEXT = 200


@click.command()
@click.argument("source", metavar="FILE")
@click.option(
    "--lines",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="Number of lines that are shown.",
)
@log_format_option(default="auto", help="Format of the file: auto, a pattern, {names}.")
@click.option("--contract", metavar="FILE", help="Your own data contract; the built-in one otherwise.")
@json_option
@debug_options
def explain(*, source: str, lines: int, form: str, contract: str | None, is_json: bool) -> None:
    """Show how a file would be read: its format, the fields of its first lines, and what is missing.

    Nothing is written. Fields are shown as they are in the file, before masking.

    \b
    Example:
      loglode explain access.log --lines 2
    """
    from loglode.operations import explain as explained

    found = explained(source, contract=contract, lines=lines, format=form).as_dict()
    if is_json:
        write_json(found)
    else:
        _write(found)


def _write(found: Mapping[str, Any]) -> None:
    write_text(f"file           {found['source']}")
    write_text(f"format         {found['format']} ({found['title']}), score {found['score']:.2f}")
    write_text(f"runner-up      {found['runner_up']}, score {found['runner_up_score']:.2f}")
    if found["specification"]:
        write_text(f"specification  {found['specification']}")
    counts = ", ".join(f"{reason} {count:,}" for reason, count in found["counts"].items())
    write_text(f"first lines    {counts or 'none'}")
    for line in found["lines"]:
        _write_line(line, found["units"])
    write_text()
    write_text(f"empty          {', '.join(found['empty_fields']) or 'none'}")
    for number, text in enumerate(found["advice"]):
        write_text(f"               {text}" if number else f"what to do     {text}")


def _write_line(line: Mapping[str, Any], units: Mapping[str, str]) -> None:
    verdict = f"rejected: {', '.join(line['reasons'])}" if line["reasons"] else "accepted"
    warned = f"; nulled with warnings: {', '.join(line['warnings'])}" if line["warnings"] else ""
    write_text()
    write_text(f"line {line['number']}  {verdict}{warned}")
    write_text(f"  {line['text'][:_SHOWN_TEXT]}")
    for name, value in line["fields"].items():
        unit = f"   ({units[name]})" if name in units else ""
        write_text(f"    {name:<18}{value[:_SHOWN_TEXT]}{unit}")
