"""The command `loglode`: its commands, one module each, and how it ends."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from loglode import __version__, logs
from loglode.cli.aws import aws
from loglode.cli.contract import contract
from loglode.cli.demo import demo
from loglode.cli.errors import State, guarded, watch_interrupts
from loglode.cli.generate import generate
from loglode.cli.history import history
from loglode.cli.lineage import lineage
from loglode.cli.maintain import maintain
from loglode.cli.options import debug_options
from loglode.cli.quality import quality
from loglode.cli.quarantine import quarantine
from loglode.cli.query import query
from loglode.cli.restore import restore
from loglode.cli.run import run
from loglode.cli.status import status
from loglode.cli.verify import verify


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@debug_options
@click.version_option(__version__, prog_name="loglode", message="%(prog)s %(version)s")
def cli() -> None:
    """Mine web logs: raw lines in, clean tables and business metrics out.

    \b
    Example:
      loglode run access.log.gz --lake lake
      loglode query "select * from daily_metrics" --lake lake
    """


for command in (
    run, demo, query, status, quality, history, lineage, restore, verify, maintain, quarantine, generate,
    contract, aws,
):  # fmt: skip
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; a test may pass the arguments."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        # Neither a closed stream nor a locale that lacks a character is a reason to fail.
        if stream is None:
            sink = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open until the end
            setattr(sys, name, sink)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    state = State()
    watch_interrupts(state)
    # Until the options are read.
    logs.configure("cli", form="text", level="warning")
    with logs.bound(correlation_id=os.environ.get(logs.CORRELATION_VARIABLE, "")):
        code = guarded(
            lambda: cli.main(
                list(sys.argv[1:] if arguments is None else arguments),
                prog_name="loglode",
                standalone_mode=False,
                obj=state,
            ),
            state,
        )
    sys.exit(code)
