"""The key of a lake: a lost or another one is an error, never a silent change of all pseudonyms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import pytest
from click.testing import CliRunner
from tests.helpers.lakes import (
    SILVER,
    ask,
    counts,
    load,
    probe,
    record,
    records,
    settings,
    state,
    verify,
    write,
)

from loglode import operations
from loglode.cli.errors import State
from loglode.cli.main import cli
from loglode.errors import KeyMismatchError, LakeError, LoglodeError, UsageError
from loglode.lake.facts import KEY
from loglode.lake.secret import fingerprint
from loglode.settings import Settings

OTHER = "0123456789abcdef" * 4
CLIENTS = "select count(distinct client_id), count(*) from web_logs"


@pytest.fixture
def loaded(lake: Path, tmp_path: Path) -> Settings:
    """A lake with its own key in its folder."""
    chosen = Settings.build(lake=lake, threads=1)
    operations.run(chosen, [str(write(tmp_path / "a.json", [record(), probe(5)]))])
    return chosen


def test_the_lake_knows_its_key_by_a_keyed_hash(loaded: Settings) -> None:
    key = loaded.key_path.read_text().strip()
    assert len(key) >= 43  # 256 bits
    recorded = deltalake.DeltaTable(f"{loaded.lake}/{SILVER}").metadata().configuration[KEY]
    assert recorded == fingerprint(key) != fingerprint(key + "x")
    assert key not in recorded


@pytest.mark.parametrize("loss", ["lost", "changed"])
def test_a_lost_key_stops_the_run_and_says_what_to_do(loaded: Settings, tmp_path: Path, loss: str) -> None:
    lake, old = Path(str(loaded.lake)), loaded.key_path.read_text()
    more = write(tmp_path / "b.json", [record(60)])
    there = state(lake, [SILVER])
    if loss == "lost":
        loaded.key_path.unlink()
    else:
        loaded.key_path.write_text(OTHER)
    commands: list[Callable[[], Any]] = [
        lambda: operations.run(loaded, [str(more)]),
        lambda: operations.replay_quarantine(loaded),
    ]
    for refused in commands:
        with pytest.raises(KeyMismatchError, match="lake's pseudonyms were made with") as caught:
            refused()
        assert "--new-key" in caught.value.hint and "restore the key" in caught.value.hint
        assert OTHER not in str(caught.value)
    assert state(lake, [SILVER]) == there
    assert ask(loaded, "select count(*) from web_logs") == [(1,)]
    verify(loaded)
    loaded.key_path.write_text(old)
    assert operations.run(loaded, [str(more)]).rows_silver == 1
    assert ask(loaded, CLIENTS) == [(1, 2)]


@pytest.mark.parametrize("loss", ["lost", "changed"])
def test_a_new_key_is_accepted_on_purpose(loaded: Settings, tmp_path: Path, loss: str) -> None:
    old = loaded.key_path.read_text()
    loaded.key_path.unlink()
    if loss == "changed":
        loaded.key_path.write_text(OTHER)
    more = write(tmp_path / "b.json", [record(60)])
    words = ["run", str(tmp_path), "--new-key", "--lake", str(loaded.lake), "--json"]
    done = CliRunner().invoke(cli, words, obj=State())
    assert done.exit_code == 0, done.output
    # What was loaded under the old key is not loaded again.
    assert counts(Path(str(loaded.lake)))["rows_silver"] == 2
    assert ask(loaded, CLIENTS) == [(2, 2)]
    assert operations.run(loaded, [str(more)]).objects_skipped == 1
    verify(loaded)
    loaded.key_path.write_text(old)
    with pytest.raises(KeyMismatchError):
        operations.run(loaded, [str(write(tmp_path / "c.json", [record(70)]))])


def test_of_two_keys_in_one_moment_one_wins(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lake that another process creates with its key, after this one has looked for a lake."""
    from loglode.loading import bronze_to_silver

    stage = bronze_to_silver._attempt
    logs = [write(tmp_path / f"{n}.json", [record(n)]) for n in range(2)]

    def late(*words: Any) -> Any:
        monkeypatch.setattr(bronze_to_silver, "_attempt", stage)
        load(lake, logs[0])
        return stage(*words)

    monkeypatch.setattr(bronze_to_silver, "_attempt", late)
    other = tmp_path / "other.key"
    other.write_text(OTHER)
    with pytest.raises(LakeError, match=r"another process has changed the property loglode\.keyFingerprint"):
        operations.run(settings(lake, key_file=other), [str(logs[1])])
    assert counts(lake)["rows_silver"] == 1
    verify(lake)


@pytest.mark.parametrize("key", ["short", "a" * 64, "abcabcabcabcabcabcabcabc"])
def test_a_key_that_is_no_secret_is_refused(lake: Path, tmp_path: Path, key: str) -> None:
    weak = tmp_path / "weak.key"
    weak.write_text(key)
    with pytest.raises(LakeError, match="too short or too simple"):
        operations.run(settings(lake, key_file=weak), [str(write(tmp_path / "a.json", [record()]))])


MONTH = 31 * 86_400


@pytest.mark.parametrize(("period", "second", "pseudonyms"), [("month", MONTH, 2), ("month", 86_400, 1),
                                                              ("day", 86_400, 2), ("none", MONTH, 1)])  # fmt: skip
def test_pseudonyms_of_two_periods_cannot_be_joined(
    lake: Path, tmp_path: Path, period: str, second: int, pseudonyms: int
) -> None:
    """One client, user and session in both; in a period each stays one, whatever the load."""
    who: dict[str, Any] = {"user_id": "carla", "session_id": "s-1"}
    sent = [*records(3, **who), *records(2, first=second, **who)]
    load(lake, write(tmp_path / "a.json", sent), pseudonym_period=period)
    load(lake, write(tmp_path / "b.json", [record(second + 900, **who)]))  # the lake remembers its period
    columns = ("client_id", "user_id", "session_id", "visitor_id")
    distinct = ", ".join(f"count(distinct {column})" for column in columns)
    assert ask(lake, f"select {distinct}, count(*) from web_logs") == [(*(pseudonyms,) * len(columns), 6)]


def test_a_client_without_an_address_has_a_visitor_of_the_period(lake: Path, tmp_path: Path) -> None:
    sent = [record(second, client_ip=None) for second in (0, MONTH)]
    load(lake, write(tmp_path / "a.json", sent), pseudonym_period="month")
    ids = ask(lake, "select distinct visitor_id from web_logs where visitor_id is not null")
    assert len(ids) in (0, 2)


def test_runs_cannot_disagree_about_the_period(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(lake, write(tmp_path / "a.json", [record()]))
    more = str(write(tmp_path / "b.json", [record(9)]))
    monkeypatch.setenv("LOGLODE_PSEUDONYM_PERIOD", "month")
    with pytest.raises(UsageError, match="have the period none, not month"):
        operations.run(settings(lake), [more])
    monkeypatch.setenv("LOGLODE_PSEUDONYM_PERIOD", "week")
    with pytest.raises(LoglodeError, match="pseudonym period is 'week'"):
        settings(lake)
