"""What a source names: folders that cannot be listed, links, the lake itself, odd names, standard input."""

from __future__ import annotations

import errno
import glob
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.lakes import settings
from tests.helpers.logs import line, load, one, settings_for, write

from loglode import operations
from loglode.cli.main import main
from loglode.errors import AccessDeniedError, SourceNotFoundError, StorageBusyError, StorageError
from loglode.lake.layout import folders_of
from loglode.settings import Settings
from loglode.sources import SourceObject, discover, listing
from loglode.sources.listing import Surroundings
from loglode.storage import S3Object, S3Path

ODD_NAMES = (
    b"%20%0a%2F.json",
    b"not-utf8-\xff\xfe.json",
    b"new\nline.json",
    b"\x1b]0;title\x07\x1b[31mred.json",
    b" .json ",
    b"-rf.json",
    b"a" * 250 + b".json",
    "\u202egpj.json".encode(),
)


def tree(folder: Path) -> Path:
    """logs/{a.json, sub/b.json, sub/deep/c.json}"""
    for number, name in enumerate(("a.json", "sub/b.json", "sub/deep/c.json")):
        write(folder / "logs" / name, [line(path=f"/{number}")])
    return folder / "logs"


def below(folder: Path, *sources: Path | str, **options: Any) -> list[str]:
    """What the sources name, relative to a folder."""
    found = discover([str(source) for source in sources], **options)
    return [os.path.relpath(source.uri, folder) for source in found]


def refuse(patch: pytest.MonkeyPatch, name: str, number: int) -> None:
    """Folders of a name cannot be listed, not even by root."""
    scandir = os.scandir

    def guarded(path: Any) -> Any:
        if str(path).endswith(name):
            raise OSError(number, os.strerror(number), path)
        return scandir(path)

    patch.setattr(os, "scandir", guarded)


@pytest.mark.parametrize("pattern", ["", "**", "**/*.json", "*/*.json", "*/deep/*.json"])
def test_a_folder_that_cannot_be_listed_is_named_and_the_rest_is_found(
    tmp_path: Path, pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tree(tmp_path)
    locked = "sub/deep" if "deep" in pattern else "sub"
    refuse(monkeypatch, f"logs/{locked}", errno.EACCES)
    found = discover([str(logs / pattern), str(logs / "a.json")])
    assert [os.path.relpath(source.uri, logs) for source in found] == ["a.json", locked]
    with pytest.raises(AccessDeniedError, match=f"cannot list {logs / locked}: Permission denied"):
        found[1].open()


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.EACCES, "Denied"), (errno.EIO, "Failed"), (errno.EMFILE, "Failed")]
)
def test_a_run_with_a_folder_that_cannot_be_listed_loads_the_rest(
    tmp_path: Path,
    number: int,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs, lake = tree(tmp_path), settings(tmp_path / "lake")
    monkeypatch.setenv("LOGLODE_KEY_FILE", str(lake.key_path))
    with monkeypatch.context() as locked:
        refuse(locked, "deep", number)
        report = operations.run(lake, [str(logs)])
        assert report.ledger.kinds == {"Loaded": 2, kind: 1}
        with pytest.raises(SystemExit) as stop:
            main(["run", str(logs), "--lake", str(tmp_path / "lake"), "--json"])
    assert stop.value.code == 1
    failed = json.loads(capsys.readouterr().out)["failed"]
    assert [text.partition(": ")[0] for text in failed] == [str(logs / "sub" / "deep")]
    assert load(lake, logs).ledger.kinds == {"Skipped": 2, "Loaded": 1}


@pytest.mark.parametrize("error", [AccessDeniedError("denied"), StorageBusyError("busy")])
def test_a_prefix_that_cannot_be_listed_fails_and_the_rest_is_loaded(
    tmp_path: Path, error: StorageError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after its first page."""

    def listed(place: S3Path, **_: Any) -> Any:
        yield S3Object(place / "a.json", 10, "etag", 1)
        raise error

    monkeypatch.setattr(listing, "list_objects", listed)
    found = discover(["s3://b/logs/", str(tree(tmp_path))])
    assert sum(source.uri.startswith("s3://") for source in found) == 2 and len(found) == 5
    (unlisted,) = (source for source in found if source.uri == "s3://b/logs/")
    with pytest.raises(type(error)):
        unlisted.head(10)


@pytest.mark.parametrize(
    "pattern",
    ["*", "**", "**/*", "*.json", "a.jso?", "[ab].json", "sub/*", "*/*.json", "**/deep/**", "./*.json", "sub//*",
     "sub/../*.json", "**/sub/**/*.json", "*/", "none*", "[", "a[.]json", "sub/deep/c.json"],
)  # fmt: skip
def test_a_glob_matches_what_it_matches_in_python(tmp_path: Path, pattern: str) -> None:
    logs = tree(tmp_path)
    write(logs / ".hidden" / "x.json", [line()])
    write(logs / "_named.json", [line()])
    whole = f"{logs}/{pattern}"
    wanted = {os.path.realpath(path) for path in glob.glob(whole, recursive=True) if Path(path).is_file()}
    try:
        found = {source.uri for source in discover([whole])}
    except SourceNotFoundError:
        found = set()
    assert found == wanted


def test_links_that_are_found_are_not_followed_and_links_that_are_named_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    logs = tree(tmp_path)
    outside = write(tmp_path / "outside" / "secret.json", [line()])
    (logs / "file.json").symlink_to(outside)
    (logs / "folder").symlink_to(outside.parent)
    (logs / "loop").symlink_to(logs)
    (logs / "dangling").symlink_to(tmp_path / "nowhere")
    own = ["a.json", "sub/b.json", "sub/deep/c.json"]
    for source in ("", "**", "**/*"):
        assert below(logs, logs / source) == own
    assert "--follow-links" in caplog.text and caplog.records[0].levelname == "WARNING"
    for source in ("*/secret.json", "s*/../folder/*", "file*"):
        with pytest.raises(SourceNotFoundError, match="symbolic links"):
            discover([str(logs / source)])
    for source in ("", "**", "**/*.json"):
        assert below(logs, logs / source, follows_links=True) == [*own, "../outside/secret.json"]
    for source in ("file.json", "folder", "folder/*"):
        assert below(logs, logs / source) == ["../outside/secret.json"]


@pytest.mark.parametrize("way", ["file", "link", "hard link", "glob"])
def test_no_way_leads_to_the_key(tmp_path: Path, way: str) -> None:
    logs = tree(tmp_path)
    key = logs / "pseudonym.key" if way in ("file", "glob") else tmp_path / "pseudonym.key"
    key.write_text("secret")
    if way == "link":
        (logs / "key.json").symlink_to(key)
    if way == "hard link":
        (logs / "key.json").hardlink_to(key)
    own = Surroundings(folders_of(tmp_path / "lake"), key)
    sources = [logs / "**"] if way == "glob" else [logs]
    assert len(below(logs, *sources, own=own, follows_links=True)) == 3
    named = logs / "key.json" if "link" in way else key
    with pytest.raises(SourceNotFoundError, match="of the lake itself"):
        discover([str(named)], own)


def test_a_source_never_contains_its_own_lake(tmp_path: Path) -> None:
    logs = tree(tmp_path)
    lake = settings_for(logs)
    for kind in ("Loaded", "Skipped", "Skipped"):
        assert load(lake, logs).ledger.kinds == {kind: 3}
    (tmp_path / "link").symlink_to(logs / "lake")
    for source in (logs / "lake", logs / "lake" / "silver", logs / "lake" / "**", tmp_path / "link"):
        with pytest.raises(SourceNotFoundError, match="of the lake itself"):
            load(lake, source)
    through_link = Settings.build(lake=tmp_path / "link")
    assert load(through_link, logs / "**").ledger.kinds == {"Skipped": 3}
    assert one(lake, "select count(*) from quarantine") == 0


@pytest.mark.parametrize(
    ("place", "left"),
    [
        ("s3://b/logs/lake", {"a.json", "gold.json", "gold/z", "lake.json", "lake/raw/b.json"}),
        ("s3://b/logs", {"a.json", "gold.json", "lake.json", "lake/raw/b.json", "lake/gold/x", "lake/ops/y"}),
        ("s3://b/other", None),
        ("s3://c", None),
        ("s3://b", None),
    ],
)
def test_a_source_on_s3_never_contains_its_own_lake(
    place: str, left: set[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ["a.json", "gold.json", "gold/z", "lake/gold/x", "lake/ops/y", "lake.json", "lake/raw/b.json"]
    found = [S3Object(S3Path("b", f"logs/{key}"), 10, key, 1) for key in keys]
    monkeypatch.setattr(listing, "list_objects", lambda *_, **__: iter(found))
    loaded = discover(["s3://b/logs/"], Surroundings(folders_of(S3Path.parse(place))))
    assert {object_.uri.removeprefix("s3://b/logs/") for object_ in loaded} == (left or set(keys))


def test_logs_may_lie_beside_the_tables_in_the_folder_of_a_lake(tmp_path: Path) -> None:
    """As in a bucket that is a lake and has a folder `bronze`."""
    lake = settings(tmp_path)
    (tmp_path / "bronze").mkdir()
    (tmp_path / "bronze" / "a.json").write_text(line() + "\n")
    for kind in ("Loaded", "Skipped", "Skipped"):
        assert load(lake, tmp_path / "bronze").ledger.kinds == {kind: 1}
    assert load(lake, tmp_path).ledger.kinds == {"Skipped": 1}
    with pytest.raises(SourceNotFoundError, match="of the lake itself"):
        load(lake, tmp_path / "gold")


def test_odd_names_are_loaded_and_shown_on_one_visible_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number, name in enumerate(ODD_NAMES):
        (logs / os.fsdecode(name)).write_text(line(path=f"/{number}") + "\n")
    lake = settings(tmp_path / "lake")
    report = load(lake, logs)
    assert report.ledger.kinds == {"Loaded": len(ODD_NAMES)}
    assert load(lake, *(logs / os.fsdecode(name) for name in ODD_NAMES)).ledger.kinds == {
        "Skipped": len(ODD_NAMES)
    }
    for name in ODD_NAMES:
        os.utime(logs / os.fsdecode(name), (1, 1))
    monkeypatch.setenv("LOGLODE_KEY_FILE", str(lake.key_path))
    with pytest.raises(SystemExit):
        main(["query", "select source_object from web_logs", "--lake", str(tmp_path / "lake")])
    monkeypatch.setattr(listing, "_file", lambda path: SourceObject(path, -1, 1))
    with pytest.raises(SystemExit) as stop:
        main(["run", str(logs), "--lake", str(tmp_path / "lake")])
    assert stop.value.code == 1
    shown = capsys.readouterr()
    assert shown.err.count("cannot read") == len(ODD_NAMES)
    assert all(c.isprintable() or c == "\n" for c in shown.out + shown.err)
    assert "\\xff\\xfe" in shown.err and "%20%0a%2F" in shown.err


@pytest.mark.parametrize("source", ["", "a\0b", "nowhere", "\udcff", "~", "/dev/null", "*" * 40])
def test_what_names_nothing_is_wrong_usage(
    source: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceNotFoundError, match="nothing to load"):
        discover([source])


PROGRAM = (sys.executable, "-m", "loglode", "run", "-", "--lake")


@pytest.mark.parametrize(
    ("redirection", "code", "message"),
    [
        ("<&-", 2, "standard input is closed"),
        ("< .", 1, "is a directory"),
        ("0> written", 1, "cannot read standard input"),
        ("< /dev/null", 0, ""),
    ],
)
def test_standard_input_that_is_none(tmp_path: Path, redirection: str, code: int, message: str) -> None:
    command = " ".join((*PROGRAM, "lake", redirection))
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert message in done.stderr


def test_few_file_descriptors_give_a_plain_error(tmp_path: Path) -> None:
    logs = tree(tmp_path)
    for limit in (6, 20, 64):
        command = f"ulimit -n {limit}; exec {sys.executable} -m loglode run {logs} --lake lake-{limit}"
        done = subprocess.run(
            ["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr.count("\n")) == ((0, 0) if limit == 64 else (1, 1)), done.stderr
        assert limit == 64 or f"only {limit} files may be open" in done.stderr
