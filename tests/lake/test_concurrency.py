"""Several processes at work in one lake do what one alone would have done."""

from __future__ import annotations

import fcntl
import random
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import deltalake
import pytest
from deltalake import DeltaTable
from deltalake.schema import PrimitiveType
from tests.helpers.lakes import (
    ALL_TABLES,
    BY_BATCH,
    LINEAGE,
    QUARANTINE,
    RUNS,
    SILVER,
    assert_same,
    changed_contract,
    counts,
    finish,
    load,
    probe,
    probes,
    record,
    records,
    replay,
    rows,
    start,
    table,
    verify,
    write,
)

from loglode.lake import Commit, Snapshot, Table, committer, staging
from loglode.tables import TableSpec

# How files fall into batches depends on who came first; what they hold does not.
EVENT_TABLES = [name for name in ALL_TABLES if name not in BY_BATCH]


def together(lake: Path, *processes: BaseProcess) -> None:
    """Wait until all have come through."""
    for process in processes:
        finish(process, lake)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory, logs: list[Path]) -> Path:
    lake = tmp_path_factory.mktemp("quiet") / "lake"
    load(lake, *logs)
    return lake


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_four_processes_load_overlapping_files(lake: Path, quiet: Path, logs: list[Path], seed: int) -> None:
    chance = random.Random(seed)
    shares = [chance.sample(logs, 4) for _ in range(3)]
    shares.append(sorted({*logs} - set().union(*shares)) + chance.sample(logs, 3))
    sizes = chance.sample([1, 1, 400_000, 1 << 30], 4)
    together(
        lake,
        *(start("run", lake, share, batch_bytes=size) for share, size in zip(shares, sizes, strict=True)),
    )
    verify(lake)
    # Of an event that was sent twice, the copy that came first is the one that stays.
    assert_same(lake, quiet, names=EVENT_TABLES, without=LINEAGE)
    assert counts(lake) == counts(quiet)
    assert sum(batch["objects"] for batch in table(lake, RUNS)) == len(logs)
    assert rows(lake, "gold/pipeline_metrics", without=LINEAGE) != []
    assert len(table(lake, "gold/pipeline_metrics")) == len(table(lake, RUNS))


def meanwhile(monkeypatch: pytest.MonkeyPatch, other: Callable[[], object]) -> None:
    """Let another writer work from beginning to end just before the first commit of silver."""
    commit = committer.try_commit
    waiting = [other]

    def try_commit(snapshot: Snapshot, what: Commit) -> bool:
        if waiting and snapshot.table.spec.name == "web_logs":
            waiting.pop()()
        return commit(snapshot, what)

    monkeypatch.setattr(committer, "try_commit", try_commit)


def test_another_writer_brings_the_same_events_first(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [record(i, request_id=f"r{i}") for i in range(9)]
    mine = write(tmp_path / "a.json", [*events[:6], "broken"])
    theirs = write(tmp_path / "b.json", [*events[3:], "broken"])
    meanwhile(monkeypatch, lambda: load(lake, theirs))
    report = load(lake, mine)
    assert (report.rows_silver, report.lines_quarantined, report.duplicates) == (3, 1, 3)
    assert len(table(lake, SILVER)) == 9


def test_another_writer_reads_the_same_refused_lines_first(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = write(tmp_path / "a.json", [record(0), "broken", record(1)])
    theirs = write(tmp_path / "b.json", [record(0), "broken", record(1), record(2), "broken too"])
    meanwhile(monkeypatch, lambda: load(lake, theirs))
    report = load(lake, mine)
    assert (report.rows_silver, report.lines_quarantined, report.duplicates) == (0, 0, 3)
    assert (len(table(lake, SILVER)), len(table(lake, QUARANTINE))) == (3, 2)


@pytest.mark.parametrize("share", [1, 2, 3], ids=["one", "two", "all"])
def test_another_writer_loads_a_part_of_the_batch_first(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: int
) -> None:
    logs = [write(tmp_path / f"{n}.json", records(5, first=n * 600, host=f"h{n}")) for n in range(3)]
    meanwhile(monkeypatch, lambda: load(lake, *logs[:share]))
    report = load(lake, *logs)
    assert (report.objects, report.objects_skipped) == (3 - share, share)
    assert (report.lines_read, report.rows_silver, report.duplicates) == (15 - 5 * share,) * 2 + (0,)
    assert len(table(lake, SILVER)) == 15


def test_another_writer_loads_what_a_replay_is_about_to_free(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, laxer_contract: Path
) -> None:
    log = probes(tmp_path / "a.json")
    load(lake, log)
    rotated = tmp_path / "a.json.1"
    rotated.write_bytes(log.read_bytes())
    meanwhile(monkeypatch, lambda: load(lake, rotated, contract=laxer_contract))
    report = replay(lake, contract=laxer_contract)
    # The load freed the lines that it accepted, in its own commit.
    assert (report.rows_silver, report.lines_quarantined, report.duplicates) == (0, 0, 0)
    assert (len(table(lake, SILVER)), len(table(lake, QUARANTINE))) == (30, 2)


def test_another_replay_frees_the_same_lines_first(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, laxer_contract: Path
) -> None:
    load(lake, probes(tmp_path / "a.json"))
    meanwhile(monkeypatch, lambda: replay(lake, contract=laxer_contract))
    report = replay(lake, contract=laxer_contract)
    assert (report.rows_silver, report.lines_quarantined, report.batches) == (0, 0, [])
    assert (len(table(lake, SILVER)), len(table(lake, QUARANTINE))) == (30, 2)


def test_two_processes_replay_at_once(tmp_path: Path, laxer_contract: Path) -> None:
    calm, lake = tmp_path / "calm", tmp_path / "lake"
    log = probes(tmp_path / "a.json")
    for place in (calm, lake):
        load(place, log)
    replay(calm, contract=laxer_contract)
    together(lake, *(start("replay", lake, contract=laxer_contract) for _ in range(2)))
    verify(lake)
    assert_same(lake, calm, without={"batch_id"})


def test_a_load_and_a_replay_at_once(tmp_path: Path, laxer_contract: Path) -> None:
    """The load brings, among others, the very lines that the replay is freeing."""
    calm, lake = tmp_path / "calm", tmp_path / "lake"
    log = probes(tmp_path / "a.json")
    more = write(tmp_path / "b.json", [*records(30, first=9000), "broken"])
    for place in (calm, lake):
        load(place, log)
    write(log, [record(50_000), probe(50_001)], append=True)
    load(calm, log, more, contract=laxer_contract)
    replay(calm, contract=laxer_contract)
    together(
        lake,
        start("run", lake, [log, more], contract=laxer_contract, batch_bytes=1),
        start("replay", lake, contract=laxer_contract),
    )
    verify(lake)
    assert len(table(lake, QUARANTINE)) == 3
    assert_same(lake, calm, names=EVENT_TABLES, without={"batch_id"})


def test_two_processes_add_the_same_column_at_once(tmp_path: Path) -> None:
    lake, calm = tmp_path / "lake", tmp_path / "calm"
    contract = tenants(tmp_path)
    first = write(tmp_path / "old.json", records(5))
    shares = [
        write(tmp_path / f"{n}.json", records(5, first=n * 5000, tenant=f"t{n}", host=f"h{n}"))
        for n in range(1, 5)
    ]
    for place in (calm, lake):
        load(place, first)
    load(calm, *shares, contract=contract)
    together(lake, *(start("run", lake, [share], contract=contract) for share in shares))
    verify(lake)
    assert_same(lake, calm, names=EVENT_TABLES, without=LINEAGE)
    assert len(table(lake, SILVER)) == 25


def test_a_column_that_is_being_added_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the table and the change, another process makes a change of its own."""
    columns = (("a", "VARCHAR", ""), ("year", "INTEGER", ""))
    Table(TableSpec("t", columns, ("year",), ""), tmp_path / "t").snapshot_or_create()
    look = Table._lacking
    others = [1, 2]

    def lacking(self: Table, snapshot: Snapshot) -> list[deltalake.Field]:
        found = look(self, snapshot)
        if others:
            added = deltalake.Field(f"theirs{len(others)}", PrimitiveType("string"))
            DeltaTable(tmp_path / "t").alter.add_columns([added])
            others.pop()
        return found

    monkeypatch.setattr(Table, "_lacking", lacking)
    wider = Table(TableSpec("t", (*columns, ("mine", "BIGINT", "")), ("year",), ""), tmp_path / "t")
    names = {field.name for field in wider.snapshot_or_create().state.fields}
    assert names == {"a", "year", "mine", "theirs1", "theirs2"}


def test_a_folder_is_not_taken_for_abandoned_before_its_lock_is_held(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = fcntl.flock
    removed: list[int] = []

    def flock(descriptor: Any, operation: int) -> None:
        """Somebody cleans up in the moment between the making of the lock and the taking of it."""
        if not removed and operation == fcntl.LOCK_EX:
            removed.append(0)
            removed.append(staging.remove_abandoned(lake))
        locked(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with staging.staging(lake, staging.new_name()) as folder:
        assert removed == [0, 1]
        (folder / "work").write_text("still here")
        assert staging.remove_abandoned(lake) == 0
        assert (folder / "work").exists()
    assert not folder.exists()


def test_what_is_written_into_a_removed_folder_is_removed_too(lake: Path) -> None:
    """As by Spark, whose processes outlive a killed run for a moment."""
    root = staging.staging_root(lake)
    ours, others = (
        root / name / "silver" / "part.parquet" for name in (staging.new_name(), "holiday-photos")
    )
    for file in (ours, others):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"PAR1")
    assert staging.remove_abandoned(lake) == 1
    assert [path for path in root.rglob("*") if path.is_file()] == [others]


def tenants(folder: Path) -> Path:
    """The built-in contract with one field more."""
    return changed_contract(
        folder / "tenants.yaml",
        {
            "      - name: warnings\n": "      - name: tenant\n        logicalType: string\n"
            "        description: Whose site it is.\n      - name: warnings\n"
        },
    )
