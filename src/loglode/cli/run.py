"""`loglode run`: load logs into a lake and bring its metrics up to date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from loglode.cli.errors import CommandFailedError
from loglode.cli.options import (
    debug_options,
    engine_options,
    json_option,
    lake_options,
    limit_options,
    log_format_option,
    open_lake,
)
from loglode.cli.output import write_json, write_text
from loglode.cli.progress import progress_bars

SHOWN_DAYS = 3


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@lake_options
@log_format_option(
    default="auto", help="Format of the logs: auto (detected for each file), a pattern, {names}."
)
@click.option(
    "--follow-links", is_flag=True, help="Follow symbolic links that are found in folders and by globs."
)
@engine_options
@limit_options
@click.option(
    "--openlineage",
    metavar="WHERE",
    envvar="LOGLODE_OPENLINEAGE",
    show_envvar=True,
    help="Send OpenLineage events to a file, https://HOST or s3://BUCKET/PREFIX.",
)
@click.option(
    "--pseudonym-period",
    type=click.Choice(["none", "day", "month"]),
    help="How long a pseudonym is good, for a new lake; none otherwise.",
)
@click.option(
    "--new-key",
    is_flag=True,
    help="Go on with another pseudonymisation key than the lake's. Old pseudonyms match no new ones.",
)
@json_option
@debug_options
def run(sources: tuple[str, ...], form: str, *, follow_links: bool, is_json: bool, **options: Any) -> None:
    """Load files, folders, globs or standard input ('-') into the lake.

    Compressed files (gzip, zstd, bzip2, xz, zip) are read by their content. Objects that were already
    loaded are skipped. Rejected lines go to quarantine with their reasons. In folders, names that begin
    with . or _ and symbolic links are left out, and so is the lake itself. Spark cannot read standard
    input.

    \b
    Example:
      loglode run /var/log/nginx 'old/*.gz' --lake lake
    """
    lake = open_lake(**options)
    with progress_bars() as progress:
        report = lake.load(*sources, format=form, follow_links=follow_links, progress=progress)
    result = report.as_dict()
    if is_json:
        write_json(result)
    else:
        write_summary(result)
    if report.failed:
        raise CommandFailedError(f"{len(report.failed)} objects could not be read")


def write_summary(result: Mapping[str, Any]) -> None:
    """Write a run's report for people."""
    skipped = result["objects_skipped"]
    write_text(
        f"objects       {result['objects']:,} loaded"
        + (f", {skipped:,} skipped (loaded before)" if skipped else "")
    )
    write_text(f"lines         {result['lines_read']:,} ({result['bytes_read'] / 1e6:,.1f} MB)")
    write_text(f"silver        {result['rows_silver']:,} rows")
    write_text(f"quarantined   {result['lines_quarantined']:,}{_counts(result['reasons'])}")
    write_text(f"duplicates    {result['duplicates']:,}")
    write_text(f"blank lines   {result['blank_lines']:,}")
    if result["warnings"]:
        total = sum(result["warnings"].values())
        write_text(f"values nulled {total:,}{_counts(result['warnings'])}")
    write_text(f"days          {_days(result['days'])}")
    if result["gold_rebuilt"]:
        write_text(f"gold rebuilt  {', '.join(result['gold_rebuilt'])}")
    write_text(f"seconds       {result['seconds']:.2f}")


def _counts(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return f" ({', '.join(f'{name} {count:,}' for name, count in ordered)})" if counts else ""


def _days(days: list[str]) -> str:
    if len(days) <= SHOWN_DAYS:
        return ", ".join(days) or "none"
    return f"{len(days):,} from {days[0]} to {days[-1]}"
