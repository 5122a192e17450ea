"""Every object that was given has exactly one outcome, and is opened at most once."""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers.io_faults import FakeS3, break_file, system_error
from tests.helpers.lakes import RUNS, SILVER, records, settings, table, write

from loglode import operations
from loglode.batches.ledger import Ledger
from loglode.batches.plan import Plan
from loglode.batches.record import RunRow
from loglode.engines.base import Job, LineObject, Progress, StagedLines
from loglode.engines.duckdb.engine import DuckDBEngine
from loglode.engines.duckdb.slices import Slices
from loglode.errors import AccessDeniedError, BooksError, LakeError, SourceError, StorageBusyError
from loglode.sources import SourceObject, discover
from loglode.sources.outcomes import Left, Loaded, Skipped, failure
from loglode.tables import DAY
from loglode.tables import RUNS as RUNS_TABLE

MIB = 1 << 20


def lines(count: int, *, first: float = 0, padding: int = 0) -> bytes:
    noise = random.Random(count)
    texts = [{**r, "padding": noise.randbytes(padding).hex()} for r in records(count, first=first)]
    return b"".join(f"{text}\n".replace("'", '"').encode() for text in texts)


def test_what_is_left_or_skipped_is_never_fetched(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = FakeS3({f"{n}.json": lines(2, first=n * 1000) for n in range(20)})
    server.serve(monkeypatch)
    one_a_batch = settings(lake, batch_bytes=1)
    report = operations.load_objects(one_a_batch, server.sources(), may_go_on=lambda: False)
    assert report.ledger.kinds == {"Loaded": 1, "Left": 19}
    assert [key for key, _, _ in server.asked] == ["0.json"]
    server.asked.clear()
    report = operations.load_objects(one_a_batch, server.sources()[:1])
    assert report.ledger.kinds == {"Skipped": 1} and server.asked == []


@pytest.mark.parametrize("shape", ["plain", "gzip"])
def test_each_byte_of_object_storage_is_fetched_once(
    lake: Path, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {"small": lines(5), "large": lines(12_000, first=10_000, padding=800)}
    if shape == "gzip":
        held = {name: gzip.compress(data, 1) for name, data in held.items()}
    server = FakeS3(held)
    server.serve(monkeypatch)
    report = operations.load_objects(settings(lake), server.sources())
    assert report.rows_silver == 12_005
    spans = {name: [(a, b) for key, a, b in server.asked if key == name] for name in held}
    assert spans["small"] == [(0, len(held["small"]) - 1)]
    assert len(spans["large"]) == 1 + -(-(len(held["large"]) - MIB) // (8 * MIB)) > 2
    assert [a for a, _ in spans["large"]] == [0, *(b + 1 for _, b in spans["large"][:-1])]
    assert spans["large"][-1][1] == len(held["large"]) - 1


def test_a_file_is_opened_for_a_look_and_to_be_read(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [str(write(tmp_path / f"{n}.json", records(3, first=n * 1000))) for n in range(3)]
    opened = break_file(monkeypatch, "none", system_error(5), opening=1, sound=None)
    operations.load_objects(settings(lake), discover(sources))
    assert opened == dict.fromkeys(sources, 2)


def test_an_object_that_is_named_twice_is_loaded_once(lake: Path, tmp_path: Path) -> None:
    (source,) = discover([str(write(tmp_path / "a.json", records(3)))])
    same_state = replace(source, version="another name of the same state")
    report = operations.load_objects(settings(lake), [source, source, same_state])
    assert report.ledger.kinds == {"Loaded": 1, "Skipped": 1}
    assert (report.lines_read, report.duplicates) == (3, 0)


def test_what_another_writer_loads_meanwhile_is_skipped(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = discover([str(write(tmp_path / f"{n}.json", records(3, first=n * 1000))) for n in range(3)])
    stage = DuckDBEngine.stage
    others: list[int] = []

    def overtaken(
        self: DuckDBEngine, job: Job, objects: Sequence[LineObject], progress: Progress
    ) -> StagedLines:
        staged = stage(self, job, objects, progress)
        if not others:
            others.append(1)
            others.append(operations.load_objects(settings(lake), sources[1:2]).objects)
        return staged

    monkeypatch.setattr(DuckDBEngine, "stage", overtaken)
    report = operations.load_objects(settings(lake), sources)
    assert others == [1, 1]
    assert report.ledger.kinds == {"Skipped": 1, "Loaded": 2}
    assert report.ledger.outcomes[sources[1]] == Skipped()
    assert len(table(lake, SILVER)) == 9


@pytest.mark.parametrize("count", [1, 20_000])
@pytest.mark.parametrize("error", [LakeError("full"), OSError(5, "a progress bar's own"), KeyError("k")])
def test_an_error_that_is_raised_under_the_engine_surfaces_as_itself(
    lake: Path, tmp_path: Path, count: int, error: Exception
) -> None:
    """It comes up through DuckDB, which keeps the text alone of what Python raises."""

    def fails(step: str, done: int, total: int) -> None:
        assert step == "bronze to silver"
        if done == total:
            raise error

    source = write(tmp_path / "a.json", records(count))
    with pytest.raises(type(error)) as caught:
        operations.run(settings(lake), [str(source)], progress=fails)
    assert caught.value is error


@pytest.mark.parametrize("name", ["_staging", "silver", "ops"])
def test_a_place_of_the_lake_that_cannot_be_written_is_named(lake: Path, tmp_path: Path, name: str) -> None:
    """A file where a folder has to be: also root cannot write there."""
    source = write(tmp_path / "a.json", records(3))
    lake.mkdir()
    (lake / name).write_text("in the way")
    with pytest.raises(LakeError, match=f"cannot write {lake}"):
        operations.run(settings(lake), [str(source)])
    (lake / name).unlink()
    assert operations.run(settings(lake), [str(source)]).failed == []


def test_lines_that_an_engine_loses_are_not_committed(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = DuckDBEngine.stage

    def loses(self: DuckDBEngine, job: Job, objects: Sequence[LineObject], progress: Progress) -> StagedLines:
        staged = stage(self, job, objects, progress)
        return replace(staged, blank=staged.blank - 1)

    source = write(tmp_path / "a.json", [*records(3), ""])
    with monkeypatch.context() as broken:
        broken.setattr(DuckDBEngine, "stage", loses)
        with pytest.raises(BooksError):
            operations.run(settings(lake), [str(source)])
    assert operations.run(settings(lake), [str(source)]).ledger.kinds == {"Loaded": 1}


def test_the_oldest_loaded_object_is_recorded(lake: Path, tmp_path: Path) -> None:
    for name, moment in (("a", 1e9), ("b", 1.5e9), ("gone", 5e8)):
        os.utime(write(tmp_path / f"{name}.json", records(2, first=moment % 977)), (moment, moment))
    sources = discover([str(tmp_path / "*.json")])
    (tmp_path / "gone.json").unlink()
    operations.load_objects(settings(lake), sources)
    assert [row["oldest_object_at"].timestamp() for row in table(lake, RUNS)] == [1e9]


def test_a_row_of_ops_runs_has_the_columns_of_the_table() -> None:
    names = [name for name, _, _ in RUNS_TABLE.columns if name not in DAY]
    row = RunRow("b", "load", "2026-03-10T12:00:00", "2026-03-10T12:00:00", "1", "duckdb", None)
    assert sorted(row.to_json()) == sorted(names)


def batches_of(sources: Sequence[SourceObject], batch_bytes: int) -> Iterator[list[int]]:
    plan = Plan(sources, wanted_format="json", batch_bytes=batch_bytes)
    while not plan.is_done:
        batch, ledger = plan.next_batch()
        assert batch and not ledger.outcomes
        yield [o.source.size for o in batch.objects]


def test_compressed_objects_weigh_ten_times_their_size(tmp_path: Path) -> None:
    for n in range(2):
        (tmp_path / f"{n}.gz").write_bytes(gzip.compress(random.Random(n).randbytes(1000)))
        (tmp_path / f"{n}.txt").write_bytes(random.Random(n).randbytes(1000))
    assert len(list(batches_of(discover([str(tmp_path / "*.gz")]), 9_000))) == 2
    assert len(list(batches_of(discover([str(tmp_path / "*.txt")]), 9_000))) == 1


@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=12), batch_bytes=st.integers(1, 120))
def test_a_batch_ends_where_its_size_is_reached(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], batch_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("in")
    for n, size in enumerate(sizes):
        (folder / f"{n:02}").write_bytes(b"x" * size)
    found = list(batches_of(discover([str(folder)]), batch_bytes))
    assert [size for batch in found for size in batch] == sizes
    assert all(sum(batch[:-1]) < batch_bytes for batch in found)
    assert all(sum(batch) >= batch_bytes for batch in found[:-1])


def test_failures_are_one_error_that_says_whether_a_repetition_may_work() -> None:
    def ledger(*errors: StorageBusyError | AccessDeniedError | SourceError) -> Ledger:
        return Ledger({SourceObject(f"s3://b/{n}", 1, 1): failure(e) for n, e in enumerate(errors)})

    busy, denied, broken = StorageBusyError("busy"), AccessDeniedError("denied"), SourceError("broken")
    assert Ledger({SourceObject("a", 1, 1): Loaded(1, 1), SourceObject("b", 1, 1): Left()}).error is None
    for errors, kind, message in (
        ([broken, busy, denied], StorageBusyError, "3 objects failed, the first: busy"),
        ([denied, denied], AccessDeniedError, "2 objects failed, the first: denied"),
        ([denied, broken], SourceError, "2 objects failed, the first: denied"),
        ([broken], SourceError, "1 object failed: broken"),
    ):
        error = ledger(*errors).error
        assert type(error) is kind
        assert error.message == message


@given(
    sizes=st.lists(st.integers(1, 30), max_size=12),
    slice_bytes=st.integers(1, 400),
    beginning=st.integers(0, 400),
)
def test_slices_lose_nothing(sizes: list[int], slice_bytes: int, beginning: int) -> None:
    batches = [pa.record_batch({"a": pa.array([n] * size)}) for n, size in enumerate(sizes)]
    slices = Slices(batches, slice_bytes)
    first = slices.beginning(beginning)
    assert first == batches[: len(first)]
    assert len(first) == len(batches) or sum(batch.nbytes for batch in first) >= beginning
    found = []
    while not slices.is_done:
        found.append(list(slices.next_slice()))
    assert [batch for part in found for batch in part] == batches
    assert all(sum(batch.nbytes for batch in part[:-1]) < slice_bytes for part in found)


def test_a_growing_file_is_read_in_the_state_that_was_listed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    with SourceObject(str(tmp_path / "a"), 4, 1).open() as stream:
        assert stream.read() == b"0123"
