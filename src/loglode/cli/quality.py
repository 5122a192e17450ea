"""`loglode quality`: whether a day's numbers can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from loglode.cli.options import build_settings, debug_options, json_option, lake_options
from loglode.cli.output import write_json, write_table, write_text


@click.command()
@lake_options
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="One day (UTC) and the batches that brought it, with all rules.",
)
@json_option
@debug_options
def quality(*, day: datetime | None, is_json: bool, **options: Any) -> None:
    """Show what the contract's rules found, day by day, and how fields, volume and delay changed.

    \b
    Example:
      loglode quality --day 2026-11-01 --lake lake
    """
    from loglode.operations import quality as read_quality

    found = read_quality(build_settings(**options), day.date() if day else None).as_dict()
    if is_json:
        write_json(found)
        return
    rules = [r for r in found["rules"] if day is not None or r["refused"] or r["warned"]]
    for title, rows in (("Days", found["days"]), ("Rules", rules), ("Drift", found["drift"])):
        write_text(title if rows else f"{title}  nothing to tell")
        if rows:
            _write_records(rows)
        write_text()
    write_text(f"Delay  {_delay(found['freshness'])}")


def _delay(freshness: Mapping[str, Any]) -> str:
    seconds, usual = freshness["seconds"], freshness["usual_seconds"]
    if seconds is None:
        return "unknown"
    told = f"{seconds:,.0f} s from object to silver" + (
        f", usually {usual:,.0f} s" if usual is not None else ""
    )
    return f"{told}: late" if freshness["is_late"] else told


def _write_records(records: Sequence[Mapping[str, Any]]) -> None:
    write_table(list(records[0]), [list(record.values()) for record in records])
