"""A day loaded anew from bronze is the same day, however its lines come in files, batches and runs."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies
from tests.helpers.lakes import (
    BY_BATCH,
    GOLD,
    LINEAGE,
    QUARANTINE,
    SILVER,
    Record,
    assert_same,
    load,
    probe,
    record,
    table,
    write,
)

from loglode.engines.duckdb import engine

EVENT_GOLD = [name for name in GOLD if name not in BY_BATCH]


def _events() -> list[Record | str]:
    """Events of a day and a half that name themselves; two in the same moment, sessions over midnight."""
    chance = random.Random("a day")
    return [
        record(
            chance.choice([300.0 * i, 0.0, 43_190.0 + i]),
            event_id=f"event-{i}",
            client_ip=f"203.0.113.{chance.randrange(4)}",
            session_id=chance.choice([None, "long"]),
            path=chance.choice(["/", "/a", "/orders/5/confirmation"]),
            status=chance.choice([200, 200, 404, 500]),
            response_time_ms=chance.choice([0.1, 12.3, 1e3 / 3]),
        )
        for i in range(80)
    ]


# Lines that do not name themselves are known by their object and place: their files stay as they are.
NAMELESS: list[list[Record | str]] = [
    [record(n, path=f"/nameless/{n}", client_ip=f"203.0.113.{n}") for n in range(6)],
    [record(n, path="/nameless", user_agent="curl/8.5.0") for n in (10, 10, 11)],
    ["broken", probe(5), record(7, timestamp="never"), ""],
]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All lines in their order, in one batch."""
    folder = tmp_path_factory.mktemp("calm")
    files = [write(folder / f"{i}.json", lines) for i, lines in enumerate([_events(), *NAMELESS])]
    load(folder / "lake", *files)
    return folder / "lake"


@settings(max_examples=5)
@given(data=strategies.data())
def test_files_batches_and_order_change_nothing(
    calm: Path, tmp_path_factory: pytest.TempPathFactory, data: strategies.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("mixed")
    events = data.draw(strategies.permutations(_events()), label="order of lines")
    again = data.draw(strategies.lists(strategies.sampled_from(events), max_size=10), label="sent again")
    cuts = data.draw(strategies.lists(strategies.integers(1, 89), max_size=4), label="cuts")
    lines = [*events, *again]
    edges = [0, *sorted(set(cuts)), len(lines)]
    parts = [lines[a:b] for a, b in itertools.pairwise(edges) if lines[a:b]]
    order = data.draw(strategies.permutations(range(len(parts) + len(NAMELESS))), label="order of files")
    files = [write(folder / f"{order[i]}.json", part) for i, part in enumerate([*parts, *NAMELESS])]
    middle = data.draw(strategies.integers(0, len(files) - 1), label="files of the first run")
    batch_bytes = data.draw(strategies.sampled_from([1, 4000, 1 << 30]), label="bytes of a batch")
    for some in (sorted(files)[:middle], sorted(files)[middle:]):
        if some:
            load(folder / "lake", *some, batch_bytes=batch_bytes)
    assert_same(calm, folder / "lake", names=[SILVER, QUARANTINE, *EVENT_GOLD], without=LINEAGE)
    assert len(table(folder / "lake", SILVER)) == 80 + 6 + 3


def test_memos_change_nothing(calm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MEMO_BYTES", 0)
    files = [write(tmp_path / f"{i}.json", lines) for i, lines in enumerate([_events(), *NAMELESS])]
    load(tmp_path / "lake", *files)
    assert_same(tmp_path / "lake", calm, names=(SILVER, QUARANTINE, *EVENT_GOLD), without=LINEAGE)
