"""What commands say, as whoever types them reads it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from deltalake import DeltaTable
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from tests.helpers.lakes import KNOWS_PROBES, changed_contract, load, probe, records, settings, write

from loglode import operations
from loglode.cli.errors import State, guarded
from loglode.cli.main import cli
from loglode.sources import discover


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Two loads: five requests, and four with a line that is refused."""
    load(tmp_path / "lake", write(tmp_path / "a.json", records(5)))
    load(tmp_path / "lake", write(tmp_path / "b.json", [*records(4, first=100), probe()]))
    return tmp_path / "lake"


def said(lake: Path, *words: str, **options: Any) -> Result:
    return CliRunner().invoke(cli, [*words, "--lake", str(lake)], obj=State(), **options)


def told(capsys: pytest.CaptureFixture[str], lake: Path, *words: str) -> str:
    """The one line with which a command fails."""
    line = [*words, "--lake", str(lake)]
    assert guarded(lambda: cli.main(line, standalone_mode=False, obj=State()), State()) in (1, 2)
    return capsys.readouterr().err


def test_metrics_can_be_read_and_count_what_was_replayed(lake: Path, tmp_path: Path) -> None:
    contract = changed_contract(tmp_path / "laxer.yaml", KNOWS_PROBES)
    operations.replay_quarantine(settings(lake, contract=contract))
    values = metrics(lake)
    assert values["loglode_batches_loaded"] == 2
    assert values["loglode_rows_silver"] == 10
    assert values["loglode_lines_quarantined"] == 1


def test_a_wrong_clock_does_not_hide_today(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    now = datetime.now(UTC)
    load(lake, write(tmp_path / "now.json", records(8, timestamp=now.isoformat())))
    before = site_metrics(lake)
    assert before["loglode_site_requests"] == 8
    # One line of a day to come, one that is refused, of a day still later.
    load(lake, write(tmp_path / "future.json", records(1, first=50, timestamp="2099-01-01T00:00:00Z")))
    load(lake, write(tmp_path / "refused.json", records(1, first=60, timestamp="2150-01-01T00:00:00Z")))
    assert site_metrics(lake) == before
    load(lake, write(tmp_path / "errors.json", records(8, first=100, timestamp=now.isoformat(), status=500)))
    assert site_metrics(lake)["loglode_site_error_rate"] == 0.5


def metrics(lake: Path) -> dict[str, float]:
    printed = said(lake, "status", "--metrics").output
    families = text_string_to_metric_families(printed)  # type: ignore[no-untyped-call]
    return {family.name: family.samples[0].value for family in families}


def site_metrics(lake: Path) -> dict[str, float]:
    return {name: value for name, value in metrics(lake).items() if name.startswith("loglode_site")}


def test_a_pipeline_that_stands_still_is_seen(lake: Path, tmp_path: Path) -> None:
    first = metrics(lake)
    loaded, counted = (f"loglode_last_{what}_timestamp_seconds" for what in ("load", "gold"))
    assert first[loaded] <= first[counted] <= datetime.now(UTC).timestamp()
    assert metrics(lake) == first
    chosen = settings(lake)
    operations.load_objects(chosen, discover([str(write(tmp_path / "c.json", records(4, first=300)))]))
    behind = metrics(lake)
    assert behind[loaded] > first[counted] == behind[counted]


def test_the_refused_share_is_that_of_the_last_load(lake: Path, tmp_path: Path) -> None:
    assert metrics(lake)["loglode_refused_share"] == 0.2
    load(lake, write(tmp_path / "c.json", records(4, first=300)))
    assert metrics(lake)["loglode_refused_share"] == 0


@pytest.mark.parametrize("table", ["daily_metrics", "route_metrics"])
def test_a_file_of_gold_that_is_gone_is_named_and_gold_is_had_back(
    lake: Path, capsys: pytest.CaptureFixture[str], table: str
) -> None:
    lost = Path(DeltaTable(str(lake / "gold" / table)).file_uris()[0])
    lost.unlink()
    verified = said(lake, "verify")
    assert verified.exit_code == 1 and lost.name in verified.output
    assert "`loglode verify` names" in told(capsys, lake, "query", f"select * from {table}")
    assert said(lake, "query", "select requests from hourly_metrics").exit_code == 0, "others answer"
    operations.restore(settings(lake), table, 0)
    load(lake)
    assert said(lake, "verify").exit_code == 0


def test_upkeep_says_under_which_id_it_ran(lake: Path, tmp_path: Path) -> None:
    load(lake, write(tmp_path / "same-day.json", records(3, first=5)))
    operations.maintain(settings(lake, correlation_id="u-1"), keep_hours=0, is_forced=True)
    merged = [
        entry for entry in operations.history(settings(lake), "web_logs") if entry["operation"] == "upkeep"
    ]
    assert [entry["correlation_id"] for entry in merged] == ["u-1"]


def test_a_run_above_the_gates_limit_is_told(
    lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGLODE_KEY_FILE", str(settings(lake).key_file))
    bad = write(tmp_path / "bad.json", ["broken", "broken too", *records(2, first=900)])
    cli.main(["run", str(bad), "--lake", str(lake)], standalone_mode=False, obj=State())
    assert "50% of the lines were refused, above the contract's limit of 10%" in capsys.readouterr().err
    good = write(tmp_path / "good.json", records(2, first=9000))
    cli.main(["run", str(good), "--lake", str(lake)], standalone_mode=False, obj=State())
    assert capsys.readouterr().err == ""


def test_a_reason_that_no_line_was_refused_for_is_told_with_those_there(
    lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for code, found in (("request_missing", ""), ("request_mising", "reasons there: request_missing")):
        cli.main(
            ["quarantine", "list", "--reason", code, "--lake", str(lake)], standalone_mode=False, obj=State()
        )
        err = capsys.readouterr().err
        assert (err == "") is (found == "") and found in err


@pytest.mark.parametrize("form", ["{}", "{:%Y-%m-%d %H:%M:%S.%f+00}", "{:%Y-%m-%dT%H:%M:%S.%fZ}"])
def test_a_time_may_be_written_as_it_was_shown(lake: Path, form: str) -> None:
    first = operations.history(settings(lake), "daily_metrics")[-2]["committed_at"]
    done = said(
        lake, "query", "select sum(requests) as n from daily_metrics", "--json", "--as-of", form.format(first)
    )
    assert json.loads(done.output) == [{"n": 5}]


def test_the_past_that_upkeep_deleted_is_left_out(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    then = operations.history(settings(lake), "daily_metrics")[-2]["committed_at"]
    operations.maintain(settings(lake), keep_hours=0, is_forced=True)
    words = ["query", "select count(*) from daily_metrics", "--as-of", then.isoformat()]
    error = told(capsys, lake, *words)
    assert "maintenance has deleted files of this version" in error and "IO Error" not in error


def test_restore_asks_and_says_what_there_is(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["restore", "daily_metrics", "--version", "1"]
    assert "nothing was changed" in str(said(lake, *words, input="n\n").exception)
    assert "no answer" in str(said(lake, *words, input="").exception)
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
    assert operations.run(settings(tmp_path / "lake"), [str(tmp_path / "logs")]).lines_read == 2
    error = told(capsys, tmp_path / "lake", "run", str(tmp_path / "only"))
    assert "but 1 names that begin with . or _" in error


@pytest.mark.parametrize("name", ["new\nline", "\x1b[31m", "back\\slash"])
def test_a_lake_whose_name_no_log_can_hold_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    source = write(tmp_path / "a.json", records(1))
    assert "table logs cannot hold" in told(capsys, tmp_path / name, "run", str(source))
    assert not (tmp_path / name).exists()
