"""`loglode lineage`: where a column or a row comes from."""

from __future__ import annotations

from typing import Any

import click

from loglode.cli.options import debug_options, json_option, open_lake
from loglode.cli.output import write_json, write_table, write_text

_MAX_STEP = 160


@click.command()
@click.argument("target", metavar="TABLE[.COLUMN]", required=False)
@click.option("--row", metavar="EVENT_ID", help="Show the bronze object and line of this silver row.")
@click.option(
    "--lake", metavar="DIR", envvar="LOGLODE_LAKE", show_envvar=True, help="Folder of the lake, for --row."
)
@click.option("--contract", metavar="FILE", help="Your own data contract; the built-in one otherwise.")
@json_option
@debug_options
def lineage(
    *, target: str | None, row: str | None, lake: str | None, contract: str | None, is_json: bool
) -> None:
    """Trace a column back to the contract's fields, or a row back to its log line.

    Lineage is derived from the SQL that runs. With TABLE alone, list the fields behind each column.

    \b
    Example:
      loglode lineage daily_metrics.error_rate
      loglode lineage --row EVENT_ID --lake lake
    """
    if (target is None) == (row is None):
        raise click.UsageError("give either TABLE[.COLUMN] or --row")
    if row is not None:
        _row(row, lake, contract, is_json=is_json)
        return
    # Columns are traced without a lake, which may not exist yet.
    found = open_lake(lake=lake or ".", contract=contract, memory_mb=None, threads=None).lineage(target or "")
    if is_json:
        write_json({"columns": [column.as_dict() for column in found]})
    elif "." in (target or ""):
        _write_steps(found[0])
    else:
        write_table(
            ("column", "fields", "rows chosen by", "masked"),
            [
                (c.column, ", ".join(c.fields), ", ".join(c.row_fields), "yes" if c.is_masked else "")
                for c in found
            ],
        )


def _row(event_id: str, lake: str | None, contract: str | None, *, is_json: bool) -> None:
    if lake is None:
        raise click.UsageError("--row needs --lake")
    found = open_lake(lake=lake, contract=contract, memory_mb=None, threads=None).row_lineage(event_id)
    if is_json:
        write_json(found)
    else:
        write_table(("", "value"), list(found.items()))


def _write_steps(column: Any) -> None:
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
