"""`loglode maintain`: upkeep of a lake's tables."""

from __future__ import annotations

from typing import Any

import click

from loglode.cli.options import build_settings, debug_options, json_option, lake_options
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
    help="Size of the files that small ones are merged into.",
)
@click.option(
    "--keep-hours",
    type=click.IntRange(min=0),
    default=168,
    show_default=True,
    help="Age of files that no table needs before they are deleted; longer than any run.",
)
@click.option(
    "--quarantine-days",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    help="How long the raw text of a refused line is kept.",
)
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Say what would be done, and do nothing.")
@json_option
@debug_options
def maintain(
    *, target_mb: int, keep_hours: int, quarantine_days: int, is_dry_run: bool, is_json: bool, **options: Any
) -> None:
    """Merge small files, delete what no table needs, empty old refused lines.

    Answers of queries stay the same. Other runs may go on meanwhile.

    \b
    Example:
      loglode maintain --lake lake --dry-run
    """
    from loglode.operations import maintain as run_maintain

    with progress_bars() as progress:
        report = run_maintain(
            build_settings(**options),
            target_bytes=target_mb * MB,
            keep_hours=keep_hours,
            quarantine_days=quarantine_days,
            is_dry_run=is_dry_run,
            progress=progress,
        )
    if is_json:
        write_json(report.as_dict())
        return
    if is_dry_run:
        write_text("This would be done:")
    names = ("table", "files before", "files after", "files merged", "files deleted", "lines emptied")
    write_table(
        names,
        [
            (t.name, t.files_before, t.files_after, t.files_merged, len(t.deleted), t.lines_expired)
            for t in report.tables
        ],
    )
