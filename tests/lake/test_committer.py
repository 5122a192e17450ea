"""The committer's waiting, what it writes into a table's log, and where it stages."""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import deltalake
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers.lakes import SILVER, load, record, write

from loglode.errors import CommitConflictError, LakeError
from loglode.lake import Commit, Table, committer, staging
from loglode.lake.committer import MAX_ATTEMPTS, MAX_PAUSE, commit_when, encoded, try_commit
from loglode.lake.heads import TRANSACTION_DAYS, Heads
from loglode.lake.state import ActiveFile, State
from loglode.storage import S3Path, create
from loglode.tables import TableSpec

SPEC = TableSpec("t", (("a", "VARCHAR", ""), ("year", "INTEGER", "")), ("year",), "")


def add(path: str) -> dict[str, object]:
    stats = json.dumps({"numRecords": 1})
    return {"path": path, "size": 3, "partition": {"year": "1"}, "modified_ms": 1, "stats": stats}


def test_who_always_loses_waits_at_random_and_never_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(committer, "try_commit", lambda *_: False)
    monkeypatch.setattr("loglode.lake.committer.time.sleep", slept.append)
    monkeypatch.setattr(committer, "random", random.Random(7))
    with pytest.raises(CommitConflictError):
        commit_when(Table(SPEC, tmp_path / "t"), lambda _: Commit())
    assert len(slept) == MAX_ATTEMPTS - 1
    assert max(slept) <= MAX_PAUSE
    assert len(set(slept)) == len(slept), "two writers that meet once meet every time"
    assert sum(slept[-10:]) > 1, "late attempts follow each other at once"


def test_the_second_of_two_writers_of_one_version_is_refused(tmp_path: Path) -> None:
    table = Table(SPEC, tmp_path / "t")
    snapshot = table.snapshot_or_create()
    assert try_commit(snapshot, Commit(adds=[add("year=1/a.parquet")]))
    assert not try_commit(snapshot, Commit(adds=[add("year=1/b.parquet")]))
    assert [f.path for f in table.snapshot().files()] == ["year=1/a.parquet"]


def test_an_answer_that_was_lost_is_no_conflict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK repeats the request, and is refused because its first attempt has gone through."""
    table = Table(SPEC, tmp_path / "t")
    snapshot = table.snapshot_or_create()

    def refused(path: Path, data: bytes) -> bool:
        create(path, data)
        return create(path, data)

    monkeypatch.setattr("loglode.lake.committer.create", refused)
    assert try_commit(snapshot, Commit(adds=[add("year=1/a.parquet")]))


@given(st.from_regex(r"[A-Za-z0-9_.-]{1,40}\.parquet", fullmatch=True))
def test_deltalake_reads_what_is_committed(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    table = Table(SPEC, tmp_path_factory.mktemp("t") / "t")
    commit_when(table, lambda _: Commit(adds=[add(f"year=1/{name}")], transactions={"b": 7}))
    delta = deltalake.DeltaTable(str(table.root))
    assert delta.get_add_actions().column("path").to_pylist() == [f"year=1/{name}"]
    assert delta.transaction_version("b") == 7
    (file,) = table.snapshot().files()
    assert file.path == f"year=1/{name}"
    commit_when(table, lambda _: Commit(removes=[file]))
    assert not deltalake.DeltaTable(str(table.root)).file_uris()
    assert not table.snapshot().files()


@pytest.mark.parametrize("versions", [{"minReaderVersion": 1, "minWriterVersion": 7}])
def test_features_of_delta_that_are_not_written_are_refused(tmp_path: Path, versions: dict[str, int]) -> None:
    state = Table(SPEC, tmp_path / "t").snapshot_or_create().state
    other = State(state.version, state.digest, versions, state.metadata, {}, {})
    with pytest.raises(LakeError, match="writer version 7"):
        encoded(other, SPEC, Commit())


def test_identities_of_objects_leave_the_log_after_sixty_days(lake: Path, tmp_path: Path) -> None:
    load(lake, write(tmp_path / "a.json", [record()]))
    configuration = deltalake.DeltaTable(str(lake / SILVER)).metadata().configuration
    assert configuration["delta.setTransactionRetentionDuration"] == "interval 60 days"


def test_stored_states_forget_what_the_log_forgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bookmarks stay, however old: nothing but their tables' own commits renews them."""
    lake = tmp_path / "lake"
    (lake / "ops").mkdir(parents=True)
    heads = Heads(lake)
    table = Table(SPEC, lake / "t", heads)
    for days, names in ((TRANSACTION_DAYS + 1, ("object/old", "bookmark")), (0, ("object/new",))):
        clock = SimpleNamespace(time=lambda days=days: time.time() - days * 86_400)
        monkeypatch.setattr(committer, "time", clock)
        assert try_commit(table.snapshot_or_create(), Commit(transactions=dict.fromkeys(names, 1)))
    heads.save()
    stored = Heads(lake).get(table.root)
    assert stored is not None
    assert stored.transactions.keys() == {"object/new", "bookmark", committer.SEQUENCE}


def test_the_stored_state_of_a_table_that_was_removed_or_made_anew_is_not_used(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    (lake / "ops").mkdir(parents=True)
    heads = Heads(lake)
    table = Table(SPEC, lake / "t", heads)
    assert try_commit(table.snapshot_or_create(), Commit(transactions={"first": 1}))
    heads.save()
    assert Heads(lake).get(table.root) is not None
    shutil.rmtree(lake / "t")
    assert Heads(lake).get(table.root) is None
    anew = Table(SPEC, lake / "t")
    assert try_commit(anew.snapshot_or_create(), Commit(transactions={"second": 1}))
    assert Heads(lake).get(table.root) is None


def test_staging_in_a_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, link = tmp_path / "mine", tmp_path / "link"
    monkeypatch.setenv(staging.STAGING_VARIABLE, str(mine))
    assert staging.staging_root(S3Path("b")) == mine
    link.symlink_to(mine)
    monkeypatch.setenv(staging.STAGING_VARIABLE, str(link))
    with pytest.raises(LakeError):
        staging.staging_root(S3Path("b"))
    monkeypatch.setenv(staging.STAGING_VARIABLE, str(mine))
    monkeypatch.setattr("loglode.lake.staging.os.getuid", lambda: 4711)
    with pytest.raises(LakeError):
        staging.staging_root(S3Path("b"))


def test_a_removed_file_is_named_as_it_was_added() -> None:
    file = ActiveFile("year=1/a b%3D.parquet", 1, 1, {"year": "1"}, None, None, 0)
    assert committer._remove(file, 0, Commit())["path"] == "year=1/a%20b%253D.parquet"
