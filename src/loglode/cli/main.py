"""The command `loglode`: its commands are modules of this package, and each ends with an exit code."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from loglode import cli as package
from loglode import logs
from loglode.cli.errors import State, guarded, watch_interrupts
from loglode.cli.options import debug_options
from loglode.errors import LoglodeError
from loglode.version import __version__

# A small load opens about twenty.
MIN_OPEN_FILES = 64


class Commands(click.Group):
    """A group whose commands are the modules of this package that define a command of their own name.

    Running a command imports its module alone.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        modules = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
        return [name for name in modules if self.get_command(ctx, name)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if not any(module.name == cmd_name for module in pkgutil.iter_modules(package.__path__)):
            return None
        found = getattr(importlib.import_module(f"{package.__name__}.{cmd_name}"), cmd_name, None)
        return found if isinstance(found, click.Command) else None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@debug_options
@click.version_option(__version__, prog_name="loglode", message="%(prog)s %(version)s")
def cli() -> None:
    """Turn web logs into clean tables and business metrics.

    \b
    Example:
      loglode run access.log.gz --lake lake
      loglode query "select * from daily_metrics" --lake lake
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; a test may pass the arguments."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        # A closed stream, or a locale that lacks a character, must not fail the command.
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
        code = guarded(lambda: _run(list(sys.argv[1:] if arguments is None else arguments), state), state)
    sys.exit(code)


def _run(arguments: list[str], state: State) -> object:
    _check_open_files()
    return cli.main(arguments, prog_name="loglode", standalone_mode=False, obj=state)


def _check_open_files() -> None:
    """Libraries abort when they cannot open a file. Raises LoglodeError where that is sure to happen."""
    with contextlib.suppress(ImportError):  # not on Windows
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < MIN_OPEN_FILES:
            if hard != resource.RLIM_INFINITY and hard < MIN_OPEN_FILES:
                text = f"only {hard} files may be open at once, {MIN_OPEN_FILES} are needed"
                raise LoglodeError(text, hint="raise the limit: `ulimit -n 1024`, then run again")
            resource.setrlimit(resource.RLIMIT_NOFILE, (MIN_OPEN_FILES, hard))
