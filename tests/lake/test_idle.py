"""A lake that is not used for months, or by a wrong clock, loses and doubles nothing."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import deltalake
import pytest
from tests.helpers.clocks import clock_off_by
from tests.helpers.lakes import (
    ALL_TABLES,
    BY_BATCH,
    QUALITY,
    QUARANTINE,
    RUNS,
    SILVER,
    ask,
    assert_same,
    load,
    records,
    replay,
    settings,
    table,
    verify,
    write,
)

from loglode import operations
from loglode.lake import committer
from loglode.lake import table as tables
from loglode.lake.heads import TRANSACTION_DAYS
from loglode.lake.state import RETENTION
from loglode.lake.table import Snapshot

# Days from today on which a lake is loaded; m: maintained, f: its file of states is gone.
VISITS = {
    "forgotten for years": "-1200 m-61 f -60 m0 -59 0",
    "the clock goes back": "0 -400 m0 f -401",
    "the clock was ahead": "0 400 m400 f 0",
}
# The text of refused lines stays, so that lakes can be compared.
YEARS = 10_000
FORGOTTEN = (TRANSACTION_DAYS + 1) * -1.0


@pytest.mark.parametrize("visits", VISITS.values(), ids=VISITS)
def test_every_batch_counts_once(lake: Path, tmp_path: Path, visits: str) -> None:
    logs: list[Path] = []
    for visit in visits.split():
        if visit == "f":
            (lake / "ops" / "_heads.json.gz").unlink()
            continue
        with clock_off_by(float(visit.removeprefix("m"))):
            if visit.startswith("m"):
                operations.maintain(settings(lake), quarantine_days=YEARS)
            else:
                n = len(logs)
                logs.append(write(tmp_path / f"{n}.json", [*records(3, first=n * 90_000), f"broken {n}"]))
                operations.run(settings(lake), [str(logs[-1])])
    verify(lake)
    quiet = tmp_path / "quiet"
    load(quiet, *logs)
    alike = [name for name in ALL_TABLES if name not in BY_BATCH]
    assert_same(lake, quiet, names=alike, without={"batch_id"})
    for name in (*BY_BATCH, QUALITY):
        batches = [
            row["batch_id"]
            for row in table(lake, name)
            if row.get("rule", "line_readable") == "line_readable"
        ]
        once = 2 if name == QUALITY else 1  # a row for the day and one for what has none
        assert sorted(batches) == sorted([*set(batches)] * once), name
        assert len(set(batches)) == len(logs), name


def test_bookmarks_do_not_expire(lake: Path, tmp_path: Path) -> None:
    """Nor do tables that only have bookmarks say so to other programs; identities of objects do expire."""
    load(lake, write(tmp_path / "a.json", [*records(3), "broken"]))
    kept = {
        name: RETENTION in deltalake.DeltaTable(str(lake / name)).metadata().configuration
        for name in (*ALL_TABLES, QUALITY)
    }
    assert kept == {name: name == SILVER for name in kept}


@pytest.mark.parametrize(("again", "was"), [("load", "kept"), ("replay", "lost")])
def test_a_lake_of_an_earlier_release(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: str, was: str
) -> None:
    """Its tables let bookmarks expire: maintenance renews them first. Those that were lost are found again."""
    quiet = tmp_path / "quiet"
    logs = [write(tmp_path / f"{n}.json", [*records(9, first=n * 90_000), f"broken {n}"]) for n in range(3)]
    with monkeypatch.context() as past, clock_off_by(FORGOTTEN):
        retention = {RETENTION: f"interval {TRANSACTION_DAYS} days"}
        past.setattr(tables, "CONFIGURATION", tables.CONFIGURATION | retention)
        past.setattr(committer, "is_bookmark", lambda _: False)
        for log in logs[:2]:
            operations.run(settings(lake), [str(log)])
    for log in logs[:2]:
        operations.run(settings(quiet), [str(log)])
    with monkeypatch.context() as release:
        if was == "lost":
            release.setattr(Snapshot, "may_lose_bookmarks", False)
        operations.maintain(settings(lake), quarantine_days=YEARS)
    operations.maintain(settings(quiet), quarantine_days=YEARS)
    bookmark = deltalake.DeltaTable(str(lake / RUNS)).transaction_version("silver")
    assert (bookmark is None) == (was == "lost")
    for place in (lake, quiet):
        (place / "ops" / "_heads.json.gz").unlink()
        if again == "replay":
            replay(place)
        load(place, logs[2])
    assert_same(lake, quiet)
    assert_same(lake, quiet, names=[QUALITY], without={"year", "month", "day"})


def test_an_object_that_was_forgotten_adds_no_rows(lake: Path, tmp_path: Path) -> None:
    """The log no longer knows that it was loaded: all its lines are duplicates, refused ones included."""
    log = write(tmp_path / "a.json", [*records(5), "broken", ""])
    with clock_off_by(FORGOTTEN):
        operations.run(settings(lake), [str(log)])
    operations.maintain(settings(lake), quarantine_days=YEARS)
    (lake / "ops" / "_heads.json.gz").unlink()
    report = load(lake, log)
    assert (report.rows_silver, report.lines_quarantined, report.duplicates, report.blank_lines) == (
        0,
        0,
        6,
        1,
    )
    assert (len(table(lake, SILVER)), len(table(lake, QUARANTINE))) == (5, 1)
    assert len(ask(lake, "select batch_id from pipeline_metrics")) == 2
    (event,) = ask(lake, "select event_id from web_logs limit 1")
    assert operations.row_lineage(settings(lake), event[0])["silver_version"] == 1


def test_a_moment_between_commits_of_a_clock_that_was_set_back(
    lake: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for n, days in enumerate((0, -400)):
        with clock_off_by(days):
            operations.run(settings(lake), [str(write(tmp_path / f"{n}.json", records(3, first=n * 90_000)))])
    moment = datetime.now(UTC) - timedelta(days=300)
    with caplog.at_level(logging.WARNING):
        found = operations.query(settings(lake), "select count(*) from web_logs", as_of=moment).rows()
    assert found == [(6,)]
    assert "the clock was set back between versions 1 and 2" in caplog.text
    assert ask(lake, "select count(*) from runs") == [(2,)]
