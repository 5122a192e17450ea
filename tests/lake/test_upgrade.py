"""Lakes of other formats: the first release's is read, continued and upgraded, a newer one is refused."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import pytest
from tests.helpers.lakes import (
    ALL_TABLES,
    GOLD,
    QUARANTINE,
    RUNS,
    SILVER,
    ask,
    assert_same,
    counts,
    load,
    record,
    replay,
    state,
    write,
)

from loglode import operations
from loglode.errors import LakeFormatError
from loglode.lake.heads import Heads
from loglode.lake.state import FORMAT, FORMAT_PROPERTY
from loglode.lake.table import as_it_stands
from loglode.settings import Settings

ARCHIVE = Path(__file__).parents[1] / "data" / "lake_format_1.tar.gz"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The folder of a lake that the first release made, with its bronze files and its key."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "lake_format_1"


def format_of(lake: Path, name: str) -> int:
    configuration = deltalake.DeltaTable(str(lake / name)).metadata().configuration
    return int(configuration.get(FORMAT_PROPERTY, "1"))


FOLLOWS, SEEN = "gold follows the models and the contract", "gold has seen all of silver"


def test_a_lake_of_the_first_release_goes_on(old: Path, tmp_path: Path) -> None:
    lake = old / "lake"
    verified = [check for check in operations.verify(Settings.build(lake=lake)).checks if not check.is_ok]
    # A gold table that the first release did not have has seen nothing yet.
    assert {check.name for check in verified} in ({FOLLOWS}, {SEEN})
    before, there = counts(lake), state(lake, [SILVER, QUARANTINE, RUNS])
    old_gold = {name for name in GOLD if (lake / name).exists()}
    more = write(tmp_path / "more.json", [record(n, path=f"/more/{n}") for n in range(20)])
    report = load(lake, more)
    assert {f"gold/{name}" for name in report.gold_rebuilt} == old_gold != set()
    assert counts(lake)["rows_silver"] == before["rows_silver"] + 20
    assert ask(lake, "select sum(requests)::bigint from daily_metrics") == [(before["rows_silver"] + 20,)]
    assert [format_of(lake, name) for name in (SILVER, RUNS, *GOLD)] == [FORMAT] * (2 + len(GOLD))
    for name, (_, files) in there.items():  # nothing that the old release wrote was written again
        assert files.items() <= state(lake, [name])[name][1].items()
    # Lines with an odd method, status or time, which the first release refused.
    freed = replay(lake)
    assert (freed.rows_silver, freed.lines_quarantined, freed.duplicates) == (6, -7, 1)
    fresh = tmp_path / "fresh"
    load(fresh, *sorted((old / "bronze").glob("[!_]*.json")), more)
    # What is cut out of a query is decided when it is loaded; the first release knew fewer tokens.
    assert_same(lake, fresh, names=[name for name in ALL_TABLES if name not in (RUNS, "gold/pipeline_metrics")],
                without={"batch_id", "source_object", "contract_version", "event_id", "line_id", "query"})  # fmt: skip
    again = load(lake, more)
    assert (again.objects_skipped, again.gold_rebuilt) == (1, ())


def test_an_old_lake_keeps_its_rule_of_identity(old: Path, tmp_path: Path) -> None:
    """Its ids have no key, so a line loaded again is known; a run says so. A new lake has keyed ids."""
    lake, there = old / "lake", counts(old / "lake")
    log = min((old / "bronze").glob("[!_]*.json"))
    text = log.read_bytes()
    log.write_bytes(text + json.dumps(record(7, path="/new", request_id="new")).encode())
    report = load(lake, log)
    # Beside the new line, those with an odd method, status or time that the old release refused and this one takes.
    assert (report.rows_silver, report.lines_quarantined) == (4, 0)
    assert counts(lake)["rows_silver"] == there["rows_silver"] + 4
    md5 = hashlib.md5(b"id:new", usedforsecurity=False).hexdigest()
    assert ask(lake, "select event_id from web_logs where path = '/new'") == [(md5,)]
    assert deltalake.DeltaTable(str(lake / SILVER)).metadata().configuration["loglode.identity"] == "1"
    fresh = tmp_path / "fresh"
    load(fresh, log)
    assert ask(fresh, f"select count(*) from web_logs where event_id = '{md5}'") == [(0,)]
    assert deltalake.DeltaTable(str(fresh / SILVER)).metadata().configuration["loglode.identity"] == "3"


def newer(lake: Path, name: str) -> None:
    """Say that a later version of Loglode has written a table."""
    table = deltalake.DeltaTable(str(lake / name))
    table.alter.set_table_properties({FORMAT_PROPERTY: str(FORMAT + 1)}, raise_if_not_exists=False)


COMMANDS: dict[str, Callable[[Settings, str], Any]] = {
    "run": lambda s, source: operations.run(s, [source]),
    "query": lambda s, _: operations.query(s, "select 1 from web_logs"),
    "status": lambda s, _: operations.status(s),
    "verify": lambda s, _: operations.verify(s),
    "maintain": lambda s, _: operations.maintain(s),
    "replay": lambda s, _: operations.replay_quarantine(s),
    "update_gold": lambda s, _: operations.update_gold(s),
    "history": lambda s, _: operations.history(s, "web_logs"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_newer_lake_is_refused(lake: Path, tmp_path: Path, command: str) -> None:
    load(lake, write(tmp_path / "a.json", [record()]))
    newer(lake, SILVER)
    there = state(lake, ALL_TABLES)
    with pytest.raises(LakeFormatError, match=f"format {FORMAT + 1}; this version of Loglode reads up to"):
        COMMANDS[command](Settings.build(lake=lake), str(write(tmp_path / "b.json", [record(60)])))
    assert state(lake, ALL_TABLES) == there


def test_a_table_made_anew_is_not_taken_for_the_one_that_was_known(lake: Path, tmp_path: Path) -> None:
    """Its versions have the same numbers, and other content."""
    name, states = "gold/daily_metrics", lake / "ops" / "_heads.json.gz"
    logs = [write(tmp_path / f"{n}.json", [record(n)]) for n in range(5)]
    load(lake, logs[0])
    load(lake, logs[1])
    old, version = states.read_bytes(), deltalake.DeltaTable(str(lake / name)).version()
    shutil.rmtree(lake / name)
    load(lake, logs[2])
    load(lake, logs[3])
    assert deltalake.DeltaTable(str(lake / name)).version() == version
    states.write_bytes(old)
    load(lake, logs[4])
    assert ask(lake, "select sum(requests)::bigint from daily_metrics") == [(5,)]


def _states(content: object) -> bytes:
    return gzip.compress(json.dumps(content).encode())


def _silver_state(content: object) -> bytes:
    return _states({"format": FORMAT, "tables": {"/silver/web_logs": content}})


_STATE = {"version": 1, "digest": "d", "protocol": {}, "metadata": {}, "adds": {}, "transactions": {}}
DAMAGED_STATES = {
    "no file": None,
    "empty": b"",
    "no gzip": b"no gzip",
    "cut": _states({"format": FORMAT, "tables": {}})[:-9],
    "broken deflate": gzip.compress(b"")[:10] + b"\xff" * 30,
    "no object": _states([]),
    "no tables": _states({"format": FORMAT}),
    "tables are a number": _states({"format": FORMAT, "tables": 3}),
    "another format": _states({"format": FORMAT + 1}),
    "an entry is null": _silver_state(None),
    "an entry is empty": _silver_state({}),
    "an entry is a text": _silver_state("x"),
    "a version is a text": _silver_state({"followed": 1, "state": {**_STATE, "version": "1"}}),
    "followed is a text": _silver_state({"followed": "x", "state": _STATE}),
    "transactions are a list": _silver_state({"followed": 1, "state": {**_STATE, "transactions": [1]}}),
}


@pytest.mark.parametrize("content", DAMAGED_STATES.values(), ids=DAMAGED_STATES)
def test_a_damaged_file_of_states_is_ignored(lake: Path, tmp_path: Path, content: bytes | None) -> None:
    load(lake, write(tmp_path / "a.json", [record()]))
    file = lake / "ops" / "_heads.json.gz"
    assert file.exists()
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    load(lake, write(tmp_path / "b.json", [record(1)]))
    assert counts(lake)["rows_silver"] == 2


def test_states_say_what_the_log_says(lake: Path, tmp_path: Path) -> None:
    """Stored, replayed from commits, and loaded behind a checkpoint: three ways to one state."""
    for n in range(3):
        load(lake, write(tmp_path / f"{n}.json", [record(n), "broken"]))
    for name in ALL_TABLES:
        root = lake / name
        replayed = as_it_stands("t", root).state
        stored = Heads(lake).get(root)
        delta = deltalake.DeltaTable(str(root))
        delta.create_checkpoint()
        behind = as_it_stands("t", root).state
        assert stored is not None and stored.files == replayed.files == behind.files
        assert {root / f.path for f in behind.files} == {Path(uri) for uri in delta.file_uris()}
        assert stored.transactions == replayed.transactions == behind.transactions
        assert json.loads(stored.metadata["schemaString"]) == json.loads(behind.metadata["schemaString"])
