"""`loglode contract`: show or check the data contract."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import click

from loglode.cli.options import debug_options, format_options, json_option
from loglode.cli.output import write_json, write_rows, write_text
from loglode.errors import ContractError


@click.group()
@debug_options
def contract() -> None:
    """Show the data contract, or check your own."""


@contract.command("show")
@click.argument("file", required=False)
@click.option("--yaml", "is_yaml", is_flag=True, help="Print the contract itself, as a start for your own.")
@format_options
@debug_options
def show(file: str | None, form: str, *, is_yaml: bool) -> None:
    """Show every field: type, classification, masking, aliases and rules.

    Without FILE, show the built-in contract.

    \b
    Example:
      loglode contract show --yaml > mine.odcs.yaml
    """
    from loglode.contract import describe, load_contract

    found = load_contract(file)
    if is_yaml:
        click.echo(_text(file), nl=False, color=True)
        return
    fields = describe(found)
    names = list(fields[0]) if fields else []
    write_rows(names, ([field[name] for name in names] for field in fields), form=form)


@contract.command("check")
@click.argument("file")
@json_option
@debug_options
def check(file: str, *, is_json: bool) -> None:
    """Check a contract against the standard and against what Loglode supports.

    \b
    Example:
      loglode contract check mine.odcs.yaml
    """
    from loglode.contract import load_contract

    found = load_contract(file)
    rules = sum(len(field.rules) for field in found.fields)
    if is_json:
        write_json(
            {
                "file": file,
                "ok": True,
                "name": found.name,
                "version": found.version,
                "fields": len(found.fields),
                "rules": rules,
                "goals": len(found.goals),
            }
        )
        return
    write_text(
        f"{file}: valid; {found.name} {found.version} with {len(found.fields)} fields,"
        f" {rules} rules and {len(found.goals)} goals"
    )


def _text(file: str | None) -> str:
    from loglode.contract.load import BUILT_IN

    if file is None:
        return resources.files("loglode.contract").joinpath(BUILT_IN).read_text(encoding="utf-8")
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"cannot read contract {file}: {error}") from error
