"""A file that changes while it is read: it is loaded in the state that was listed, or not at all."""

from __future__ import annotations

import gzip
import json
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers.io_faults import meddle_with
from tests.helpers.lakes import QUARANTINE, RUNS, SILVER, assert_same, records, settings, table, write

from loglode import operations
from loglode.cli.main import main
from loglode.errors import ObjectChangedError, ObjectGrownError
from loglode.operations import RunReport
from loglode.sources import SourceObject, discover
from loglode.sources.lines import LineReader
from loglode.sources.outcomes import Changed

NAME = "access.json"
SHAPES = ("plain", "gzip", "array")
# How often the file was opened, and how far it was read, when something happens to it.
PLACES = {"after the look": (2, 0), "between blocks": (2, 1 << 19), "at the end": (2, 1 << 30)}


def text(first: int, count: int) -> str:
    noise = [{**r, "padding": os.urandom(300).hex()} for r in records(count, first=first)]
    return "".join(json.dumps(r) + "\n" for r in noise)


def packed(shape: str, lines: str) -> bytes:
    match shape:
        case "gzip":
            return gzip.compress(lines.encode(), 1)
        case "array":
            return json.dumps([json.loads(line) for line in lines.splitlines()]).encode()
    return lines.encode()


OLD, NEW = text(0, 2_500), text(50_000, 2_700)


def overwrite(path: Path, data: bytes) -> None:
    """In place, as an editor or `copytruncate` does."""
    with path.open("r+b") as file:
        file.write(data)


def empty(path: Path, new: bytes) -> None:
    del new
    os.truncate(path, 0)


def copytruncate(path: Path, new: bytes) -> None:
    os.truncate(path, 0)
    overwrite(path, new[: len(new) // 2])


def copytruncate_and_grow(path: Path, new: bytes) -> None:
    assert len(new) > path.stat().st_size
    os.truncate(path, 0)
    overwrite(path, new)


def overwrite_in_place(path: Path, new: bytes) -> None:
    overwrite(path, new[: path.stat().st_size])


def overwrite_with_old_time(path: Path, new: bytes) -> None:
    before = path.stat()
    overwrite(path, (new * 2)[: before.st_size])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def overwrite_and_append(path: Path, new: bytes) -> None:
    overwrite(path, new[:5000])
    with path.open("ab") as file:
        file.write(new)


CHANGES = (
    empty,
    copytruncate,
    copytruncate_and_grow,
    overwrite_in_place,
    overwrite_with_old_time,
    overwrite_and_append,
)


@pytest.fixture
def bronze(tmp_path: Path) -> Path:
    """A file that will change, between two others."""
    folder = tmp_path / "bronze"
    write(folder / "a.json", records(3, first=900_000))
    write(folder / "z.json", [*records(3, first=910_000), "refused"])
    return folder


def load(lake: Path, bronze: Path) -> RunReport:
    return operations.load_objects(settings(lake), discover([str(bronze)]))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_changed_is_not_loaded(
    bronze: Path, place: str, change: Callable[[Path, bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bronze / NAME
    path.write_bytes(OLD.encode())
    opening, sound = PLACES[place]
    (source,) = discover([str(path)])
    marks = source.head(1 << 16).marks
    meddle_with(
        monkeypatch,
        NAME,
        lambda: change(path, NEW.encode()),
        opening=opening - 1,
        sound=min(sound, source.size),
    )
    with pytest.raises(ObjectChangedError) as caught, source.open(marks=marks) as stream:
        deque(LineReader("x", stream).batches(), maxlen=0)
    assert "run again" in caught.value.hint


@pytest.mark.parametrize("shape", SHAPES)
def test_the_next_run_loads_the_new_state(
    lake: Path, tmp_path: Path, bronze: Path, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, new = bronze / NAME, packed(shape, NEW)
    path.write_bytes(packed(shape, OLD))
    opening, sound = PLACES["between blocks"]
    with monkeypatch.context() as changing:
        meddle_with(changing, NAME, lambda: copytruncate_and_grow(path, new), opening=opening, sound=sound)
        report = load(lake, bronze)
    assert report.ledger.kinds == {"Loaded": 2, "Changed": 1}
    (outcome,) = report.ledger.failures.values()
    assert type(outcome) is Changed and str(path) in outcome.error.message
    assert {row["source_object"].rpartition("/")[2] for row in table(lake, SILVER)} == {"a.json", "z.json"}
    assert [row["objects"] for row in table(lake, RUNS)] == [2]
    assert load(lake, bronze).ledger.kinds == {"Skipped": 2, "Loaded": 1}
    fresh = tmp_path / "fresh"
    load(fresh, bronze)
    assert_same(lake, fresh, names=(SILVER, QUARANTINE), without={"batch_id"})


@pytest.mark.parametrize("place", PLACES)
def test_a_file_that_grows_is_loaded_as_it_was_listed_and_the_rest_later(
    lake: Path, tmp_path: Path, bronze: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in mid-line: what was written of a line when the file was listed is not taken for the line."""
    path = bronze / NAME
    cut = OLD.index("\n", len(OLD) // 2) + 1 + 100
    path.write_text(OLD[:cut])
    opening, sound = PLACES[place]

    def grow() -> None:
        with path.open("a") as file:
            file.write(OLD[cut:])

    with monkeypatch.context() as growing:
        meddle_with(growing, NAME, grow, opening=opening, sound=min(sound, cut))
        report = load(lake, bronze)
    assert report.ledger.kinds == {"Loaded": 3}
    assert report.lines_read == OLD[:cut].count("\n") + 7 and report.reasons == {"json_invalid": 1}
    assert report.bytes_read == sum(f.stat().st_size for f in bronze.iterdir()) - len(OLD[cut - 100 :])
    rest = load(lake, bronze)
    assert (rest.rows_silver, rest.duplicates) == (OLD[cut:].count("\n"), OLD[:cut].count("\n"))
    fresh = tmp_path / "fresh"
    load(fresh, bronze)
    assert_same(lake, fresh, names=(SILVER, QUARANTINE), without={"batch_id"})


def test_a_compressed_file_that_grows_is_loaded_if_it_was_whole(
    lake: Path, bronze: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that is cut by the listed size is no damage when more follows."""
    path, member = bronze / NAME, packed("gzip", OLD)

    def grow() -> None:
        with path.open("ab") as file:
            file.write(packed("gzip", NEW) if path.stat().st_size == len(member) else member[-1000:])

    for size, kinds in (
        (len(member) - 1000, {"Loaded": 2, "Changed": 1}),
        (len(member), {"Skipped": 2, "Loaded": 1}),
    ):
        path.write_bytes(member[:size])
        with monkeypatch.context() as growing:
            meddle_with(growing, NAME, grow, opening=2, sound=1 << 19)
            assert load(lake, bronze).ledger.kinds == kinds
    assert load(lake, bronze).rows_silver == NEW.count("\n")


def test_a_file_that_is_renamed_while_it_is_read_is_loaded(
    lake: Path, bronze: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rotation by renaming changes nothing in the file that is open."""
    path = bronze / NAME
    path.write_text(OLD)

    def rotate() -> None:
        path.rename(bronze / "access.json.1")
        path.write_text(NEW)

    with monkeypatch.context() as rotating:
        meddle_with(rotating, NAME, rotate, opening=2, sound=1 << 20)
        report = load(lake, bronze)
    assert report.ledger.kinds == {"Loaded": 3} and report.rows_silver == 2_506
    later = load(lake, bronze)
    assert (later.rows_silver, later.duplicates) == (2_700, 2_500)


def test_a_file_that_was_replaced_since_it_was_listed_is_not_loaded(lake: Path, tmp_path: Path) -> None:
    path = write(tmp_path / NAME, records(5))
    sources = discover([str(path)])
    write(tmp_path / "new", records(9)).rename(path)
    assert operations.load_objects(settings(lake), sources).ledger.kinds == {"Changed": 1}
    assert load(lake, path).rows_silver == 9


def test_the_command_names_the_object_and_ends_with_1(
    lake: Path, bronze: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bronze / NAME
    path.write_text(OLD)
    meddle_with(monkeypatch, NAME, lambda: empty(path, b""), opening=2, sound=1 << 20)
    monkeypatch.setenv("LOGLODE_KEY_FILE", str(settings(lake).key_path))
    with pytest.raises(SystemExit) as stop:
        main(["run", str(bronze), "--lake", str(lake), "--json"])
    assert stop.value.code == 1
    result = json.loads(capsys.readouterr().out)
    assert (result["objects"], result["lines_read"]) == (2, 7)
    assert [name.partition(": ")[0] for name in result["failed"]] == [str(path)]


@given(
    data=st.text("ab\n\r\u00e9", max_size=99).map(str.encode),
    size=st.integers(0, 200),
    more=st.binary(min_size=1),
)
def test_of_a_grown_file_the_whole_lines_are_read(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, size: int, more: bytes
) -> None:
    path = tmp_path_factory.mktemp("in") / "a"
    listed = data[:size]
    path.write_bytes(listed)
    (source,) = discover([str(path)])
    path.write_bytes(listed + more)
    with source.open() as stream:
        reader = LineReader("x", stream)
        found = sum(batch.num_rows for batch in reader.batches())
    assert found == listed.count(b"\n")
    with source.open() as stream:
        assert not listed or stream.read() == listed
        with pytest.raises(ObjectGrownError):
            stream.read()


def test_a_source_keeps_its_identity_without_the_inode(tmp_path: Path) -> None:
    """Copies of a folder, and file systems without stable inodes, load nothing twice."""
    (source,) = discover([str(write(tmp_path / NAME, records(1)))])
    assert source.identity == SourceObject(source.uri, source.size, source.modified_ns).identity
