"""`loglode demo`: generate logs, load them and show the metrics."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from loglode.cli.errors import CommandFailedError
from loglode.cli.options import debug_options, json_option
from loglode.cli.output import write_json, write_table, write_text
from loglode.cli.progress import progress_bars
from loglode.cli.run import write_summary
from loglode.errors import UsageError

if TYPE_CHECKING:
    from loglode import Lake

DAILY: Final = """
select date, requests, human_visitors, sessions, error_rate,
    p50_response_time_ms as p50_ms, p95_response_time_ms as p95_ms, bot_requests
from daily_metrics order by date
"""
SLOWNESS: Final = """
with bands as (
    select response_time_band, sum(human_sessions) as sessions, sum(conversions) as conversions,
        sum(conversions) / sum(human_sessions) as conversion_rate,
        sum(avg_response_time_ms * human_sessions) / sum(human_sessions) as avg_ms
    from conversion_metrics
    where goal = $goal and response_time_band <> 'unknown'
    group by response_time_band
)
select response_time_band, sessions::bigint as sessions, conversions::bigint as conversions,
    conversion_rate,
    greatest(first_value(conversion_rate) over (order by avg_ms) - conversion_rate, 0) * sessions
        as missing_conversions
from bands order by avg_ms
"""
REFUSED: Final = """
select reason, count(*) as lines
from (select unnest(reasons) as reason from quarantine) group by reason order by lines desc, reason
"""


@click.command()
@click.option("--events", type=int, default=60_000, show_default=True, help="Number of requests to generate.")
@click.option("--days", type=int, default=7, show_default=True, help="Number of days that they cover.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the generator.")
@click.option("--lake", metavar="DIR", help="New folder for the lake; a temporary one otherwise.")
@click.option("--keep", is_flag=True, help="Keep the generated logs.")
@json_option
@debug_options
def demo(*, is_json: bool, keep: bool, lake: str | None, **spec: Any) -> None:
    """Generate a week of a shop's logs, load them, and show the metrics.

    The lake is kept, so that you can query it.

    \b
    Example:
      loglode demo
    """
    import loglode

    with _folders(lake, keep=keep) as (home, logs):
        result = _play(loglode.open(home), logs, spec)
    if keep:
        result["logs"] = str(logs)
    if is_json:
        write_json(result)
    else:
        _write(result)
    if not result["verify"]["ok"]:
        raise CommandFailedError("a check failed")


def _new_folder(lake: str | None) -> Path:
    if lake is None:
        return Path(tempfile.mkdtemp(prefix="loglode-demo-"))
    folder = Path(lake).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not empty", hint="name a new or an empty folder")
    return folder


@contextmanager
def _folders(lake: str | None, *, keep: bool) -> Iterator[tuple[Path, Path]]:
    """Folders of the lake and of the logs; a temporary lake stays only when all went well."""
    home = _new_folder(lake)
    logs = Path(tempfile.mkdtemp(prefix="loglode-demo-logs-"))
    is_done = False
    try:
        yield home, logs
        is_done = True
    finally:
        if not keep:
            shutil.rmtree(logs, ignore_errors=True)
        if lake is None and not is_done:
            shutil.rmtree(home, ignore_errors=True)


def _play(lake: Lake, logs: Path, spec: Mapping[str, Any]) -> dict[str, Any]:
    from loglode_generator import GenerateSpec, generate

    with progress_bars() as progress:
        facts = generate(
            GenerateSpec(out=logs, **spec), progress=lambda n, total: progress("generate", n, total)
        )
        report = lake.load(logs, progress=progress)
    goal = lake.settings.contract.goals[0].goal
    return {
        "lake": str(lake.settings.lake),
        "generated": {
            "files": len(facts.files),
            "lines": facts.lines,
            "good": facts.good_events,
            "broken": facts.broken_lines,
            "sent_again": facts.duplicate_lines,
        },
        "run": report.as_dict(),
        "daily_metrics": lake.query(DAILY).dicts(),
        "goal": goal,
        "slowness": lake.query(SLOWNESS, {"goal": goal}).dicts(),
        "refused": lake.query(REFUSED).dicts(),
        "verify": lake.verify().as_dict(),
    }


def _write(result: Mapping[str, Any]) -> None:
    generated = result["generated"]
    _title("Generated")
    write_text(
        f"{generated['lines']:,} lines in {generated['files']} files: {generated['good']:,} good,"
        f" {generated['broken']:,} broken, {generated['sent_again']:,} sent again"
    )
    _title("Loaded")
    write_summary(result["run"])
    _title("Daily metrics")
    _table(result["daily_metrics"])
    _title("What slowness costs")
    _table(result["slowness"])
    _write_cost(result["goal"], result["slowness"])
    _title("Refused lines")
    _table(result["refused"])
    _title("Verified")
    checks = result["verify"]["checks"]
    for check in checks:
        write_text(f"{'ok    ' if check['ok'] else 'FAILED'} {check['name']} ({check['detail']})")
    _write_next(result)


def _write_cost(goal: str, bands: list[dict[str, Any]]) -> None:
    if not bands or not bands[0]["conversion_rate"]:
        write_text("too few sessions for an estimate; generate more with --events")
        return
    fast = bands[0]
    missing = sum(band["missing_conversions"] for band in bands)
    reached = sum(band["conversions"] for band in bands)
    write_text()
    write_text(
        f"Human sessions with responses of {fast['response_time_band']} reach the goal '{goal}' at a rate of"
        f" {fast['conversion_rate']:.1%}. If slower sessions had converted at the same rate, there would have"
        f" been {reached + missing:,.0f} conversions instead of {reached:,}: slowness cost {missing:,.0f}."
    )


def _write_next(result: Mapping[str, Any]) -> None:
    program, lake = _program(), shlex.quote(result["lake"])
    _title("Next")
    write_text(f"The lake is {result['lake']}; remove the folder when you are done. Try:")
    if "logs" in result:
        write_text(f"  {program} run {shlex.quote(result['logs'])} --lake {lake}")
    write_text(
        f'  {program} query "select date, route, p95_response_time_ms from route_metrics'
        f' order by p95_response_time_ms desc limit 10" --lake {lake}'
    )
    write_text(f"  {program} quarantine list --limit 5 --lake {lake}")
    write_text(f"  {program} status --lake {lake}")


def _program() -> str:
    """The command as it can be typed here: its environment may not be active."""
    if shutil.which("loglode"):
        return "loglode"
    beside = Path(sys.executable).with_name("loglode")
    if not beside.exists():
        return f"{shlex.quote(sys.executable)} -m loglode"
    here = Path.cwd()
    return shlex.quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))


def _title(text: str) -> None:
    write_text()
    write_text(f"== {text}")


def _table(rows: list[dict[str, Any]]) -> None:
    if rows:
        write_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        write_text("none")
