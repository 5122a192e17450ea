"""An event counts once, however often, in whatever shape and batches its line comes."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import tempfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from tests.helpers.lakes import (
    ALL_TABLES,
    BY_BATCH,
    GOLD,
    LINEAGE,
    QUARANTINE,
    RUNS,
    SILVER,
    Record,
    assert_same,
    counts,
    load,
    probe,
    record,
    records,
    rows,
    state,
    table,
    write,
)

from loglode.batches.plan import Plan
from loglode.sources import SourceObject
from loglode.sources.objects import standard_input

BROKEN = ["not json", json.dumps(record(9, timestamp="never")), json.dumps(probe(10))]
EVENT_GOLD = [name for name in GOLD if name not in BY_BATCH]


def combined(second: int, path: str = "/a") -> str:
    return (
        f'198.51.100.9 - - [10/Mar/2026:12:00:{second:02d} +0000] "GET {path} HTTP/1.1" 200 512'
        ' "-" "curl/8.5.0"'
    )


def test_the_same_run_again_changes_nothing(lake: Path, logs: list[Path]) -> None:
    first = load(lake, *logs)
    assert first.rows_silver > 2_500 and first.lines_quarantined > 10 and first.duplicates > 10
    before = state(lake, ALL_TABLES)
    again = load(lake, *logs)
    assert (again.objects, again.objects_skipped) == (0, len(logs))
    assert (again.lines_read, again.rows_silver, again.lines_quarantined, again.duplicates) == (0,) * 4
    assert (again.days, again.gold_days) == (set(), 0)
    assert state(lake, ALL_TABLES) == before


def test_a_file_that_has_grown_brings_only_what_is_new(lake: Path, tmp_path: Path) -> None:
    log = write(tmp_path / "a.json", [*records(20), *BROKEN, ""])
    load(lake, log)
    write(log, [*records(5, first=5000), "broken too"], append=True)
    report = load(lake, log)
    assert (report.lines_read, report.blank_lines) == (30, 1)
    assert (report.rows_silver, report.lines_quarantined, report.duplicates) == (5, 1, 23)
    whole = tmp_path / "whole"
    load(whole, log)
    assert_same(lake, whole, names=(SILVER, QUARANTINE, *EVENT_GOLD), without={"batch_id"})


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("json", ["}"]),
        ("combined", ["url", "curl", '"curl', ' "curl', '-"', '"-"', "512", " HTTP", "GET", "+0000"]),
        pytest.param(
            "combined", ["12"],
            marks=pytest.mark.xfail(strict=True, reason="it looks like a whole line of the common format"),
        ),
    ],
)  # fmt: skip
def test_a_line_caught_half_written_is_an_event_only_when_it_is_whole(
    lake: Path, tmp_path: Path, text: str, ends: list[str]
) -> None:
    rest: dict[Path, str] = {}
    for number, end in enumerate(ends):
        first, last = (
            combined(second, f"/{number}") if text == "combined" else json.dumps(record(second))
            for second in (1, 30)
        )
        cut = last.rindex(end)
        log = write(tmp_path / f"{number}.log", [first])
        with log.open("a") as stream:
            stream.write(last[:cut])
        rest[log] = last[cut:]
    assert load(lake, *rest).rows_silver == len(ends)
    for more in (rest, dict.fromkeys(rest, "\n")):
        for log, added in more.items():
            with log.open("a") as stream:
                stream.write(added)
        load(lake, *rest)
        assert len(table(lake, SILVER)) == 2 * len(ends)


@pytest.mark.parametrize("shape", ["renamed", "gzip", "zstd", "touched"])
def test_rotation_doubles_nothing(lake: Path, tmp_path: Path, shape: str) -> None:
    log = write(tmp_path / "access.log", [*records(20), *BROKEN])
    load(lake, log)
    before = state(lake, EVENT_GOLD), rows(lake, SILVER), rows(lake, QUARANTINE)
    rotated = tmp_path / "access.log.1"
    match shape:
        case "renamed":
            log.rename(rotated)
        case "gzip":
            rotated.write_bytes(gzip.compress(log.read_bytes()))
        case "zstd":
            rotated.write_bytes(zstandard.compress(log.read_bytes()))
        case _:
            rotated = log
            os.utime(log, ns=(1, 1))
    report = load(lake, rotated)
    assert (report.objects, report.objects_skipped) == (1, 0)
    assert (report.rows_silver, report.lines_quarantined, report.duplicates) == (0, 0, 23)
    assert before[1:] == (rows(lake, SILVER), rows(lake, QUARANTINE))
    for name, (_, files) in before[0].items():
        assert rows(lake, name), files


def test_two_shapes_of_a_file_in_one_batch_are_one(lake: Path, tmp_path: Path) -> None:
    log = write(tmp_path / "logs" / "a.json", [*records(20), *BROKEN])
    (tmp_path / "logs" / "a.json.gz").write_bytes(gzip.compress(log.read_bytes()))
    report = load(lake, tmp_path / "logs")
    assert (report.lines_read, report.rows_silver, report.lines_quarantined) == (46, 20, 3)
    assert report.duplicates == 23


def test_a_path_given_twice_is_read_once(lake: Path, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    log = write(folder / "a.json", records(10))
    link = tmp_path / "link.json"
    link.symlink_to(log)
    (tmp_path / "alias").symlink_to(folder)
    dotted = tmp_path / "logs" / ".." / "logs" / "a.json"
    report = load(lake, log, log, folder, link, dotted, tmp_path / "alias", f"{folder}/*.json")
    assert (report.objects, report.lines_read, report.rows_silver) == (1, 10, 10)
    again = load(lake, link)
    assert (again.objects_skipped, again.lines_read) == (1, 0)


@pytest.mark.parametrize("line", [combined(5), json.dumps(record(5))], ids=["combined", "json"])
def test_identical_lines_in_one_file_are_events_of_their_own(lake: Path, tmp_path: Path, line: str) -> None:
    report = load(lake, write(tmp_path / "a.log", [line] * 3))
    assert (report.rows_silver, report.duplicates) == (3, 0)
    assert len({row["event_id"] for row in table(lake, SILVER)}) == 3


def test_identical_lines_of_two_servers_stay_two(lake: Path, tmp_path: Path) -> None:
    for server in ("a", "b"):
        write(tmp_path / f"{server}.json", [record(0, host=f"{server}.example"), record(5), "broken"])
    report = load(lake, tmp_path / "a.json", tmp_path / "b.json")
    assert (report.rows_silver, report.lines_quarantined, report.duplicates) == (4, 2, 0)


def test_an_event_sent_again_under_its_own_id_is_a_duplicate(lake: Path, tmp_path: Path) -> None:
    one = [record(i, request_id=f"r{i}", path=f"/{i}") for i in range(10)]
    load(lake, write(tmp_path / "a.json", one))
    more = [*one[5:], *(record(i, request_id=f"r{i}") for i in range(10, 13)), one[0]]
    report = load(lake, write(tmp_path / "b.json", more))
    assert (report.rows_silver, report.duplicates) == (3, 6)
    third = load(lake, write(tmp_path / "c.json", [more[5], more[5], record(50, request_id="r50")]))
    assert (third.rows_silver, third.duplicates) == (1, 2)
    assert sum(row["requests"] for row in table(lake, "gold/daily_metrics")) == 14


def test_refused_lines_are_held_once_when_their_file_is_read_again(lake: Path, tmp_path: Path) -> None:
    log = write(tmp_path / "a.json", [record(0), *BROKEN, *BROKEN])
    load(lake, log)
    for grown in range(1, 3):
        write(log, [f"broken {grown}"], append=True)
        report = load(lake, log)
        assert (report.lines_quarantined, report.duplicates) == (1, 6 + grown)
    assert len(table(lake, QUARANTINE)) == 8
    assert counts(lake)["lines_quarantined"] == 8


def test_how_batches_are_cut_makes_no_difference(lake: Path, logs: list[Path], tmp_path: Path) -> None:
    whole, pairs = tmp_path / "whole", tmp_path / "pairs"
    assert len(load(whole, *logs).batches) == 1
    assert len(load(pairs, *logs, batch_bytes=400_000).batches) == 3
    assert len(load(lake, *logs, batch_bytes=1).batches) == 6
    for cut in (pairs, lake):
        assert_same(cut, whole, names=(SILVER, QUARANTINE, *EVENT_GOLD), without={"batch_id"})
        assert counts(cut) == counts(whole)


def test_each_batch_is_told_once(lake: Path, tmp_path: Path) -> None:
    for n in range(3):
        load(lake, write(tmp_path / f"{n}.json", records(n + 1, first=n * 90_000)))
    batches = table(lake, RUNS)
    assert sorted(batch["rows_silver"] for batch in batches) == [1, 2, 3]
    assert sorted(batch["silver_version"] for batch in batches) == [1, 2, 3]
    told = [(batch["batch_id"], batch["rows_silver"]) for batch in batches]
    shown = [(row["batch_id"], row["rows_silver"]) for row in table(lake, "gold/pipeline_metrics")]
    assert sorted(told) == sorted(shown)


def test_standard_input_is_loaded_apart_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A batch that others have begun to load is read a second time; a stream cannot be."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"{}\n")))
    standard_input.cache_clear()
    log = write(tmp_path / "a.json", records(2))
    facts = log.stat()
    sources = [
        SourceObject("stdin", 0, 1, is_stream=True),
        SourceObject(str(log), facts.st_size, facts.st_mtime_ns),
    ]
    plan = Plan(sources, wanted_format="auto", batch_bytes=1 << 30)
    cut = [plan.next_batch() for _ in sources]
    standard_input.cache_clear()
    batches = [batch for batch, _ in cut if batch]
    assert [[o.source.uri for o in batch.objects] for batch in batches] == [["stdin"], [str(log)]]
    assert {batch.format.name for batch in batches} == {"json"} and plan.is_done
    assert not [ledger for _, ledger in cut if ledger.outcomes]


lines = st.lists(
    st.builds(
        record,
        st.integers(0, 3 * 86_400),
        request_id=st.integers(0, 40).map(str),
        client_ip=st.sampled_from(["203.0.113.7", "2001:db8::7"]),
        session_id=st.sampled_from([None, "s1"]),
        status=st.sampled_from([200, 404, 503]),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda r: r["request_id"],
)


@examples(max_examples=4)
@given(events=lines, chance=st.randoms(use_true_random=False))
def test_any_split_into_files_and_batches_gives_the_same_rows(
    events: list[Record], chance: random.Random
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        quiet, split = Path(folder, "quiet"), Path(folder, "split")
        load(quiet, write(Path(folder, "all.json"), events))
        sent = [*events, *chance.choices(events, k=len(events) // 3)]
        chance.shuffle(sent)
        files = chance.randint(1, 4)
        for n in range(files):
            write(Path(folder, "in", f"{n}.json"), sent[n::files])
        found = sorted(Path(folder, "in").iterdir())
        runs = chance.randint(1, 2)
        for n in range(runs):
            if chosen := found[n::runs]:
                load(split, *chosen, batch_bytes=chance.choice([1, 3000, 1 << 30]))
        assert_same(quiet, split, names=(SILVER, *EVENT_GOLD), without=LINEAGE)
        assert counts(split)["duplicates"] == len(sent) - len(events)
