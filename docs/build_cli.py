"""Write docs/reference/cli.md from the commands themselves."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from loglode.cli.main import cli

TARGET = Path(__file__).with_name("reference") / "cli.md"
# Every command has these; they are listed once.
COMMON = ("--debug", "--log-format", "--log-level", "--help")


def text() -> str:
    """The whole page."""
    parts = [
        "# Command line",
        "",
        "Generated from the commands by `docs/build_cli.py`; a test keeps it current.",
        "",
    ]
    parts += ["Exit codes: 0 done (also when lines were quarantined), 1 failed, 2 wrong usage.", ""]
    parts += ["An error is one line on standard error: what happened, where, and what to do.", ""]
    parts += ["Every command also takes:", "", *options(cli, lambda name: name in COMMON)]
    for path, command in commands(cli, ()):
        parts += ["", f"## loglode {' '.join(path)}", ""]
        about, _, example = inspect.cleandoc(command.help or "").partition("\b\n")
        parts += [about.strip()]
        if not isinstance(command, click.Group):
            with click.Context(command, info_name=" ".join(path)) as context:
                usage = " ".join(command.collect_usage_pieces(context))
            parts += ["", "```text", f"loglode {' '.join(path)} {usage}", "```"]
        if listed := list(options(command, lambda name: name not in COMMON)):
            parts += ["", *listed]
        if example:
            lines = inspect.cleandoc(example).removeprefix("Example:\n").splitlines()
            parts += ["", "```text", *(line.strip() for line in lines if line.strip()), "```"]
    return "\n".join(parts) + "\n"


def commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below a group, with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def options(command: click.Command, is_shown: Callable[[str], bool]) -> Iterator[str]:
    """Rows of a Markdown table, without its head where there is none to show."""
    with click.Context(command) as context:
        records = [
            record
            for parameter in command.get_params(context)
            if isinstance(parameter, click.Option) and is_shown(max(parameter.opts, key=len))
            if (record := parameter.get_help_record(context))
        ]
    if records:
        yield "| option | meaning |"
        yield "|---|---|"
    for names, meaning in records:
        yield f"| `{_escaped(names)}` | {_escaped(meaning)} |"


def _escaped(text: str) -> str:
    return text.replace("|", chr(92) + "|")


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{TARGET}\n")
