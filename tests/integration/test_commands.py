"""What commands say, as whoever types them reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from tests.tools import changed_contract, load, records, settings, write

from loglode import pipeline
from loglode.cli.errors import State, guarded
from loglode.cli.main import cli


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Two loads: five requests, and four with a line that is refused."""
    load(tmp_path / "lake", write(tmp_path / "a.json", records(5)))
    load(tmp_path / "lake", write(tmp_path / "b.json", [*records(4, first=100), *records(1, method="PROBE")]))
    return tmp_path / "lake"


def said(lake: Path, *words: str, **options: Any) -> Result:
    return CliRunner().invoke(cli, [*words, "--lake", str(lake)], obj=State(), **options)


def told(capsys: pytest.CaptureFixture[str], lake: Path, *words: str) -> str:
    """The one line with which a command fails."""
    line = [*words, "--lake", str(lake)]
    assert guarded(lambda: cli.main(line, standalone_mode=False, obj=State()), State()) in (1, 2)
    return capsys.readouterr().err


def test_metrics_can_be_read_and_count_what_was_replayed(lake: Path, tmp_path: Path) -> None:
    contract = changed_contract(tmp_path / "laxer.yaml", {"validValues: [GET,": "validValues: [PROBE, GET,"})
    pipeline.replay_quarantine(settings(lake, contract=contract))
    printed = said(lake, "status", "--metrics").output
    families = {f.name: f for f in text_string_to_metric_families(printed)}  # type: ignore[no-untyped-call]
    values = {name: family.samples[0].value for name, family in families.items()}
    assert values["loglode_batches_loaded"] == 2
    assert values["loglode_rows_silver"] == 10
    assert values["loglode_lines_quarantined"] == 1


def test_a_run_above_the_gates_limit_is_told(
    lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = write(tmp_path / "bad.json", ["broken", "broken too", *records(2, first=900)])
    cli.main(["run", str(bad), "--lake", str(lake)], standalone_mode=False, obj=State())
    assert "50% of the lines were refused, above the contract's limit of 10%" in capsys.readouterr().err
    good = write(tmp_path / "good.json", records(2, first=9000))
    cli.main(["run", str(good), "--lake", str(lake)], standalone_mode=False, obj=State())
    assert capsys.readouterr().err == ""


def test_a_reason_that_no_line_was_refused_for_is_told_with_those_there(
    lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for code, found in (("method_invalid", ""), ("metod_invalid", "reasons there: method_invalid")):
        cli.main(
            ["quarantine", "list", "--reason", code, "--lake", str(lake)], standalone_mode=False, obj=State()
        )
        err = capsys.readouterr().err
        assert (err == "") is (found == "") and found in err


@pytest.mark.parametrize("form", ["{}", "{:%Y-%m-%d %H:%M:%S.%f+00}", "{:%Y-%m-%dT%H:%M:%S.%fZ}"])
def test_a_time_may_be_written_as_it_was_shown(lake: Path, form: str) -> None:
    first = pipeline.history(settings(lake), "daily_metrics")[-2]["committed_at"]
    done = said(
        lake, "query", "select sum(requests) as n from daily_metrics", "--json", "--as-of", form.format(first)
    )
    assert json.loads(done.output) == [{"n": 5}]


def test_the_past_that_upkeep_deleted_is_left_out(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    then = pipeline.history(settings(lake), "daily_metrics")[-2]["committed_at"]
    pipeline.maintain(settings(lake), keep_hours=0)
    words = ["query", "select count(*) from daily_metrics", "--as-of", then.isoformat()]
    error = told(capsys, lake, *words)
    assert "upkeep has deleted files of this version" in error and "IO Error" not in error


def test_restore_asks_and_says_what_there_is(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["restore", "daily_metrics", "--version", "1"]
    assert "nothing was changed" in str(said(lake, *words, input="n\n").exception)
    assert "nobody answered" in str(said(lake, *words, input="").exception)
    assert "no version 99 of daily_metrics: the newest is 2" in told(capsys, lake, *words[:-1], "99", "--yes")
    assert json.loads(said(lake, *words, "--yes", "--json").output) == {
        "table": "daily_metrics",
        "version": 3,
        "restored_version": 1,
    }


def test_hidden_names_are_left_out_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("logs/_old/a.json", "logs/.b.json", "only/.c.json"):
        write(tmp_path / name, records(3))
    write(tmp_path / "logs" / "d.json", records(2, first=50))
    assert pipeline.run(settings(tmp_path / "lake"), [str(tmp_path / "logs")]).lines_read == 2
    error = told(capsys, tmp_path / "lake", "run", str(tmp_path / "only"))
    assert "but 1 with names that begin with . or _" in error


@pytest.mark.parametrize("name", ["new\nline", "\x1b[31m", "back\\slash"])
def test_a_lake_whose_name_no_log_can_hold_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    source = write(tmp_path / "a.json", records(1))
    assert "table logs cannot hold" in told(capsys, tmp_path / name, "run", str(source))
    assert not (tmp_path / name).exists()
