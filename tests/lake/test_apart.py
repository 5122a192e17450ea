"""A line is never in silver and in quarantine at once, whatever contracts and objects come in which order."""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path

import pytest
from tests.helpers.lakes import (
    QUARANTINE,
    SILVER,
    Record,
    ask,
    changed_contract,
    knows,
    load,
    probe,
    record,
    records,
    replay,
    settings,
    table,
    verify,
    write,
)

# With and without an id of the source, refused by one contract or the other, or by both.
LINES: list[Record | str] = [
    *records(3),
    probe(10),
    probe(11, request_id="r1"),
    probe(12, "strange", path="/strange"),
    probe(13, "strange", request_id="r2"),
    probe(14, "strange"),
    probe(15, request_id="r1"),
    probe(90_000, request_id="r3"),
    "not json",
]
SEQUENCES = int(os.environ.get("APART_SEQUENCES", "2"))


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> list[Path | None]:
    """The built-in one, one that knows more names, one that knows them all."""
    folder = tmp_path_factory.mktemp("contracts")
    return [
        None,
        changed_contract(folder / "probes.yaml", knows("probed")),
        changed_contract(folder / "all.yaml", knows("probed", "strange")),
    ]


def check(lake: Path) -> None:
    both = "select count(*) from quarantine where event_id in (select event_id from web_logs)"
    assert ask(lake, both) == [(0,)]


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_any_order_of_loads_and_replays(
    lake: Path, tmp_path: Path, contracts: list[Path | None], seed: int
) -> None:
    chance, names = random.Random(seed), itertools.count()
    load(lake, write(tmp_path / "first.json", LINES))
    for _ in range(5):
        contract = chance.choice(contracts)
        if chance.random() < 0.4:
            replay(lake, contract=contract)
        else:
            lines = LINES[: chance.randint(3, len(LINES))] + [
                record(1000, request_id="more")
            ] * chance.randint(0, 1)
            report = load(lake, write(tmp_path / f"{next(names)}.json", lines), contract=contract)
            counted = report.rows_silver + report.lines_quarantined + report.duplicates + report.blank_lines
            assert report.lines_read == len(lines) == counted
        check(lake)
    verify(settings(lake))
    # Every event is somewhere, and no event of a source is in silver twice.
    raw = [row["raw"] for row in table(lake, QUARANTINE)]
    assert len(table(lake, SILVER)) + len(raw) in (len(LINES), len(LINES) + 1)
    assert raw.count("not json") <= 1


def test_lines_that_a_replay_freed_and_a_stricter_contract_refuses_are_duplicates(
    lake: Path, tmp_path: Path, contracts: list[Path | None]
) -> None:
    """Of the same object under another name, grown and delivered again."""
    load(lake, write(tmp_path / "a.json", LINES))
    freed = replay(lake, contract=contracts[1])
    assert (freed.rows_silver, freed.lines_quarantined, freed.duplicates) == (4, -4, 0)
    for name, more in (("b.json", []), ("c.json", [probe(20)]), ("a.json", [record(21)])):
        report = load(lake, write(tmp_path / name, [*LINES, *more]))
        refused = 1 if name == "c.json" else 0
        assert (report.rows_silver, report.lines_quarantined) == (len(more) - refused, refused)
        check(lake)
    replay(lake)
    check(lake)
    assert len(table(lake, QUARANTINE)) == 5
    verify(settings(lake))


def test_other_lines_of_quarantine_stay_as_they_are(
    lake: Path, tmp_path: Path, contracts: list[Path | None]
) -> None:
    others = [probe(50 + n, "other", path=f"/{n}") for n in range(4)]
    load(lake, write(tmp_path / "others.json", others))
    load(lake, write(tmp_path / "a.json", LINES))
    before = sorted(row["raw"] for row in table(lake, QUARANTINE))
    report = load(lake, write(tmp_path / "b.json", LINES), contract=contracts[1])
    assert (report.rows_silver, report.lines_quarantined, report.reasons) == (4, -4, {})
    after = sorted(row["raw"] for row in table(lake, QUARANTINE))
    assert after == [raw for raw in before if '"probed_path"' not in raw]
    assert [row["quarantined_lines"] for row in table(lake, "gold/daily_metrics")] == [7, 0]
    verify(settings(lake))
