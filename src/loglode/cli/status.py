"""`loglode status`: how a lake stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from loglode.cli.options import build_settings, debug_options, json_option, lake_options
from loglode.cli.output import write_json, write_table, write_text


@click.command()
@lake_options
@click.option("--metrics", "as_metrics", is_flag=True, help="Print figures as OpenMetrics text.")
@json_option
@debug_options
def status(*, as_metrics: bool, is_json: bool, **options: Any) -> None:
    """Show the lake's tables, totals and last runs.

    \b
    Example:
      loglode status --lake lake
      loglode status --metrics --lake lake > lake.prom
    """
    if as_metrics:
        from loglode.metrics import open_metrics
        from loglode.operations import measurements

        settings = build_settings(**options)
        for line in open_metrics(measurements(settings), lake=str(settings.lake)).splitlines():
            write_text(line)
        return
    from loglode.operations import status as read_status

    result = read_status(build_settings(**options)).as_dict()
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
