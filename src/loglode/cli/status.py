"""`loglode status`: how a lake stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from loglode.cli.options import debug_options, json_option, lake_options, open_lake
from loglode.cli.output import write_json, write_table, write_text


@click.command()
@lake_options
@click.option("--metrics", "as_metrics", is_flag=True, help="Print metrics as OpenMetrics text.")
@json_option
@debug_options
def status(*, as_metrics: bool, is_json: bool, **options: Any) -> None:
    """Show tables, totals and the last runs.

    \b
    Example:
      loglode status --lake lake
      loglode status --metrics --lake lake > lake.prom
    """
    lake = open_lake(**options)
    if as_metrics:
        from loglode.metrics import open_metrics

        for line in open_metrics(lake.metrics(), lake=str(lake.settings.lake)).splitlines():
            write_text(line)
        return
    result = lake.status().as_dict()
    if is_json:
        write_json(result)
        return
    write_text(f"lake  {result['lake']}")
    write_text(f"gold  {'current' if result['gold_is_current'] else 'behind silver'}")
    for title, rows in (
        ("Tables", result["tables"]),
        ("Totals", [result["totals"]] if result["totals"] else []),
        ("Last runs", result["runs"]),
    ):
        if rows:
            write_text()
            write_text(title)
            _write_records(rows)


def _write_records(records: Sequence[Mapping[str, Any]]) -> None:
    write_table(list(records[0]), [list(record.values()) for record in records])
