"""Upkeep changes how a lake lies on the disk, and nothing that it says."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self

import deltalake
import pytest
from deltalake.exceptions import CommitFailedError
from tests.helpers.crashes import dying
from tests.helpers.lakes import (
    ALL_TABLES,
    GOLD,
    QUALITY,
    QUARANTINE,
    SILVER,
    assert_same,
    finish,
    load,
    probes,
    record,
    records,
    replay,
    settings,
    start,
    table,
    verify,
    write,
)

from loglode import operations
from loglode.engines.duckdb.merge import Merger
from loglode.errors import BooksError, UsageError
from loglode.lake import ActiveFile, Commit, Snapshot, Table, committer, maintenance
from loglode.lake.maintenance import small_files
from loglode.maintenance import maintain
from loglode.operations import MaintenanceReport

DAY_SECONDS = 86_400
LEFTOVER = "year=2026/month=3/day=10/left-by-a-dead-run.parquet"


@pytest.fixture(scope="module")
def logs_of_days(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four files of two days each; every one brings a broken line and an event that the first has."""
    folder = tmp_path_factory.mktemp("in")
    return [
        write(
            folder / f"{n}.json",
            [
                record(0, request_id="same"),
                *(record(n * 50 + i, request_id=f"a{n}-{i}") for i in range(9)),
                *(record(DAY_SECONDS + n * 50 + i, request_id=f"b{n}-{i}") for i in range(9)),
                f"broken {n}",
            ],
        )
        for n in range(4)
    ]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, logs_of_days: list[Path]) -> Path:
    """A lake of them, a batch each, that nobody keeps up."""
    lake = tmp_path_factory.mktemp("calm") / "lake"
    load(lake, *logs_of_days, batch_bytes=1)
    return lake


@pytest.fixture
def loaded(lake: Path, calm: Path) -> Path:
    """The same lake once more."""
    return shutil.copytree(calm, lake)


def upkeep(lake: Path, **changes: Any) -> MaintenanceReport:
    report = operations.maintain(settings(lake), **changes)
    verify(lake)
    return report


def files(lake: Path, name: str) -> list[str]:
    return sorted(deltalake.DeltaTable(str(lake / name)).file_uris())


def age(path: Path, days: int = 30) -> Path:
    before = path.stat().st_mtime - timedelta(days=days).total_seconds()
    os.utime(path, (before, before))
    return path


def test_nothing_but_the_files_changes(loaded: Path, calm: Path) -> None:
    lake = loaded
    foreseen = upkeep(lake, is_dry_run=True)
    assert_same(lake, calm)
    assert len(files(lake, SILVER)) == 8
    report = upkeep(lake)
    assert_same(lake, calm)
    assert {name: len(files(lake, name)) for name in (SILVER, QUARANTINE, "ops/runs")} == {
        SILVER: 2, QUARANTINE: 1, "ops/runs": 1,
    }  # fmt: skip
    merged = {t.name: (t.files_merged, t.files_after) for t in report.tables}
    assert merged == {t.name: (t.files_merged, t.files_after) for t in foreseen.tables}
    assert merged["web_logs"] == (8, 2)
    again = upkeep(lake)
    assert sum(t.files_merged + len(t.deleted) for t in again.tables) == 0


def test_what_the_log_knows_stays_known(loaded: Path, logs_of_days: list[Path]) -> None:
    lake = loaded
    before = {name: deltalake.DeltaTable(str(lake / name)).schema().to_json() for name in ALL_TABLES}
    upkeep(lake, keep_hours=0, is_forced=True)
    silver = deltalake.DeltaTable(str(lake / SILVER))
    actions = silver.get_add_actions(flatten=True)
    told = {name: actions.column(name).to_pylist() for name in actions.schema.names}
    assert sorted(told["partition.day"]) == [10, 11]
    assert sum(told["num_records"]) == 1 + 4 * 18
    assert all(low < high for low, high in zip(told["min.event_ts"], told["max.event_ts"], strict=True))
    assert told["null_count.status"] == [0, 0]
    assert silver.metadata().partition_columns == ["year", "month", "day"]
    assert {n: deltalake.DeltaTable(str(lake / n)).schema().to_json() for n in ALL_TABLES} == before
    assert operations.run(settings(lake), [str(p) for p in logs_of_days]).objects_skipped == 4


def test_loading_goes_on_afterwards(lake: Path, calm: Path, tmp_path: Path, logs_of_days: list[Path]) -> None:
    load(lake, *logs_of_days[:2], batch_bytes=1)
    upkeep(lake, keep_hours=0, is_forced=True)
    again = tmp_path / "again.json"
    again.write_bytes(logs_of_days[0].read_bytes())
    assert load(lake, again).duplicates == 20, "merged files are searched for duplicates"
    load(lake, *logs_of_days[2:], batch_bytes=1)
    assert_same(lake, calm, names=[SILVER, QUARANTINE, *(n for n in GOLD if "pipeline" not in n)])


def test_leftovers_of_the_dead_are_deleted_when_they_are_old(loaded: Path) -> None:
    lake = loaded
    names = (*ALL_TABLES, QUALITY)
    upkeep(lake)
    old = [lake / name / LEFTOVER for name in names]
    young = [path.with_name("young.parquet") for path in old]
    for path in (*old, *young):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half a file")
    for path in old:
        age(path)
    foreseen = upkeep(lake, is_dry_run=True)
    assert [t.deleted for t in foreseen.tables] == [[LEFTOVER]] * len(names)
    assert all(path.exists() for path in old)
    assert [t.deleted for t in upkeep(lake).tables] == [[LEFTOVER]] * len(names)
    assert [path for path in old if path.exists()] == []
    assert all(path.exists() for path in young)


def test_a_killed_runs_published_files_are_deleted(lake: Path, logs_of_days: list[Path]) -> None:
    load(lake, logs_of_days[0])
    finish(start("run", lake, logs_of_days[1:2], code=dying("before", ["web_logs"], 1)), lake, code=99)
    left = {str(p) for p in (lake / SILVER).glob("year=*/**/*.parquet")} - set(files(lake, SILVER))
    assert len(left) == 2
    upkeep(lake)
    assert all(Path(path).exists() for path in left), "too young to be told from a running writer's"
    for path in left:
        age(Path(path))
    upkeep(lake)
    assert not any(Path(path).exists() for path in left)


def test_replaced_files_stay_as_long_as_history_is_kept(loaded: Path) -> None:
    lake = loaded
    before = files(lake, SILVER)
    for path in before:
        age(Path(path))
    upkeep(lake)
    assert all(Path(path).exists() for path in before), "queries that have begun read them still"
    upkeep(lake, keep_hours=0, is_forced=True)
    assert not any(Path(path).exists() for path in before)


class Tomorrow(datetime):
    """A clock that is a day ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) + timedelta(days=1)


def test_old_refused_lines_lose_their_text_and_nothing_else(
    lake: Path, tmp_path: Path, laxer_contract: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = probes(tmp_path / "a.json")
    load(lake, log)
    before = table(lake, QUARANTINE)
    assert sum(t.lines_expired for t in upkeep(lake, quarantine_days=0).tables) == 0
    monkeypatch.setattr(maintain, "datetime", Tomorrow)
    assert sum(t.lines_expired for t in upkeep(lake, quarantine_days=1).tables) == 0
    expired = upkeep(lake, quarantine_days=0, keep_hours=0, is_forced=True)
    assert {t.name: t.lines_expired for t in expired.tables if t.lines_expired} == {"quarantine": 22}
    after = table(lake, QUARANTINE)
    emptied = [{**row, "raw": None} for row in before]
    assert sorted(map(str, after)) == sorted(map(str, emptied))
    assert sum(t.lines_expired for t in upkeep(lake, quarantine_days=0).tables) == 0
    # They are known still, so they do not come twice; and there is nothing of them to replay.
    rotated = tmp_path / "a.json.1"
    rotated.write_bytes(log.read_bytes())
    assert load(lake, rotated).duplicates == 32
    assert replay(lake, contract=laxer_contract).batches == []


def before_commit(
    monkeypatch: pytest.MonkeyPatch, name: str, other: Any, is_meant: Any = lambda _: True
) -> None:
    """Let another writer work from beginning to end just before a table's next commit that is meant."""
    commit = committer.try_commit
    waiting = [other]

    def try_commit(snapshot: Snapshot, what: Commit) -> bool:
        if waiting and snapshot.table.spec.name == name and is_meant(what):
            waiting.pop()()
        return commit(snapshot, what)

    monkeypatch.setattr(committer, "try_commit", try_commit)


@pytest.mark.parametrize("name", ["web_logs", "runs"])
def test_a_load_comes_between(
    lake: Path, calm: Path, logs_of_days: list[Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    load(lake, *logs_of_days[:3], batch_bytes=1)
    before_commit(monkeypatch, name, lambda: load(lake, logs_of_days[3]), lambda c: not c.is_change)
    upkeep(lake, keep_hours=1, is_forced=True)
    assert operations.run(settings(lake), [str(logs_of_days[3])]).objects_skipped == 1
    assert_same(lake, calm, without={"objects_skipped"})


def four(folder: Path) -> list[Path]:
    """As many files with refused lines as are merged in any case."""
    return [probes(folder / "a.json"), *(write(folder / f"{n}.json", [f"broken {n}"]) for n in range(3))]


def test_a_replay_takes_the_files_that_were_merged(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, laxer_contract: Path
) -> None:
    load(lake, *four(tmp_path), batch_bytes=1)
    before_commit(monkeypatch, "web_logs", lambda: replay(lake, contract=laxer_contract))
    upkeep(lake)
    assert (len(table(lake, SILVER)), len(table(lake, QUARANTINE))) == (30, 5)


def test_upkeep_takes_the_files_that_a_replay_has_read(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, laxer_contract: Path
) -> None:
    load(lake, *four(tmp_path), batch_bytes=1)
    before_commit(monkeypatch, "web_logs", lambda: upkeep(lake))
    assert replay(lake, contract=laxer_contract).rows_silver == 20
    assert (len(table(lake, SILVER)), len(table(lake, QUARANTINE))) == (30, 5)


POINTS = {
    "silver merged": dying("after", ["web_logs"], 1),
    "merge of silver not committed": dying("before", ["web_logs"], 1),
    "quarantine told, not settled": dying("after", ["web_logs"], 2),
    "quarantine settled": dying("after", ["quarantine"], 1),
    "runs not committed": dying("before", ["runs"], 1),
}


@pytest.mark.kill
@pytest.mark.parametrize("point", POINTS)
def test_killed_in_the_middle(loaded: Path, calm: Path, logs_of_days: list[Path], point: str) -> None:
    lake = loaded
    process = start("maintain", lake, code=POINTS[point])
    finish(process, lake, code=99)
    # Whoever comes next goes on from there; here a run without anything new to load.
    operations.run(settings(lake), [str(p) for p in logs_of_days])
    verify(lake)
    assert_same(lake, calm)
    upkeep(lake, keep_hours=0, is_forced=True)
    assert_same(lake, calm)
    assert {str(p) for p in (lake / SILVER).glob("year=*/**/*.parquet")} == set(files(lake, SILVER))


@pytest.mark.parametrize(
    ("sizes", "merged"),
    [
        ((60, 1), 0),
        ((60, 59), 0),
        ((60, 60), 2),
        ((60, 1, 1), 0),
        ((60, 1, 1, 1), 4),
        ((1, 1), 2),
        ((100, 1, 1, 1), 3),
    ],
)
def test_a_large_file_is_not_written_again_for_every_small_one(sizes: tuple[int, ...], merged: int) -> None:
    """A merge at least doubles its largest file, or takes four away. Files of half the target stay."""
    files = [ActiveFile(f"{n}", 1, size, {"day": "1"}, f"{n}", None, 0) for n, size in enumerate(sizes)]
    assert sum(len(merge.files) for merge in small_files(files, 200)) == merged


def test_a_merge_that_loses_rows_is_not_committed(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(4):
        load(lake, write(tmp_path / f"{n}.json", [record(60 * n)]))
    before = table(lake, SILVER)
    merge = Merger.merge

    def losing(self: Merger, *words: Any, **named: Any) -> Any:
        merged = merge(self, *words, **named)
        return replace(merged, rows=merged.rows - 1)

    monkeypatch.setattr(Merger, "merge", losing)
    with pytest.raises(BooksError, match="4 rows became 3"):
        operations.maintain(settings(lake))
    assert table(lake, SILVER) == before


def test_maintenance_cleans_the_log(lake: Path, tmp_path: Path) -> None:
    """Commits past retention leave the log, up to a checkpoint that maintenance writes."""
    load(lake, write(tmp_path / "a.json", [record()]))
    for path in (lake / SILVER / "_delta_log").iterdir():
        os.utime(path, (1e9, 1e9))
    operations.maintain(settings(lake))
    there = {path.name for path in (lake / SILVER / "_delta_log").iterdir()}
    assert any(name.endswith(".checkpoint.parquet") for name in there)
    load(lake, write(tmp_path / "b.json", [record(60)]))
    for path in (lake / SILVER / "_delta_log").iterdir():
        os.utime(path, (1e9, 1e9))
    operations.maintain(settings(lake))
    assert f"{0:020d}.json" not in {path.name for path in (lake / SILVER / "_delta_log").iterdir()}


@pytest.mark.parametrize(("days", "text"), [(29, "broken"), (31, None)])
def test_refused_lines_lose_their_text_after_thirty_days(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, text: str | None
) -> None:
    load(lake, write(tmp_path / "a.json", [record(), "broken"]))

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(days=days)

    monkeypatch.setattr(sys.modules["loglode.maintenance.maintain"], "datetime", Later)
    operations.maintain(settings(lake))
    assert [row["raw"] for row in table(lake, QUARANTINE)] == [text]


def test_hours_that_could_touch_a_running_load_are_refused(lake: Path, tmp_path: Path) -> None:
    load(lake, write(tmp_path / "a.json", records(3)))
    for hours in (0, 1, 23):
        with pytest.raises(UsageError, match="loads and queries that are running") as refused:
            operations.maintain(settings(lake), keep_hours=hours)
        assert "--force" in refused.value.hint
    assert operations.maintain(settings(lake), keep_hours=0, is_dry_run=True).tables


def test_a_vacuum_that_meets_another_writer_is_repeated(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(lake, write(tmp_path / "a.json", records(3)))
    leftover = lake / SILVER / LEFTOVER
    leftover.write_bytes(b"of a killed run")
    refusals = [CommitFailedError("another writer came first")] * 2
    true = maintenance._vacuum

    def refused(table: Table, keep_hours: int, *, is_dry_run: bool) -> list[str]:
        if not is_dry_run and refusals:
            raise refusals.pop()
        return true(table, keep_hours, is_dry_run=is_dry_run)

    monkeypatch.setattr(maintenance, "_vacuum", refused)
    report = upkeep(lake, keep_hours=0, is_forced=True)
    assert report.tables[0].deleted == [LEFTOVER]
    assert not refusals and not leftover.exists()
