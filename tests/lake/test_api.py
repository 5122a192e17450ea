"""The public Python API: one object per lake, no prints, typed reports that a notebook shows."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from tests.helpers.lakes import KNOWS_PROBES, changed_contract, probe, records, write

import loglode
from loglode.cli.main import cli
from loglode.loading.report import RunReport

ATTACK = "<img src=x onerror=alert(1)>"


@pytest.fixture
def lake(tmp_path: Path) -> loglode.Lake:
    """Five requests and two refused lines."""
    source = write(tmp_path / "a.json", [*records(5), probe(9), ATTACK])
    opened = loglode.open(tmp_path / "lake", threads=1)
    assert opened.load(source).rows_silver == 5
    return opened


def test_a_lake_does_what_the_commands_do(lake: loglode.Lake, tmp_path: Path) -> None:
    assert lake.load(tmp_path / "*.json").objects_skipped == 1
    assert lake.query("select count(*) from web_logs").rows() == [(5,)]
    assert lake.query("select count(*) from web_logs", as_of=datetime.now(UTC)).rows() == [(5,)]
    assert lake.query("select path from web_logs where path = ?", ["/page/1"]).rows() == [("/page/1",)]
    assert lake.verify().is_ok
    assert {table["name"] for table in lake.status().tables} >= {"web_logs", "daily_metrics"}
    assert lake.metrics()["RowsSilver"] == 5
    assert [day.refused for day in lake.quality().days]
    assert lake.quarantine(reason="request_missing").rows()[0][2] == "request_missing"
    version = lake.history("daily_metrics")[0]["version"]
    assert lake.restore("daily_metrics", version) == version, "it is that version already"
    assert lake.maintain(is_dry_run=True).is_dry_run
    assert lake.lineage("daily_metrics.error_rate")[0].fields == ("status",)
    ((event_id,),) = lake.query("select event_id from web_logs where path = '/page/2'").rows()
    assert lake.row_lineage(event_id)["source_line"] == 3


def test_a_replay_uses_the_contract_that_the_lake_was_opened_with(lake: loglode.Lake, tmp_path: Path) -> None:
    contract = changed_contract(tmp_path / "laxer.yaml", KNOWS_PROBES)
    laxer = loglode.open(tmp_path / "lake", contract=contract, threads=1)
    assert laxer.replay().rows_silver == 1
    assert lake.query("select count(*) from web_logs").rows() == [(6,)]


def test_nothing_is_printed(lake: loglode.Lake, capfd: pytest.CaptureFixture[str]) -> None:
    lake.verify()
    repr(lake.query("from web_logs"))
    assert capfd.readouterr() == ("", "")


REPORTS: dict[str, Callable[[loglode.Lake], Any]] = {
    "load": lambda lake: lake.load(Path(str(lake.settings.lake)).with_name("a.json")),
    "verify": lambda lake: lake.verify(),
    "status": lambda lake: lake.status(),
    "quality": lambda lake: lake.quality(),
    "maintain": lambda lake: lake.maintain(is_dry_run=True),
    "quarantine": lambda lake: lake.quarantine(),
    "query": lambda lake: lake.query("from quarantine"),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_notebook_shows_every_report_and_runs_none_of_it(lake: loglode.Lake, name: str) -> None:
    shown = REPORTS[name](lake)._repr_html_()
    assert shown.startswith("<table>") and shown.count("<tr>") > 1
    assert "<img" not in shown
    if name in ("quarantine", "query"):
        assert "&lt;img src=x" in shown


def test_a_report_of_hostile_texts_is_escaped_and_bounded() -> None:
    class Hostile(RunReport):
        def as_dict(self) -> dict[str, Any]:
            return {ATTACK: {ATTACK: 1}, "rows": [{ATTACK: ATTACK * 100}] * 200, "days": [ATTACK]}

    shown = Hostile()._repr_html_()
    assert "<img" not in shown and len(shown) < 50 * 1000 and "150 more rows" in shown


def test_errors_are_loglodes_own(tmp_path: Path) -> None:
    nowhere = loglode.open(tmp_path / "none")
    for call in (nowhere.status, nowhere.verify, nowhere.quality, lambda: nowhere.query("select 1")):
        with pytest.raises(loglode.LoglodeError, match="no lake at"):
            call()
    with pytest.raises(loglode.LoglodeError):
        loglode.open("s3:///nowhere")
    with pytest.raises(AttributeError, match="nothing"):
        loglode.nothing  # noqa: B018 - looked up in vain
    assert not (tmp_path / "none").exists()


WRONG_CALLS: dict[str, tuple[Callable[[loglode.Lake, Path], object], str]] = {
    "no name": (lambda _, __: loglode.open(""), "no name"),
    "no thread": (lambda _, place: loglode.open(place, threads=0), "threads is 0"),
    "fewer threads": (lambda _, place: loglode.open(place, threads=-1), "threads is -1"),
    "too many threads": (lambda _, place: loglode.open(place, threads=10**12), "threads is 1000000000000"),
    "too little memory": (lambda _, place: loglode.open(place, memory_limit_mb=1), "memory in MB is 1"),
    "too much memory": (lambda _, place: loglode.open(place, memory_limit_mb=10**30), "memory in MB is 10"),
    "memory as text": (
        lambda _, place: loglode.open(place, memory_limit_mb=cast(int, "9")),
        "memory in MB is '9'",
    ),
    "no batch": (lambda _, place: loglode.open(place, batch_bytes=0), "batch_bytes is 0"),
    "unknown engine": (lambda _, place: loglode.open(place, engine=cast(Any, "x")), "unknown engine 'x'"),
    "no zone": (lambda lake, _: lake.query("from web_logs", as_of=datetime(2030, 1, 1)), "no time zone"),  # noqa: DTZ001
    "undecodable SQL": (lambda lake, _: lake.query("select '\udcff'"), "bytes that are no text"),
    "undecodable value": (lambda lake, _: lake.query("select ?", ["\udcff"]), "bytes that are no text"),
    "undecodable named value": (
        lambda lake, _: lake.query("select $a", {"a": "\udcff"}),
        "bytes that are no text",
    ),
    "undecodable reason": (lambda lake, _: lake.quarantine(reason="\udcff"), "bytes that are no text"),
    "negative version": (lambda lake, _: lake.restore("daily_metrics", -1), "version is -1"),
    "negative hours": (lambda lake, _: lake.maintain(keep_hours=-1), "keep_hours is -1"),
    "endless hours": (lambda lake, _: lake.maintain(keep_hours=10**14), "keep_hours is 10"),
    "negative days": (lambda lake, _: lake.maintain(quarantine_days=-1), "quarantine_days is -1"),
    "endless days": (lambda lake, _: lake.maintain(quarantine_days=10**11), "quarantine_days is 10"),
    "no target": (lambda lake, _: lake.maintain(target_bytes=0), "target_bytes is 0"),
}


@pytest.mark.parametrize("name", WRONG_CALLS)
def test_a_wrong_call_is_refused_by_an_error_of_loglode(
    lake: loglode.Lake, tmp_path: Path, name: str
) -> None:
    call, message = WRONG_CALLS[name]
    before = lake.status().as_dict()["tables"]
    with pytest.raises(loglode.LoglodeError, match=message) as caught:
        call(lake, tmp_path / "lake")
    assert caught.value.hint
    assert lake.status().as_dict()["tables"] == before


def test_columns_of_one_name_all_come_out(lake: loglode.Lake) -> None:
    result = lake.query("select 1 as a, 2 as a, 3 as b")
    assert result.dicts() == [{"a": 1, "a_2": 2, "b": 3}]
    assert result.pl().to_dicts() == result.dicts()
    assert result.arrow().num_columns == 3


def test_every_public_method_is_documented_and_in_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
    methods = [name for name in vars(loglode.Lake) if not name.startswith("_")]
    assert len(methods) >= 12
    for name in methods:
        method = getattr(loglode.Lake, name)
        assert inspect.getdoc(method), name
        assert f"lake.{name}(" in page, name
        assert "return" in inspect.signature(method).parameters or method.__annotations__["return"], name


HEAVY = "duckdb deltalake pyarrow numpy pandas polars boto3 sqlglot pydantic".split()


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import loglode", [*HEAVY, "click", "yaml", "loglode.api", "loglode.settings"]),
        ("from loglode.cli.main import cli; cli.main(['--help'], standalone_mode=False)", HEAVY),
        (
            "from loglode.cli.main import cli; cli.main(['query', '--help'], standalone_mode=False)",
            [*HEAVY, "loglode.cli.run", "loglode.cli.demo", "loglode.formats"],
        ),
        ("import loglode; loglode.open('lake')", ["pandas", "polars", "boto3", "sqlglot", "click"]),
    ],
)
def test_little_is_imported_before_it_is_needed(code: str, heavy: list[str], tmp_path: Path) -> None:
    show = f"import sys; print(*(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stderr.strip() == ""


def test_a_command_is_a_module_that_defines_it() -> None:
    import click

    found = cli.list_commands(click.Context(cli))
    assert {"run", "query", "verify", "aws", "contract"} <= set(found)
    for support in ("main", "options", "output", "errors", "progress", "nothing", "../run", "__init__"):
        assert cli.get_command(click.Context(cli), support) is None
