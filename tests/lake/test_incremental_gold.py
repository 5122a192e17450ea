"""Gold is kept up by merging each batch, and is always what computing all of it anew would give."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pytest
from deltalake import DeltaTable
from tests.helpers.lakes import (
    BY_BATCH,
    GOLD,
    QUALITY,
    QUARANTINE,
    RUNS,
    SILVER,
    Record,
    assert_same,
    files_of,
    load,
    probe,
    record,
    settings,
    state,
    table,
    verify,
    write,
)

from loglode import operations
from loglode.engines.base import Computed, GoldInputs
from loglode.engines.duckdb.models import DuckDBModels
from loglode.gold import merge
from loglode.lake import table as tables
from loglode.lake.state import State
from loglode.lake.state import load as load_state
from loglode.metrics import Step

EVENT_GOLD = [name for name in GOLD if name not in BY_BATCH]
DAY = 86_400
ALL = (SILVER, QUARANTINE, *GOLD)


def visits(day: int, *, seed: int = 0) -> list[Record | str]:
    """Lines of one day, the first and the last minutes of it among them; sessions go over midnight.

    START is at noon: a day begins 12 hours before it.
    """
    chance = random.Random(f"{day} {seed}")
    begin = day * DAY - DAY / 2
    moments = [chance.uniform(0, DAY) for _ in range(25)]
    moments += [60.0 * n for n in range(4)] + [DAY - 60.0 * n for n in range(1, 5)]
    lines: list[Record | str] = [
        record(
            begin + moment,
            client_ip=f"203.0.113.{chance.randrange(4)}",
            session_id=chance.choice([None, None, "long"]),
            path=chance.choice(["/", "/a", "/orders/5/confirmation"]),
            status=chance.choice([200, 200, 404, 500, 0]),
            method=chance.choice(["GET", "GET", "GET", "BREW", "WHEN"]),
        )
        for moment in moments
    ]
    return [*lines, probe(begin + 5), "broken", ""]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A file for each of six days, one after another but for a gap after the fourth."""
    folder = tmp_path_factory.mktemp("days")
    return [write(folder / f"{day}.json", visits(day)) for day in (0, 1, 2, 3, 5, 6)]


@pytest.fixture(scope="module")
def whole(days: list[Path]) -> Path:
    """All days in one lake, loaded at once."""
    lake = days[0].parent / "whole"
    load(lake, *days)
    return lake


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [4, 2, 0, 5, 3, 1]])
def test_day_by_day_in_any_order_equals_all_at_once(
    lake: Path, whole: Path, days: list[Path], order: list[int]
) -> None:
    touched = [load(lake, days[index]).gold_days for index in order]
    assert_same(lake, whole, names=(SILVER, QUARANTINE, *EVENT_GOLD), without={"batch_id"})
    assert max(touched) <= 4, "a day reaches one day back and two ahead, no further"
    crossing = [r for r in table(whole, "gold/sessions") if r["ended_at"].date() > r["date"]]
    assert crossing, "no session crosses midnight: the test shows less than it says"


def test_a_late_event_joins_what_was_two_sessions(lake: Path, tmp_path: Path) -> None:
    """Half past eleven in the evening and half past midnight: one visit, once the middle is known."""
    before, after = record(11.5 * 3600, path="/before"), record(12.6 * 3600, path="/after")
    load(lake, write(tmp_path / "a.json", [before]), write(tmp_path / "b.json", [after]))
    assert len(table(lake, "gold/sessions")) == 2
    load(lake, write(tmp_path / "late.json", [record(11.95 * 3600, path="/late")]))
    assert len(table(lake, "gold/sessions")) == 2
    load(lake, write(tmp_path / "later.json", [record(12.2 * 3600, path="/later")]))
    [session] = table(lake, "gold/sessions")
    assert (session["entry_path"], session["exit_path"], session["pages"]) == ("/before", "/after", 4)
    assert str(session["date"]) == "2026-03-10"
    assert [(str(r["date"]), r["sessions"]) for r in table(lake, "gold/session_metrics")] == [
        ("2026-03-10", 1)
    ]
    sessions = {str(r["date"]): r["sessions"] for r in table(lake, "gold/daily_metrics")}
    assert sessions == {"2026-03-10": 1, "2026-03-11": 0}


def test_days_that_nothing_reached_are_not_written_again(lake: Path, days: list[Path]) -> None:
    load(lake, *days[:4])
    before = {name: files for name, (_, files) in state(lake, GOLD).items()}
    load(lake, days[5])
    for name in EVENT_GOLD:
        active = {Path(uri).relative_to(lake).as_posix() for uri in DeltaTable(lake / name).file_uris()}
        old = {path for path in before[name] if path.endswith(".parquet")}
        assert old <= active, "files of untouched days were replaced"


def test_late_lines_of_a_day_change_that_day(lake: Path, tmp_path: Path, days: list[Path]) -> None:
    all_at_once = tmp_path / "all"
    late = write(tmp_path / "late.json", visits(1, seed=9))
    load(all_at_once, *days, late)
    load(lake, *days)
    load(lake, late)
    assert_same(lake, all_at_once, names=EVENT_GOLD)


def test_a_table_that_grows_is_folded_and_read_no_more_than_its_rows(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few files however many batches."""
    monkeypatch.setattr(merge, "FOLD_FILES", 3)
    lines = [line for line in visits(0) if isinstance(line, dict)]
    files = [write(tmp_path / f"{n}.json", lines[n::6]) for n in range(6)]
    for file in files:
        load(lake, file)
        assert len(files_of(lake, "gold/visit_slots")) <= 2 * 3
    all_at_once = tmp_path / "all"
    load(all_at_once, *files)
    assert_same(lake, all_at_once, names=EVENT_GOLD)


def test_a_batch_reads_no_other_file_of_silver(
    lake: Path, tmp_path: Path, days: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work follows the batch: gold reads the batch's own rows, and what its tables hold."""
    load(lake, days[0])
    load(lake, days[1])
    read: list[int] = []
    run = DuckDBModels.run

    def counting(self: DuckDBModels, inputs: GoldInputs, names: Collection[str]) -> Computed:
        read.append(inputs.rows)
        return run(self, inputs, names)

    monkeypatch.setattr(DuckDBModels, "run", counting)
    added = load(lake, write(tmp_path / "late.json", visits(0, seed=5)[:7]))
    assert read == [added.rows_silver] == [7]


@pytest.mark.parametrize("name", [*GOLD, "gold"])
def test_a_lost_gold_table_is_built_again(lake: Path, tmp_path: Path, name: str, two_days: Path) -> None:
    shutil.copytree(two_days, lake)
    shutil.copy(two_days.parent / "key", tmp_path / "key")
    shutil.rmtree(lake / name)
    load(lake, two_days.parent / "0.json")
    assert_same(lake, two_days, names=ALL)


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two_days")
    for day in (0, 1):
        load(folder / "lake", write(folder / f"{day}.json", visits(day)))
    return folder / "lake"


def forget_history(lake: Path) -> int:
    """A checkpoint of silver, and no commits older than it, as after a month's cleaning."""
    silver = DeltaTable(lake / SILVER)
    silver.create_checkpoint()
    log = lake / SILVER / "_delta_log"
    for path in log.glob("*.json"):
        if path.stem.isdigit() and int(path.stem) < silver.version():
            path.unlink()
    return silver.version()


def test_gold_catches_up_when_the_log_of_silver_is_gone(lake: Path, tmp_path: Path) -> None:
    """Gold stands at the third commit, silver at the fifth, and nothing tells what came between."""
    good = [[r for r in visits(day) if isinstance(r, dict) and r["method"] == "GET"] for day in range(6)]
    days = [write(tmp_path / f"{day}.json", lines) for day, lines in enumerate(good)]
    calm = tmp_path / "calm"
    for log in days[:3]:
        load(lake, log)
    kept = tmp_path / "kept"
    shutil.copytree(lake / "gold", kept)
    for log in days[3:5]:
        load(lake, log)
    shutil.rmtree(lake / "gold")
    shutil.copytree(kept, lake / "gold")
    assert forget_history(lake) == 5
    assert load(lake, *days[:5]).gold_days == 5, "no day is left out because of the times of files"
    load(lake, days[5])
    load(calm, *days, batch_bytes=1)
    assert_same(lake, calm, names=ALL, without={"objects_skipped"})


@pytest.mark.parametrize("extra", [["broken"], []], ids=["refused lines", "none"])
def test_loading_goes_on_when_the_log_of_silver_is_gone(lake: Path, tmp_path: Path, extra: list[str]) -> None:
    whole = tmp_path / "whole"
    logs = [write(tmp_path / f"{n}.json", [record(n * DAY), *extra]) for n in range(4)]
    for log in logs[:3]:
        load(lake, log)
    forget_history(lake)
    verify(lake)
    assert load(lake, *logs[:3]).objects_skipped == 3
    load(lake, logs[3])
    load(lake, *logs)
    load(whole, *logs, batch_bytes=1)
    assert_same(lake, whole, names=(SILVER, QUARANTINE, RUNS, *GOLD), without={"objects_skipped"})


def test_a_lake_that_lives_for_months_survives_the_cleaning_of_its_log(lake: Path, tmp_path: Path) -> None:
    """Maintenance removes what is older than 30 days from the log, up to a checkpoint."""
    for n in range(7):
        load(lake, write(tmp_path / f"{n}.json", [record(n * 60, path=f"/{n}")]))
        for path in (lake / SILVER / "_delta_log").iterdir():
            os.utime(path, (1e9 + n, 1e9 + n))
        if n in (3, 5):
            operations.maintain(settings(lake))
    kept = {path.stem for path in (lake / SILVER / "_delta_log").glob("*.json")}
    assert f"{1:020d}" not in kept, "the log was not cleaned: the test shows nothing"
    for name in (SILVER, RUNS, "gold/pipeline_metrics"):
        assert len(table(lake, name)) == 7


def test_a_run_loads_no_table_that_an_earlier_one_knew(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On S3 loading a table costs a request for every commit since its checkpoint."""
    load(lake, write(tmp_path / "one.json", visits(0)))
    more = write(tmp_path / "two.json", visits(1))
    loaded = counted(monkeypatch)
    assert operations.run(settings(lake), [str(more)]).rows_silver
    assert not loaded


def test_what_is_asked_of_a_batch_opens_no_other_table(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = settings(lake, correlation_id="mine")
    operations.run(mine, [str(write(tmp_path / "one.json", visits(0)))])
    opened = counted(monkeypatch)
    assert operations.quality_gate(mine, "mine").lines_read
    assert set(opened) == {RUNS, QUALITY}
    opened.clear()
    assert operations.measurements(mine, step=Step.SILVER)["BatchesLoaded"] == 1
    assert set(opened) == {RUNS}


def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each table is loaded from its log, from now on."""
    loaded: Counter[str] = Counter()

    def counting(name: str, root: Path, version: int | None = None) -> State | None:
        loaded["/".join(root.parts[-2:])] += 1
        return load_state(name, root, version)

    monkeypatch.setattr(tables, "load", counting)
    return loaded
