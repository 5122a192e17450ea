"""`loglode lineage`: where a column or a row comes from."""

from __future__ import annotations

from typing import Any

import click

from loglode.cli.options import build_settings, debug_options, json_option
from loglode.cli.output import write_json, write_table, write_text

_MAX_STEP = 160


@click.command()
@click.argument("target", metavar="TABLE[.COLUMN]", required=False)
@click.option("--row", metavar="EVENT_ID", help="A silver row: its object and line of bronze.")
@click.option("--lake", metavar="DIR", envvar="LOGLODE_LAKE", show_envvar=True, help="The lake, for --row.")
@click.option("--contract", metavar="FILE", help="Your own data contract instead of the package's.")
@json_option
@debug_options
def lineage(
    *, target: str | None, row: str | None, lake: str | None, contract: str | None, is_json: bool
) -> None:
    """Show the way from the contract's fields to a column, or from a row to its line.

    The way is read off the SQL that runs. With a table alone: the fields in each of its columns.

    \b
    Example:
      loglode lineage daily_metrics.error_rate
      loglode lineage --row EVENT_ID --lake lake
    """
    if (target is None) == (row is None):
        raise click.UsageError("either TABLE[.COLUMN] or --row is wanted")
    if row is not None:
        _row(row, lake, contract, is_json=is_json)
        return
    from loglode.contract import load_contract
    from loglode.operations import lineage as find

    found = find(load_contract(contract), target or "")
    if is_json:
        write_json({"columns": [column.as_dict() for column in found]})
    elif "." in (target or ""):
        _way(found[0])
    else:
        write_table(
            ("column", "fields", "rows chosen by", "masked"),
            [
                (c.column, ", ".join(c.fields), ", ".join(c.row_fields), "yes" if c.is_masked else "")
                for c in found
            ],
        )


def _row(event_id: str, lake: str | None, contract: str | None, *, is_json: bool) -> None:
    from loglode.operations import row_lineage

    if lake is None:
        raise click.UsageError("--row needs --lake")
    found = row_lineage(build_settings(lake=lake, contract=contract, memory_mb=None, threads=None), event_id)
    if is_json:
        write_json(found)
    else:
        write_table(("", "value"), list(found.items()))


def _way(column: Any) -> None:
    write_text(f"{column.column}")
    write_text(f"  fields: {', '.join(column.fields) or 'none of the log'}")
    if column.row_fields:
        write_text(f"  rows chosen by: {', '.join(column.row_fields)}")
    for node in column.way:
        if not node["inputs"] and not node["steps"]:
            continue
        masking = f"  [masked: {node['masking']}]" if node["masking"] != "none" else ""
        write_text(f"{node['column']} <- {', '.join(node['inputs']) or 'rows'}{masking}")
        for step in node["steps"]:
            text = " ".join(step.split())
            write_text(f"    {text if len(text) <= _MAX_STEP else text[: _MAX_STEP - 1] + '…'}")
