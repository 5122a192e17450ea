"""What a table's log tells of its commits: who made them, from what, and what they changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.helpers.lakes import GOLD, SILVER, load, records, settings, write

from loglode import operations
from loglode.errors import LakeError, UsageError
from loglode.lake.log import commit_metadata


def test_a_correlation_id_stands_in_the_commits_of_silver_and_every_gold_table(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    load(lake, write(tmp_path / "a.log", records(3)), correlation_id="first")
    load(lake, write(tmp_path / "b.log", records(3, first=86_400)), correlation_id="second")
    silver = commit_metadata(lake / SILVER, 0, 2)
    assert silver is not None
    assert [silver[v]["run"]["correlation_id"] for v in (1, 2)] == ["first", "second"]
    for name in GOLD:
        told = commit_metadata(lake / name, 0, 2)
        assert told is not None
        assert [(told[v]["correlation_id"], told[v]["silver_version"]) for v in (1, 2)] == [
            ("first", 1),
            ("second", 2),
        ], name


def test_a_run_without_a_correlation_id_says_so(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    load(lake, write(tmp_path / "a.log", records(2)))
    told = commit_metadata(lake / "gold/daily_metrics", 0, 1)
    assert told is not None
    assert told[1]["correlation_id"] is None


def test_history_tells_what_each_commit_changed(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    sources = [write(tmp_path / f"{n}.log", records(2, first=n * 10)) for n in range(4)]
    load(lake, *sources[:2], correlation_id="first", batch_bytes=1)
    load(lake, *sources[2:], correlation_id="second", batch_bytes=1)
    operations.maintain(settings(lake))
    upkeep, *entries = operations.history(settings(lake), "web_logs")
    assert (upkeep["operation"], upkeep["rows_added"], upkeep["rows_removed"]) == ("upkeep", 8, 8)
    assert (upkeep["files_added"], upkeep["files_removed"]) == (1, 4)
    told = [(e["version"], e["operation"], e["correlation_id"], e["rows_added"]) for e in entries]
    loads = [(4, "second"), (3, "second"), (2, "first"), (1, "first")]
    assert told == [*((v, "load", who, 2) for v, who in loads), (0, "create table", None, 0)]
    daily = operations.history(settings(lake), "daily_metrics")
    # The one day was replaced.
    replaced = [(e["rows_added"], e["rows_removed"]) for e in daily if e["silver_version"] == 4]
    assert replaced == [(1, 1)]


def test_history_of_what_is_not_there(tmp_path: Path) -> None:
    load(tmp_path / "lake", write(tmp_path / "a.log", records(1)))
    with pytest.raises(UsageError, match="no table nothing") as caught:
        operations.history(settings(tmp_path / "lake"), "nothing")
    assert "daily_metrics" in caught.value.hint


def test_a_query_sees_the_tables_as_they_stood(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    load(lake, write(tmp_path / "a.log", records(3)))
    then = datetime.now(UTC)
    load(lake, write(tmp_path / "b.log", records(2, first=30)))
    sql = "select (select count(*) from web_logs), (select sum(requests) from daily_metrics)"
    assert operations.query(settings(lake), sql, as_of=then).rows() == [(3, 3)]
    assert operations.query(settings(lake), sql).rows() == [(5, 5)]
    with pytest.raises(LakeError, match="has no version from"):
        operations.query(settings(lake), sql, as_of=then - timedelta(days=1))
