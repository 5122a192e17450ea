"""Options that several commands share, and the settings made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from loglode import logs
from loglode.cli.errors import State
from loglode.cli.output import FORMATS

if TYPE_CHECKING:
    from loglode.settings import Settings

_JSON = "loglode.is_json"

Function = TypeVar("Function", bound=Callable[..., Any])


def _set_debug(context: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's way
    if value:
        context.ensure_object(State).is_debug = True


def _set_form(context: click.Context, _option: click.Parameter, value: logs.Form | None) -> None:
    if value:
        context.ensure_object(State).log_form = value
    _configure_logs(context)


def _set_level(context: click.Context, _option: click.Parameter, value: logs.Level | None) -> None:
    if value:
        context.ensure_object(State).log_level = value
    _configure_logs(context)


def _configure_logs(context: click.Context) -> None:
    state = context.ensure_object(State)
    logs.configure("cli", form=state.log_form, level=state.log_level)


def _set_json(context: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's way
    context.meta[_JSON] = value


def _form(context: click.Context, _option: click.Parameter, value: str) -> str:
    return "json" if context.meta[_JSON] else value


def lake_options(function: Function) -> Function:
    """`--lake DIR`, and what every command on a lake may be told beside it."""
    for option in (
        click.option("--threads", type=click.IntRange(min=1), help="Threads; all processors otherwise."),
        click.option("--memory-mb", type=int, help="Memory of the engine in MB; 700 otherwise."),
        click.option("--contract", metavar="FILE", help="Your own data contract instead of the package's."),
        click.option(
            "--lake",
            metavar="DIR",
            required=True,
            envvar="LOGLODE_LAKE",
            show_envvar=True,
            help="The lake's folder.",
        ),
    ):
        function = option(function)
    return function


class _LogFormatOption(click.Option):
    """An option whose help lists the registered formats; they are imported only to be printed."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        from loglode.formats import FORMATS

        record = super().get_help_record(ctx)
        return record and (record[0], record[1].format(names=", ".join(sorted(FORMATS))))


def log_format_option(*, default: str | None, help: str) -> Callable[[Function], Function]:
    """`--format NAME` of logs; `{names}` in `help` becomes the list of formats."""
    return click.option(
        "--format",
        "form",
        cls=_LogFormatOption,
        default=default,
        show_default=default is not None,
        metavar="NAME",
        help=help,
    )


json_option = click.option("--json", "is_json", is_flag=True, help="One JSON object on standard output.")


def debug_options(function: Function) -> Function:
    """`--debug`, which adds the traceback to an error's one line; how logs are written, and which."""
    for option in (
        click.option(
            "--log-level",
            type=click.Choice(get_args(logs.Level)),
            expose_value=False,
            callback=_set_level,
            help="Logs from this level up; warning, or info as JSON, otherwise.",
        ),
        click.option(
            "--log-format",
            type=click.Choice(get_args(logs.Form)),
            expose_value=False,
            callback=_set_form,
            help="Standard error as text, or a JSON object a line; text otherwise.",
        ),
        click.option(
            "--debug",
            is_flag=True,
            expose_value=False,
            callback=_set_debug,
            help="Show where an error comes from.",
        ),
    ):
        function = option(function)
    return function


def format_options(function: Function) -> Function:
    """`--format table|json|csv`, and `--json` for short."""
    form = click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default="table",
        show_default=True,
        callback=_form,
        help="How to print.",
    )
    short = click.option(
        "--json",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_set_json,
        help="The same as --format json.",
    )
    return form(short(function))


def build_settings(
    *, lake: str, contract: str | None, memory_mb: int | None, threads: int | None, **others: Any
) -> Settings:
    """Settings from the options of `lake_options`. Raises UsageError, ContractError."""
    from loglode.settings import Settings

    return Settings.build(lake=lake, contract=contract, memory_limit_mb=memory_mb, threads=threads, **others)
