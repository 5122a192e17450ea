"""`kill -9` at any moment costs time, never rows: the next run goes on where the dead one stopped."""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.helpers.crashes import ON_COMMIT, ON_CREATE, ON_PUBLISH, dying
from tests.helpers.lakes import (
    GOLD,
    QUARANTINE,
    SILVER,
    assert_same,
    finish,
    load,
    probe,
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
from loglode.lake.staging import FOLDER

pytestmark = pytest.mark.kill

KILLS = int(os.environ.get("KILLS", "50"))
# Batches of two files.
BATCH_BYTES = 400_000
WITHOUT = {"objects_skipped"}

GOLD_NAMES = [name.removeprefix("gold/") for name in GOLD]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory, logs: list[Path]) -> Path:
    """A lake that nobody disturbed."""
    lake = tmp_path_factory.mktemp("quiet") / "lake"
    assert len(load(lake, *logs, batch_bytes=BATCH_BYTES).batches) == 3
    return lake


def assert_whole(lake: Path, quiet: Path, logs: list[Path], *, batch_bytes: int = BATCH_BYTES) -> None:
    """Run once more to the end; then nothing tells that there was a death."""
    report = load(lake, *logs, batch_bytes=batch_bytes)
    assert_same(lake, quiet, without=WITHOUT)
    if report.objects or report.gold_days:
        assert list((lake / FOLDER).iterdir()) == [], "what the dead left behind is still there"


@pytest.mark.slow
def test_killed_at_any_moment_and_run_again(tmp_path: Path, quiet: Path, logs: list[Path]) -> None:
    begun = time.monotonic()
    measured = tmp_path / "measured"
    finish(start("run", measured, logs, batch_bytes=BATCH_BYTES), measured)
    duration = time.monotonic() - begun
    kills = Kills(KILLS, duration)
    with ThreadPoolExecutor(2) as pool:
        folders = [tmp_path / f"chain{n}" for n in range(2)]
        for chain in [pool.submit(kills.chain, folder, logs, quiet) for folder in folders]:
            chain.result()
    assert kills.done >= KILLS


class Kills:
    """Kills processes until it has been enough; safe to use from several threads."""

    def __init__(self, wanted: int, duration: float) -> None:
        self.wanted = wanted
        self.done = 0
        self._duration = duration
        self._lock = threading.Lock()

    def chain(self, folder: Path, logs: list[Path], quiet: Path) -> None:
        """In one lake after another, kill runs until one comes through, and see what it has left."""
        chance = random.Random(folder.name)
        folder.mkdir()
        while self.done < self.wanted:
            lake = folder / f"lake{self.done}"
            while self._is_killed(lake, logs, chance) and self.done < self.wanted:
                pass
            assert_whole(lake, quiet, logs)
            shutil.rmtree(lake)

    def _is_killed(self, lake: Path, logs: list[Path], chance: random.Random) -> bool:
        process = start("run", lake, logs, batch_bytes=BATCH_BYTES)
        process.join(chance.uniform(0, self._duration))
        process.kill()
        process.join()
        if process.exitcode == 0:
            return False
        # 255: killed before the fork server had noted it, so that its status is not known.
        assert process.exitcode in {-signal.SIGKILL, 255}, lake
        with self._lock:
            self.done += 1
        return True


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two small files, a batch each: good, broken, blank and re-sent lines."""
    folder = tmp_path_factory.mktemp("few")
    events = [record(i * 4000, request_id=f"r{i}", path=f"/{i}") for i in range(40)]
    return [
        write(folder / "a.json", [*events[:25], "broken", "", probe(1)]),
        write(folder / "b.json", [*events[20:], record(2, timestamp="never"), "broken"]),
    ]


@pytest.fixture(scope="module")
def quiet_few(tmp_path_factory: pytest.TempPathFactory, few: list[Path]) -> Path:
    """A lake of the small files that nobody disturbed."""
    lake = tmp_path_factory.mktemp("quiet") / "lake"
    assert len(load(lake, *few, batch_bytes=1).batches) == 2
    return lake


POINTS = {
    "staged, not published": dying("before", ["web_logs"], 2, ON_PUBLISH),
    "silver published, quarantine not": dying("before", ["quarantine"], 2, ON_PUBLISH),
    "published, not committed": dying("before", ["web_logs"], 2),
    "silver committed, quarantine not": dying("after", ["web_logs"], 2),
    "quarantine committed, runs not": dying("after", ["quarantine"], 2),
    "runs committed, quality not": dying("after", ["runs"], 2),
    "quality committed, gold not": dying("after", ["quality"], 2),
    "between two gold tables": dying("after", GOLD_NAMES, 4),
    "all gold but the last": dying("before", GOLD_NAMES, len(GOLD)),
}


@pytest.mark.parametrize("point", POINTS)
def test_death_at_a_chosen_point(lake: Path, quiet_few: Path, few: list[Path], point: str) -> None:
    process = start("run", lake, few, batch_bytes=1, code=POINTS[point])
    finish(process, lake, code=99)
    assert_whole(lake, quiet_few, few, batch_bytes=1)


@pytest.mark.slow
@pytest.mark.parametrize("where", [ON_COMMIT, ON_CREATE], ids=["commits", "tables made"])
def test_death_after_every_single_step(lake: Path, quiet_few: Path, few: list[Path], where: str) -> None:
    """Each process does one step more than the one before it, and dies."""
    deaths = 0
    while True:
        process = start("run", lake, few, batch_bytes=1, code=dying("after", [], 1, where))
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == 99
        deaths += 1
    # Silver, quarantine, runs and quality of two batches, then gold; or the making of each table.
    assert deaths == (2 * 4 + len(GOLD) if where is ON_COMMIT else 4 + len(GOLD))
    assert_whole(lake, quiet_few, few, batch_bytes=1)


@pytest.mark.parametrize("name", [SILVER, QUARANTINE, "gold/sessions"])
def test_death_while_a_table_was_being_made(lake: Path, tmp_path: Path, name: str) -> None:
    """The log's folder is there, and in it a half-written first commit under a passing name."""
    (lake / name / "_delta_log").mkdir(parents=True)
    (lake / name / "_delta_log" / "00000000000000000000.json#1").write_text('{"protocol":{"minR')
    load(lake, write(tmp_path / "a.json", [*records(5), "broken"]))
    assert (len(table(lake, SILVER)), len(table(lake, QUARANTINE))) == (5, 1)


@pytest.mark.parametrize(
    "point",
    [
        dying("before", ["web_logs"], 1),
        dying("after", ["web_logs"], 1),
        dying("after", ["quarantine"], 1),
        dying("after", ["runs"], 1),
        dying("after", GOLD_NAMES, 3),
    ],
    ids=["published", "silver", "quarantine", "runs", "gold"],
)
def test_death_in_a_replay(tmp_path: Path, laxer_contract: Path, point: str) -> None:
    log = write(
        tmp_path / "a.json",
        [*(probe(i, path=f"/{i}") for i in range(10)), *records(5), "broken"],
    )
    calm, lake = tmp_path / "calm", tmp_path / "lake"
    for place in (calm, lake):
        load(place, log)
    assert replay(calm, contract=laxer_contract).rows_silver == 10
    process = start("replay", lake, contract=laxer_contract, code=point)
    finish(process, lake, code=99)
    # Whoever comes next puts right what the dead process began; here a run with nothing new to load.
    operations.run(settings(lake), [str(log)])
    verify(lake)
    replay(lake, contract=laxer_contract)
    assert_same(lake, calm, without={"batch_id"})
