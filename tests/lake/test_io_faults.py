"""An I/O error is never data: the object fails with its own error, nothing of it is committed, the next run loads it.

Only what the bytes of an object prove (a broken gzip member, a cut zstd frame) is damage, and loaded as such.
"""

from __future__ import annotations

import errno
import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
import zstandard
from tests.helpers.io_faults import EIO, FakeS3, Fault, break_file, cut_off, refused, system_error
from tests.helpers.lakes import (
    QUARANTINE,
    RUNS,
    SILVER,
    assert_same,
    records,
    settings,
    table,
    write,
)

from loglode import operations
from loglode.cli.main import main
from loglode.errors import (
    AccessDeniedError,
    CredentialsExpiredError,
    LakeError,
    LoglodeError,
    ObjectChangedError,
    ObjectGoneError,
    SourceError,
    StorageBusyError,
)
from loglode.operations import RunReport
from loglode.sources import SourceObject, discover
from loglode.sources.outcomes import Busy, Changed, Damaged, Denied, Failed, Gone, Loaded

MIB = 1 << 20
BROKEN = "broken"
# Behind so many stored bytes a reader has handed out lines of every shape.
LATE = MIB + MIB // 8
SHAPES = ("plain", "gzip", "zstd", "array")
# Text that does not compress, so that what is stored has several blocks in every shape.
_NOISE = random.Random(7)
LARGE = [{**r, "padding": _NOISE.randbytes(700).hex()} for r in records(2_000)]
# When and where the object fails: at which opening of it, and behind how many bytes (None: it cannot be opened).
PLACES = {
    "open for a look": (1, None),
    "open to read": (2, None),
    "first byte of the look": (1, 0),
    "first byte": (2, 0),
    "after lines were handed out": (2, LATE),
}


def packed(shape: str) -> bytes:
    """The lines as an object of a shape."""
    if shape == "array":
        return json.dumps(LARGE).encode()
    text = "".join(json.dumps(r) + "\n" for r in LARGE).encode()
    match shape:
        case "gzip":
            return gzip.compress(text, 1)
        case "zstd":
            return zstandard.compress(text, 1)
    return text


@pytest.fixture(scope="module")
def bronze(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of each shape a folder: a large object that will fail, between two small ones."""
    root = tmp_path_factory.mktemp("bronze")
    for shape in SHAPES:
        write(root / shape / "a.json", records(3, first=500_000))
        (root / shape / BROKEN).write_bytes(packed(shape))
        write(root / shape / "c.json", [*records(3, first=600_000), "refused"])
    return root


@pytest.fixture(scope="module")
def clean(bronze: Path) -> dict[str, Path]:
    """Of each shape a lake that met no fault."""
    lakes = {shape: bronze / f"lake-{shape}" for shape in SHAPES}
    for shape, lake in lakes.items():
        load(lake, discover([str(bronze / shape)]))
    return lakes


def load(lake: Path, sources: Sequence[SourceObject]) -> RunReport:
    return operations.load_objects(settings(lake), sources)


def check_failed(lake: Path, report: RunReport, kind: type[Failed], error: type[LoglodeError]) -> None:
    """One object failed with its own error and left nothing; the other two are loaded."""
    (failed,) = report.ledger.failures.items()
    source, outcome = failed
    assert source.uri.endswith(BROKEN)
    assert (type(outcome), type(outcome.error)) == (kind, error)
    assert source.display_uri in outcome.error.message and outcome.error.hint
    assert report.ledger.kinds == {"Loaded": 2, kind.__name__: 1}
    assert report.failed == [f"{source.display_uri}: {outcome.error.message}"]
    for name in (SILVER, QUARANTINE):
        assert not [row for row in table(lake, name) if row["source_object"].endswith(BROKEN)]
    assert [(row["objects"], row["lines_read"], row["rows_silver"]) for row in table(lake, RUNS)] == [
        (2, 7, 6)
    ]


def check_completed(lake: Path, clean: Path, report: RunReport) -> None:
    """The next run has loaded the object completely."""
    assert report.ledger.kinds == {"Skipped": 2, "Loaded": 1}
    assert_same(lake, clean, names=(SILVER, QUARANTINE), without={"batch_id"})


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_disk_that_fails(
    lake: Path, bronze: Path, clean: dict[str, Path], shape: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = discover([str(bronze / shape)])
    opening, sound = PLACES[place]
    with monkeypatch.context() as faulty:
        break_file(faulty, BROKEN, EIO, opening=opening, sound=sound)
        check_failed(lake, load(lake, sources), Failed, SourceError)
    check_completed(lake, clean[shape], load(lake, sources))


@pytest.mark.parametrize(
    ("number", "kind", "error"),
    [
        (errno.ESTALE, Failed, SourceError),
        (errno.ENOSPC, Failed, SourceError),
        (errno.EACCES, Denied, AccessDeniedError),
        (errno.ENOENT, Gone, ObjectGoneError),
        (errno.ECONNRESET, Busy, StorageBusyError),
        (errno.ETIMEDOUT, Busy, StorageBusyError),
    ],
    ids=lambda value: errno.errorcode[value] if isinstance(value, int) else "",
)
def test_the_error_keeps_its_class(
    tmp_path: Path,
    bronze: Path,
    number: int,
    kind: type[Failed],
    error: type[LoglodeError],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for place in ("open to read", "after lines were handed out"):
        opening, sound = PLACES[place]
        lake = tmp_path / f"lake-{sound}"
        with monkeypatch.context() as faulty:
            break_file(faulty, BROKEN, system_error(number), opening=opening, sound=sound)
            report = load(lake, discover([str(bronze / "plain")]))
        check_failed(lake, report, kind, error)
        assert isinstance(report.ledger.error, StorageBusyError) == (kind is Busy)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (refused("SlowDown"), (Busy, StorageBusyError)),
        (refused("AccessDenied"), (Denied, AccessDeniedError)),
        (refused("ExpiredToken"), (Busy, CredentialsExpiredError)),
        (refused("NoSuchKey"), (Gone, ObjectGoneError)),
        (refused("PreconditionFailed"), (Changed, ObjectChangedError)),
        (cut_off, (Busy, StorageBusyError)),
    ],
    ids=["busy", "denied", "expired", "gone", "replaced", "cut"],
)
@pytest.mark.parametrize("size", ["small", "large"])
def test_object_storage_that_fails(
    lake: Path,
    bronze: Path,
    size: str,
    fault: Fault,
    outcome: tuple[type[Failed], type[LoglodeError]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = {path.name: path.read_bytes() for path in sorted((bronze / "plain").iterdir())}
    if size == "small":
        held[BROKEN] = held[BROKEN][: MIB // 2]
    # In the first request where there is only one, else when the first MiB is in the engine.
    server = FakeS3(held, BROKEN, 0 if size == "small" else MIB + 1, fault)
    with monkeypatch.context() as faulty:
        server.serve(faulty)
        check_failed(lake, load(lake, server.sources()), *outcome)
    whole = FakeS3(held)
    whole.serve(monkeypatch)
    report = load(lake, whole.sources())
    assert report.ledger.kinds == {"Skipped": 2, "Loaded": 1}
    assert report.lines_read == held[BROKEN].count(b"\n") + (size == "small")


@pytest.mark.parametrize(("times", "kind"), [(1, "Loaded"), (3, "Loaded"), (4, "Busy")])
def test_a_body_that_breaks_off_is_requested_again(
    lake: Path, bronze: Path, times: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK repeats only what fails before the body begins."""
    held = {BROKEN: (bronze / "plain" / BROKEN).read_bytes()}
    server = FakeS3(held, BROKEN, MIB + 1, cut_off, times)
    server.serve(monkeypatch)
    report = load(lake, server.sources())
    assert report.ledger.kinds == {kind: 1}
    assert report.rows_silver == (len(LARGE) if kind == "Loaded" else 0)
    assert len(server.asked) == 1 + times + (kind == "Loaded")


def test_a_full_disk_under_what_is_fetched_from_object_storage(
    lake: Path, bronze: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = FakeS3({path.name: path.read_bytes() for path in sorted((bronze / "plain").iterdir())})
    server.serve(monkeypatch)
    write_bytes = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if len(data) == MIB:  # the first piece of the large object
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(path, data)

    with monkeypatch.context() as faulty:
        faulty.setattr(Path, "write_bytes", full)
        check_failed(lake, load(lake, server.sources()), Failed, SourceError)
    assert load(lake, server.sources()).lines_read == len(LARGE)


@pytest.mark.parametrize("cut", [10, MIB + 10], ids=["at once", "later"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_file_that_is_shorter_than_listed_is_not_loaded_short(
    lake: Path, bronze: Path, tmp_path: Path, shape: str, cut: int
) -> None:
    """Also a compressed one: that it ends too early is no damage when bytes are missing."""
    folder = tmp_path / "in"
    folder.mkdir()
    for path in (bronze / shape).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    sources = discover([str(folder)])
    (folder / BROKEN).write_bytes((bronze / shape / BROKEN).read_bytes()[:cut])
    check_failed(lake, load(lake, sources), Changed, ObjectChangedError)


@pytest.mark.parametrize("shape", ["gzip", "zstd"])
def test_what_the_bytes_prove_is_damage_and_loaded_once(lake: Path, tmp_path: Path, shape: str) -> None:
    whole = packed(shape)
    source = tmp_path / BROKEN
    source.write_bytes(whole[: len(whole) // 2])
    report = load(lake, discover([str(source)]))
    (outcome,) = report.ledger.outcomes.values()
    assert isinstance(outcome, Damaged) and "ends too early" in outcome.damage
    assert report.ledger.count(Loaded) == 1 and report.ledger.error is None and report.failed == []
    assert 500 < report.rows_silver < 1_500 and report.reasons == {"object_damaged": 1}
    assert load(lake, discover([str(source)])).ledger.kinds == {"Skipped": 1}


def test_several_objects_break_off_in_one_batch(
    lake: Path, bronze: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        (tmp_path / f"{number}.{BROKEN}").write_bytes(
            (bronze / "plain" / BROKEN).read_bytes() + b"\n" * number
        )
    sources = [*discover([str(bronze / "plain" / "a.json")]), *discover([str(tmp_path / f"*.{BROKEN}")])]
    with monkeypatch.context() as faulty:
        break_file(faulty, BROKEN, EIO, opening=2, sound=LATE)
        report = load(lake, sources)
    assert report.ledger.kinds == {"Loaded": 1, "Failed": 3}
    assert load(lake, sources).ledger.kinds == {"Loaded": 3, "Skipped": 1}


def test_the_command_ends_with_1_and_names_the_object(
    lake: Path, bronze: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    break_file(monkeypatch, BROKEN, EIO, opening=2, sound=LATE)
    monkeypatch.setenv("LOGLODE_KEY_FILE", str(settings(lake).key_path))
    with pytest.raises(SystemExit) as stop:
        main(["run", str(bronze / "plain"), "--lake", str(lake), "--json"])
    assert stop.value.code == 1
    shown = capsys.readouterr()
    result = json.loads(shown.out)
    assert (result["objects"], result["lines_read"]) == (2, 7)
    assert [text.partition(": ")[0] for text in result["failed"]] == [str(bronze / "plain" / BROKEN)]
    assert "Input/output error" in shown.err


def test_a_file_of_quarantine_that_is_gone_is_an_error_of_the_lake(lake: Path, tmp_path: Path) -> None:
    first = write(tmp_path / "first.json", [*records(3), "no record"])
    operations.run(settings(lake), [str(first)])
    for file in (lake / "quarantine").rglob("*.parquet"):
        file.unlink()
    second = write(tmp_path / "second.json", [*records(3, first=9000), "no record either"])
    with pytest.raises(LakeError, match="cannot be read for the duplicates of batch") as stop:
        operations.run(settings(lake), [str(second)])
    assert "loglode verify" in stop.value.hint
