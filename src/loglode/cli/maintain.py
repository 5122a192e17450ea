"""`loglode maintain`: maintenance of a lake's tables."""

from __future__ import annotations

from typing import Any

import click

from loglode.cli.options import debug_options, json_option, lake_options, open_lake
from loglode.cli.output import write_json, write_table, write_text
from loglode.cli.progress import progress_bars

MB = 1 << 20


@click.command()
@lake_options
@click.option(
    "--target-mb",
    type=click.IntRange(min=1),
    default=128,
    show_default=True,
    help="Target size of merged files.",
)
@click.option(
    "--keep-hours",
    type=click.IntRange(min=0),
    default=168,
    show_default=True,
    help="Delete files that no table needs after this time; less than 24 needs --force.",
)
@click.option(
    "--quarantine-days",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    help="Delete the raw text of rejected lines after this time.",
)
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Print what would be done, and change nothing.")
@click.option(
    "--force", "is_forced", is_flag=True, help="Allow fewer hours; only where nothing else works on the lake."
)
@json_option
@debug_options
def maintain(
    *, target_mb: int, is_json: bool, keep_hours: int, quarantine_days: int, is_forced: bool, **options: Any
) -> None:
    """Merge small files, delete files that no table needs, empty old rejected lines.

    Query results stay the same. Other commands may run at the same time.

    \b
    Example:
      loglode maintain --lake lake --dry-run
    """
    is_dry_run = options.pop("is_dry_run")
    with progress_bars() as progress:
        report = open_lake(**options).maintain(
            target_bytes=target_mb * MB,
            keep_hours=keep_hours,
            quarantine_days=quarantine_days,
            is_dry_run=is_dry_run,
            is_forced=is_forced,
            progress=progress,
        )
    if is_json:
        write_json(report.as_dict())
        return
    if is_dry_run:
        write_text("Dry run, nothing was changed:")
    names = ("table", "files before", "files after", "files merged", "files deleted", "lines emptied")
    write_table(
        names,
        [
            (t.name, t.files_before, t.files_after, t.files_merged, len(t.deleted), t.lines_expired)
            for t in report.tables
        ],
    )
