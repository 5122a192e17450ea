"""Every pair of writers at work in one lake: one works from beginning to end at a moment of the other's commit.

Afterwards a run brings everything up to date, and all tables equal those of a lake that nobody disturbed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.helpers.lakes import (
    ALL_TABLES,
    BY_BATCH,
    KNOWS_PROBES,
    LINEAGE,
    RUNS,
    assert_same,
    changed_contract,
    load,
    probe,
    record,
    records,
    settings,
    table,
    verify,
    write,
)

from loglode import operations
from loglode.lake import Commit, Snapshot, Table, committer
from loglode.settings import Settings
from loglode.sources import discover

DAY = 86_400
EVENT_TABLES = [name for name in ALL_TABLES if name not in BY_BATCH]


class Prepared(NamedTuple):
    """A lake with work for every writer: four files of a day to merge, refused lines that another contract
    accepts, rows that gold lacks, and older versions of gold. `new` is a log that was not loaded."""

    lake: Path
    logs: list[Path]
    new: Path
    contract: Path
    versions: dict[str, int]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("prepared")
    lake = folder / "lake"
    logs = [
        write(folder / "a.json", [*records(4), probe(9), "broken"]),
        write(folder / "b.json", records(4, first=4000)),
        write(folder / "c.json", [record(5000), *records(4, first=10 * DAY), probe(6000)]),
        write(folder / "d.json", [record(7000), *records(4, first=20 * DAY)]),
    ]
    for log in logs[:3]:
        operations.run(settings(lake), [str(log)])
    # Silver alone: gold has work to do.
    operations.load_objects(settings(lake), discover([str(logs[3])]))
    new = write(folder / "new.json", [*records(4, first=30 * DAY), record(77, path="/late"), "also broken"])
    contract = changed_contract(folder / "laxer.yaml", KNOWS_PROBES)
    versions = {name: version_of_first_batch(lake, name) for name in ("daily_metrics", "pipeline_metrics")}
    return Prepared(lake, logs, new, contract, versions)


def version_of_first_batch(lake: Path, name: str) -> int:
    found = operations.history(settings(lake), name)
    return min(int(entry["version"]) for entry in found if entry["silver_version"] and entry["rows_added"])


Writer = Callable[[Settings, Prepared, str], object]


def _restore(chosen: Settings, prepared: Prepared, name: str) -> object:
    return operations.restore(chosen, name, prepared.versions[name])


WRITERS: dict[str, Writer] = {
    "run": lambda chosen, prepared, _: operations.run(chosen, [str(prepared.new)]),
    "gold": lambda chosen, *_: operations.update_gold(chosen),
    "maintain": lambda chosen, *_: operations.maintain(chosen),
    "restore": _restore,
    "replay": lambda chosen, *_: operations.replay_quarantine(chosen),
    "rebuild": lambda chosen, *_: operations.rebuild_gold(chosen),
}
# Where each writer commits: a table, and the how-manieth of its commits there.
POINTS = {
    "run": ["web_logs 1", "runs 1", "daily_metrics 1", "pipeline_metrics 1"],
    "gold": ["daily_metrics 1", "pipeline_metrics 1"],
    "maintain": ["web_logs 1", "daily_metrics 1"],
    "restore": ["daily_metrics 1", "pipeline_metrics 1"],
    "replay": ["web_logs 1", "quarantine 1", "daily_metrics 1", "pipeline_metrics 1"],
    # The first is the request.
    "rebuild": ["daily_metrics 1", "daily_metrics 2", "pipeline_metrics 2"],
}
# Every pair of writers, at points that take turns; with EVERY_RACE=1 at every point.
EVERY_RACE = bool(os.environ.get("EVERY_RACE"))
RACES = [
    (first, point, second)
    for first in WRITERS
    for number, second in enumerate(WRITERS)
    for place, point in enumerate(POINTS[first])
    if EVERY_RACE or place == number % len(POINTS[first])
]


@pytest.fixture(scope="module")
def quiet(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """The lake that nobody disturbed, without and with a replay."""
    lakes = {}
    for is_replayed in (False, True):
        folder = tmp_path_factory.mktemp("quiet")
        lakes[is_replayed] = copied(prepared, folder)
        chosen = settings(lakes[is_replayed], contract=prepared.contract)
        if is_replayed:
            operations.replay_quarantine(chosen)
        load(lakes[is_replayed], *prepared.logs, prepared.new, contract=prepared.contract)
    return lakes


def copied(prepared: Prepared, folder: Path) -> Path:
    shutil.copytree(prepared.lake, folder / "lake")
    shutil.copy(prepared.lake.parent / "key", folder / "key")
    return folder / "lake"


def interrupt(
    monkeypatch: pytest.MonkeyPatch, when: str, point: str, other: Callable[[], object]
) -> list[str]:
    """Let another writer work when the point is reached: before its commit, or before it reads the version
    that decides what it commits. Returns a list that is empty afterwards."""
    name, number = point.split()
    waiting = [""] * int(number)

    def reached(table: Table) -> None:
        if waiting and table.spec.name == name:
            waiting.pop()
            if not waiting:
                other()

    if when == "commit":
        commit = committer.try_commit

        def try_commit(snapshot: Snapshot, what: Commit) -> bool:
            reached(snapshot.table)
            return commit(snapshot, what)

        monkeypatch.setattr(committer, "try_commit", try_commit)
    else:
        newest = Table.snapshot_or_create

        def snapshot_or_create(self: Table, *, keeps_columns: bool = True) -> Snapshot:
            reached(self)
            return newest(self, keeps_columns=keeps_columns)

        monkeypatch.setattr(Table, "snapshot_or_create", snapshot_or_create)
    return waiting


CASES = [
    *(("commit", *race) for race in RACES),
    *(("decision", *race) for race in RACES if race[0] == "gold"),
]


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_two_writers(
    tmp_path: Path,
    prepared: Prepared,
    quiet: dict[bool, Path],
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[str, str, str, str],
) -> None:
    when, first, point, second = case
    lake = copied(prepared, tmp_path)
    chosen = settings(lake, contract=prepared.contract)
    name = point.partition(" ")[0]
    name = name if name in prepared.versions else "daily_metrics"
    with monkeypatch.context() as patched:
        waiting = interrupt(patched, when, point, lambda: WRITERS[second](chosen, prepared, name))
        WRITERS[first](chosen, prepared, name)
        assert not waiting, "the point was never reached: the test shows nothing"
    load(lake, *prepared.logs, prepared.new, contract=prepared.contract)
    assert_same(lake, quiet["replay" in (first, second)], names=EVENT_TABLES, without=LINEAGE)
    batches = [{row["batch_id"] for row in table(lake, where)} for where in BY_BATCH]
    assert batches[0] == batches[1] and len(table(lake, RUNS)) == len(table(lake, BY_BATCH[1]))
    verify(lake, contract=prepared.contract)
