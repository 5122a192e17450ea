"""Lakes in folders with odd names: what a folder is called changes no row."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.helpers.lakes import (
    SILVER,
    ask,
    assert_same,
    load,
    probes,
    records,
    replay,
    settings,
    verify,
    write,
)

from loglode import operations
from loglode.errors import UsageError
from loglode.settings import Settings

# Columns of several tables, two of them partition columns.
COLUMNS = "status=500/country=DE/date=2020-01-01/year=1999/month=77/event_id=x/path=a/batch_id=b"

QUERIES = (
    "select status, country, year, month, day, event_id, path from web_logs order by all",
    "select line_id, year = year(current_date) as is_now from quarantine order by all",
    "select date, year, month, requests from daily_metrics order by all",
)


@pytest.mark.parametrize("folder", [COLUMNS, "100% a b/ü 'x' #1/a;b"], ids=["columns", "characters"])
def test_names_of_folders_above_a_lake(tmp_path: Path, laxer_contract: Path, folder: str) -> None:
    lake, plain = tmp_path / folder / "lake", tmp_path / "plain"
    lake.parent.mkdir(parents=True)
    logs = [probes(tmp_path / "a.json"), write(tmp_path / "b.json", records(5, first=400_000, country="CH"))]
    for place in (lake, plain):
        for log in logs:
            load(place, log)
        replay(place, contract=laxer_contract)
        operations.maintain(settings(place))
        verify(place)
    for sql in QUERIES:
        assert ask(lake, sql) == ask(plain, sql)
    shutil.move(lake, tmp_path / "moved")
    assert_same(tmp_path / "moved", plain, without={"batch_id"})


def test_a_file_in_the_folders_of_another_day(lake: Path, tmp_path: Path) -> None:
    """The log decides for Delta's readers, the folders for others: `verify` compares them."""
    load(lake, write(tmp_path / "a.json", records(3)))
    (commit,) = (lake / SILVER / "_delta_log").glob("*1.json")
    commit.write_text(commit.read_text().replace('"day":"10"', '"day":"11"'))
    (lake / "ops" / "_heads.json.gz").unlink()
    failed = [check.name for check in operations.verify(settings(lake)).checks if not check.is_ok]
    assert failed == ["every file has the columns that its table declares"]


@pytest.mark.parametrize("name", ["a%20b", "%2F", "s3://bucket/a%20b"])
def test_an_escape_in_the_name_is_refused(tmp_path: Path, name: str) -> None:
    """The log's library decodes it: the table would lie in two folders."""
    with pytest.raises(UsageError, match="an escape such as %20"):
        Settings.build(lake=name if name.startswith("s3:") else tmp_path / name)
