"""`loglode quality`: whether the numbers of a day can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from loglode.cli.options import debug_options, json_option, lake_options, open_lake
from loglode.cli.output import write_json, write_table, write_text


@click.command()
@lake_options
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Show one day (UTC) and its batches, with all rules.",
)
@json_option
@debug_options
def quality(*, day: datetime | None, is_json: bool, **options: Any) -> None:
    """Show rejected lines by rule and day, and changes of schema, volume and delay.

    \b
    Example:
      loglode quality --day 2026-11-01 --lake lake
    """
    found = open_lake(**options).quality(day.date() if day else None).as_dict()
    if is_json:
        write_json(found)
        return
    rules = [r for r in found["rules"] if day is not None or r["refused"] or r["warned"]]
    for title, rows in (("Days", found["days"]), ("Rules", rules), ("Drift", found["drift"])):
        write_text(title if rows else f"{title}  none")
        if rows:
            _write_records(rows)
        write_text()
    write_text(f"Delay  {_delay(found['freshness'])}")


def _delay(freshness: Mapping[str, Any]) -> str:
    seconds, usual = freshness["seconds"], freshness["usual_seconds"]
    if seconds is None:
        return "unknown"
    text = f"{seconds:,.0f} s from object to silver" + (
        f", usually {usual:,.0f} s" if usual is not None else ""
    )
    return f"{text}: late" if freshness["is_late"] else text


def _write_records(records: Sequence[Mapping[str, Any]]) -> None:
    write_table(list(records[0]), [list(record.values()) for record in records])
