"""`loglode generate`: realistic logs with their facts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from loglode.cli.options import debug_options, json_option, log_format_option
from loglode.cli.output import write_json, write_text
from loglode.cli.progress import progress_bars


@click.command()
@click.option("--out", metavar="DIR", required=True, type=Path, help="Folder to write into.")
@click.option("--events", type=int, help="Distinct requests; 100,000 otherwise.")
@click.option("--days", type=int, help="Days (UTC); 7 otherwise.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="The first day; 2026-10-05 otherwise.")
@click.option("--seed", type=int, help="The same seed gives the same bytes; 1 otherwise.")
@log_format_option(default=None, help="Format of the logs; {names}; json otherwise.")
@click.option("--files", type=int, help="Files in all; one a day and server otherwise.")
@click.option("--compression", help="none, gzip or zstd; none otherwise.")
@click.option("--broken-share", type=float, help="Share of damaged lines, 0 to 1; 0.002 otherwise.")
@click.option(
    "--duplicate-share", type=float, help="Share sent again, in formats with a request id; 0.001 otherwise."
)
@click.option("--servers", type=int, help="Servers that write; 2 otherwise.")
@json_option
@debug_options
def generate(*, is_json: bool, form: str | None, start: datetime | None, **options: Any) -> None:
    """Write realistic web logs, and what is in them as _facts.json beside them.

    \b
    Example:
      loglode generate --out logs --events 1000000 --days 30 --format combined
    """
    from loglode_generator import FACTS_NAME, GenerateSpec
    from loglode_generator import generate as write_logs

    options |= {"format": form, "start": start.date() if start else None}
    # An option that is absent keeps the default of the specification.
    spec = GenerateSpec(**{name: value for name, value in options.items() if value is not None})
    with progress_bars() as progress:
        facts = write_logs(spec, progress=lambda done, total: progress("generate", done, total))
    if is_json:
        write_json(facts.to_dict())
        return
    write_text(f"{facts.lines:,} lines in {len(facts.files):,} files in {spec.out}")
    write_text(
        f"{facts.good_events:,} good, {facts.broken_lines:,} broken, {facts.duplicate_lines:,} sent"
        f" again; the facts are in {spec.out / FACTS_NAME}"
    )
