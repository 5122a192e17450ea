"""Options that several commands share, and the lake that they open."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from loglode import limits, logs
from loglode.cli.errors import State
from loglode.cli.output import FORMATS
from loglode.errors import UsageError

if TYPE_CHECKING:
    from loglode import Lake

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
    """`--lake DIR`, and the options of every command that works on a lake."""
    for option in (
        click.option(
            "--threads", type=click.IntRange(min=1), help="Number of threads; all processors otherwise."
        ),
        click.option("--memory-mb", type=int, help="Memory of the engine in MB; 700 otherwise."),
        click.option(
            "--contract", metavar="FILE", help="Your own data contract; the built-in one otherwise."
        ),
        click.option(
            "--lake",
            metavar="DIR",
            required=True,
            envvar="LOGLODE_LAKE",
            show_envvar=True,
            help="Folder of the lake, or s3://BUCKET/PREFIX.",
        ),
    ):
        function = option(function)
    return function


_LIMITS = {
    "max_ratio": "Fail an object that unpacks to more times its size, from 128 MB on",
    "max_object_mb": "Fail an object that unpacks to more MB",
    "max_lines": "Fail an object of more lines",
    "max_blank_lines": "Fail an object of more blank lines",
    "max_staging_mb": "Fail the largest object of a batch whose new files have more MB",
    "max_quarantine_mb": "Fail the worst object of a batch that puts more MB into quarantine",
}


def limit_options(function: Function) -> Function:
    """The limits of one object, such as `--max-ratio`."""
    for name in reversed(limits.NAMES):
        function = click.option(
            limits.option(name),
            type=int,
            envvar=limits.variable(name),
            show_envvar=True,
            metavar="NUMBER",
            help=f"{_LIMITS[name]}; {getattr(limits.DEFAULT, name):,} otherwise.",
        )(function)
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


def engine_options(function: Function) -> Function:
    """`--engine` and `--master`."""
    for option in (
        click.option(
            "--master",
            metavar="URL",
            help="Spark master, such as spark://host:7077 or yarn; this machine otherwise.",
        ),
        click.option(
            "--engine",
            type=click.Choice(["duckdb", "spark"]),
            default="duckdb",
            show_default=True,
            help="Engine; spark needs `pip install 'loglode[spark]'`.",
        ),
    ):
        function = option(function)
    return function


json_option = click.option(
    "--json", "is_json", is_flag=True, help="Print one JSON object on standard output."
)


def debug_options(function: Function) -> Function:
    """`--debug`, which adds the traceback to an error; `--log-format` and `--log-level`."""
    for option in (
        click.option(
            "--log-level",
            type=click.Choice(get_args(logs.Level)),
            expose_value=False,
            callback=_set_level,
            help="Lowest level of log messages; warning otherwise, info with --log-format json.",
        ),
        click.option(
            "--log-format",
            type=click.Choice(get_args(logs.Form)),
            expose_value=False,
            callback=_set_form,
            help="Write log messages as text or as one JSON object per line; text otherwise.",
        ),
        click.option(
            "--debug",
            is_flag=True,
            expose_value=False,
            callback=_set_debug,
            help="Print the traceback of an error.",
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
        help="Output format.",
    )
    short = click.option(
        "--json",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_set_json,
        help="Short for --format json.",
    )
    return form(short(function))


def open_lake(
    *,
    lake: str,
    contract: str | None,
    memory_mb: int | None,
    threads: int | None,
    master: str | None = None,
    **others: Any,
) -> Lake:
    """The lake of `lake_options` and `engine_options`. Raises UsageError, ContractError."""
    import loglode

    if others.get("engine") == "spark":
        others["master"] = master or "local[*]"
    elif master is not None:
        raise UsageError("--master is for Spark", hint="add --engine spark")
    return loglode.open(lake, contract=contract, memory_limit_mb=memory_mb, threads=threads, **others)
