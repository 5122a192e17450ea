"""A lake that is not used for months loses and doubles nothing when it is used again."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.helpers.lakes import ALL_TABLES, QUALITY, assert_same, load, records, replay, settings, write

from loglode import operations
from loglode.lake import committer
from loglode.lake.heads import TRANSACTION_DAYS


@pytest.mark.parametrize("again", ["load", "replay"])
def test_a_lake_that_only_maintenance_has_visited(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    """Its checkpoints lack the bookmarks, which no commit has renewed for TRANSACTION_DAYS."""
    quiet = tmp_path / "quiet"
    logs = [write(tmp_path / f"{n}.json", [*records(9, first=n * 90_000), f"broken {n}"]) for n in range(3)]
    ago = (TRANSACTION_DAYS + 1) * 86_400
    with monkeypatch.context() as past:
        clock = SimpleNamespace(time=lambda: time.time() - ago, sleep=time.sleep)
        past.setattr(committer, "time", clock)
        for log in logs[:2]:
            operations.run(settings(lake), [str(log)])
    for log in logs[:2]:
        operations.run(settings(quiet), [str(log)])
    for place in (lake, quiet):
        operations.maintain(settings(place))
        (place / "ops" / "_heads.json.gz").unlink()
        if again == "replay":
            replay(place)
        load(place, logs[2])
    assert_same(lake, quiet, names=(*ALL_TABLES, QUALITY))
