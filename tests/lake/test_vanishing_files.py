"""Files that vanish, shrink or cannot be read while a run is on."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.logs import (
    assert_verified,
    line,
    load,
    one,
    paths_of,
    settings_for,
    write,
)

from loglode.sources import SourceObject, objects
from loglode.sources.outcomes import Gone
from loglode.sources.records import RecordStream


def test_files_that_go_or_shrink_while_the_run_is_on(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    bronze = tmp_path / "bronze"
    for name in ("a", "b", "c"):
        write(bronze / f"{name}.json", (line(path=f"/{name}/{n}") for n in range(100)))

    def meddle(step: str, done: int, total: int) -> None:
        del step, done, total
        (bronze / "b.json").unlink(missing_ok=True)
        with (bronze / "c.json").open("r+b") as file:
            file.truncate(len(line(path="/c/0")) + 1)

    report = load(settings, bronze, progress=meddle)
    assert [name for name in ("a", "b", "c") if f"{name}.json" in str(report.failed)] == ["b", "c"]
    assert report.ledger.count(Gone) == 2
    assert len(paths_of(settings, "a.json")) == 100
    assert [paths_of(settings, name) for name in ("b.json", "c.json")] == [[], []]
    assert_verified(settings)
    # What comes back is new: it was never recorded as loaded.
    for name in ("b", "c"):
        write(bronze / f"{name}.json", (line(path=f"/{name}/{n}") for n in range(100)))
    load(settings, bronze)
    assert one(settings, "select count(distinct event_id) from web_logs") == 300
    assert_verified(settings)


def test_files_that_go_before_they_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for(tmp_path)
    bronze = tmp_path / "bronze"
    write(bronze / "a.json", [line(path="/a")])
    write(bronze / "b.json", [line(path="/b")])
    write(bronze / "c.json", [line(path="/c")])
    head = SourceObject.head

    def head_after(source: SourceObject, count: int, folder: Path | None) -> objects.FirstBytes:
        (bronze / "b.json").unlink(missing_ok=True)
        return head(source, count, folder)

    monkeypatch.setattr(SourceObject, "head", head_after)
    report = load(settings, bronze)
    assert [("b.json" in text) for text in report.failed] == [True]
    assert report.rows_silver == 2
    assert_verified(settings)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for(tmp_path)
    write(tmp_path / "bronze" / "a.json", [line(path="/a")])
    forbidden = write(tmp_path / "bronze" / "b.json", [line(path="/b")])
    forbidden.chmod(0)

    def guarded(path: str, *arguments: Any, **options: Any) -> Any:
        """Says no to root as well."""
        if path == str(forbidden):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return open(path, *arguments, **options)

    monkeypatch.setattr(objects, "open", guarded, raising=False)
    report = load(settings, tmp_path / "bronze")
    assert [("b.json" in text) for text in report.failed] == [True]
    assert report.rows_silver == 1
    assert_verified(settings)


@pytest.mark.parametrize("pattern", ["", "*.json"], ids=["folder", "glob"])
@pytest.mark.parametrize(
    ("number", "times", "kind"),
    [
        (errno.ENOENT, 9, "Gone"),
        (errno.EACCES, 9, "Denied"),
        (errno.EIO, 9, "Failed"),
        (errno.EIO, 1, "Failed"),
    ],
)
def test_a_file_whose_state_cannot_be_read_fails_alone(
    tmp_path: Path, pattern: str, number: int, times: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it can be read again a moment later: it is not loaded as an empty one."""
    settings = settings_for(tmp_path)
    for name in ("a", "b"):
        write(tmp_path / "bronze" / f"{name}.json", [line(path=f"/{name}")])
    real, calls = os.stat, iter(range(100))

    def refuses(path: Any, **options: Any) -> os.stat_result:
        if str(path).endswith("b.json") and not options and 0 < next(calls) <= times:
            raise OSError(number, os.strerror(number), path)  # not yet when it is looked for
        return real(path, **options)

    with monkeypatch.context() as faulty:
        faulty.setattr(os, "stat", refuses)
        report = load(settings, tmp_path / "bronze" / pattern)
    assert report.ledger.kinds == {"Loaded": 1, kind: 1}
    assert "b.json" in report.failed[0]
    assert load(settings, tmp_path / "bronze").rows_silver == 1


def test_a_folder_that_cannot_be_listed_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for(tmp_path)
    write(tmp_path / "bronze" / "a.json", [line(path="/a")])
    write(tmp_path / "bronze" / "locked" / "b.json", [line(path="/b")])
    scandir = os.scandir

    def guarded(path: Any) -> Any:
        if str(path).endswith("locked"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    report = load(settings, tmp_path / "bronze")
    assert report.objects == 1
    assert [text.partition(": ")[0] for text in report.failed] == [str(tmp_path / "bronze" / "locked")]


def test_nothing_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"a": 1}]')
    raw = SourceObject(str(tmp_path / "a.json"), 10, 1).open()
    with RecordStream(raw, is_array=True) as stream:
        stream.read()
    assert raw.closed
