"""Everything at once in one lake: loads, maintenance, restore, replay, queries and verify."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import pytest
from tests.helpers.lakes import (
    ALL_TABLES,
    BY_BATCH,
    ask,
    assert_same,
    finish,
    load,
    probe,
    record,
    replay,
    settings,
    start,
    write,
)

from loglode import operations
from loglode.errors import LakeError

# The suite does one round of work; the long form goes on for so many seconds.
SOAK_SECONDS = float(os.environ.get("SOAK_SECONDS", "0"))
BEHIND = {"gold has seen all of silver"}


def _logs(folder: Path, turn: int) -> list[Path]:
    """Two files of their own events, some of which only the laxer contract takes."""
    first = turn * 200
    return [
        write(
            folder / f"{turn}-{part}.json",
            [
                *(record(first + i, path=f"/{turn}/{part}/{i}") for i in range(50)),
                *(probe(first + i, path=f"/{turn}/{part}/p{i}") for i in range(5)),
                f"broken {turn} {part}",
            ],
        )
        for part in range(2)
    ]


@pytest.mark.slow
def test_everything_at_once(tmp_path: Path, lake: Path, laxer_contract: Path) -> None:
    logs = _logs(tmp_path / "in", 0)
    load(lake, *logs)
    begun, turn = time.monotonic(), 1
    while turn == 1 or time.monotonic() - begun < SOAK_SECONDS:
        new = _logs(tmp_path / "in", turn)
        processes = [start("run", lake, [log]) for log in new]
        processes += [start("maintain", lake), start("replay", lake, contract=laxer_contract)]
        while any(process.is_alive() for process in processes):
            _look(lake)
        for process in processes:
            finish(process, lake)
        logs += new
        turn += 1
    operations.run(settings(lake), [str(log) for log in logs])
    replay(lake, contract=laxer_contract)
    quiet = tmp_path / "quiet"
    load(quiet, *logs)
    replay(quiet, contract=laxer_contract)
    names = [name for name in ALL_TABLES if name not in BY_BATCH]
    assert_same(lake, quiet, names=names, without={"batch_id"})


def _look(lake: Path) -> None:
    """What readers do, and somebody who puts a table back."""
    ((rows, events),) = ask(lake, "select count(*), count(distinct event_id) from web_logs")
    assert rows == events
    failed = [check for check in operations.verify(settings(lake)).checks if not check.is_ok]
    assert {check.name for check in failed} <= BEHIND, failed
    # Maintenance may have cleaned the log up to there.
    with contextlib.suppress(LakeError):
        operations.restore(settings(lake), "daily_metrics", 1)
