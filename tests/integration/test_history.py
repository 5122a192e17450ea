"""What a table's log tells of its commits: who made them, from what, and what they changed."""

from __future__ import annotations

from pathlib import Path

from tests.tools import GOLD, SILVER, load, records, write

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
