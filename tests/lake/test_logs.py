"""Logs: one set of keys, one line an entry whatever strangers wrote, and nothing of what is mined."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers.lakes import KEY, log_lines, records, write

from loglode import logs, operations
from loglode.cli.main import main
from loglode.errors import UsageError
from loglode.logs import Lines
from loglode.settings import Settings
from loglode.sources import SourceObject
from loglode.sources.objects import FirstBytes

SOURCE = Path(__file__).parents[2] / "src"
ANY_TEXT = st.text(st.characters(exclude_categories=()))
EVIL = "evil\x1b]0;owned\x07\x1b[31m\n\u202e.json"
CANARIES: dict[str, Any] = {
    "user_id": "canary@example.com",
    "ip": "203.0.113.77",
    "url": "/account?token=canary-token&next=1",
    "user_agent": "canary-agent/1",
}
SECRETS = ("canary", "203.0.113.77", KEY)


def said(form: logs.Form, level: int, message: str, **facts: object) -> str:
    record = logging.LogRecord("loglode.x", level, "x.py", 1, message, None, None)
    vars(record).update(facts)
    return Lines("cli", form).format(record)


@given(ANY_TEXT, ANY_TEXT, st.dictionaries(ANY_TEXT, st.integers(), max_size=3))
def test_whatever_is_said_is_one_clean_line(message: str, name: str, counts: dict[str, int]) -> None:
    for level in (logging.INFO, logging.ERROR):
        text = said("text", level, message, object=name, counts=counts)
        assert text.isprintable()
        line = said("json", level, message, object=name, counts=counts)
        assert line.isascii() and line.isprintable()
        assert json.loads(line)["message"] == message[: logs.MAX_TEXT]


def test_facts_without_a_known_name_are_not_said() -> None:
    facts = {"table": "web_logs", "version": 0, "batch_id": "", "raw": "10.0.0.1", "hint": None}
    line = json.loads(said("json", logging.INFO, "committed", **facts))
    assert list(line) == ["timestamp", "level", "service", "message", "table", "version"]
    assert len(json.loads(said("json", logging.INFO, "x" * 9_000))["message"]) == logs.MAX_TEXT


def loglode(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert isinstance(stop.value.code, int)
    return stop.value.code


def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lines with canaries: accepted, refused, no records at all, gone; in files with names to match."""
    lines: list[Any] = [
        *records(20, **CANARIES),
        *records(3, timestamp="canary", **CANARIES),
        f"broken {CANARIES}",
    ]
    gone = tmp_path / f"{EVIL}.gone"
    head = SourceObject.head

    def head_after(source: SourceObject, count: int, folder: Path | None) -> FirstBytes:
        gone.unlink(missing_ok=True)
        return head(source, count, folder)

    monkeypatch.setattr(SourceObject, "head", head_after)
    return [str(write(tmp_path / EVIL, lines)), str(write(gone, lines))]


@pytest.mark.parametrize("form", ["json", "text"])
def test_nothing_of_the_lines_is_in_the_logs(
    tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGLODE_CORRELATION_ID", "c-1")
    monkeypatch.setenv("LOGLODE_LOG_FORMAT", form)
    (tmp_path / "key").write_text(KEY, encoding="ascii")
    monkeypatch.setenv("LOGLODE_KEY_FILE", str(tmp_path / "key"))
    lake = ["--lake", str(tmp_path / "lake"), "--log-level", "debug"]
    assert loglode("run", *hostile(tmp_path, monkeypatch), *lake) == 1
    for words in (["quarantine", "replay"], ["maintain"], ["query", "select nothing from web_logs"]):
        loglode(*words, *lake)
    operations.quality_gate(Settings.build(lake=tmp_path / "lake"), "c-1")
    shown = capsys.readouterr().err
    assert not [word for word in SECRETS if word in shown]
    assert all(line.isprintable() for line in shown.splitlines())
    if form == "text":
        assert f"error: cannot read {tmp_path}/evil\\x1b]0;owned" in shown
        return
    told = log_lines(shown)
    assert len(told) == len(shown.splitlines())
    assert {(line["service"], line["correlation_id"]) for line in told} == {("cli", "c-1")}
    assert {line["level"] for line in told} == {"INFO", "WARNING", "ERROR"}
    assert {line.get("step") for line in told} >= {"bronze_to_silver", "silver_to_gold", "maintain"}
    (loaded,) = [line for line in told if line["message"] == "batch loaded"]
    assert (loaded["table"], loaded["version"], loaded["counts"]["lines_quarantined"]) == ("web_logs", 1, 4)
    (failed, wrong) = [line for line in told if line["level"] == "ERROR"]
    assert EVIL in failed["object"] and failed["error"] == "ObjectGoneError"
    assert wrong["error"] == "QueryError"


def test_quiet_unless_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, lake = str(write(tmp_path / "in.json", records(3))), ["--lake", str(tmp_path / "lake")]
    assert loglode("run", source, *lake) == 0
    assert not capsys.readouterr().err
    assert loglode("--log-level", "info", "run", source, *lake) == 0
    assert not capsys.readouterr().err, "nothing was done the second time"
    assert loglode("--log-format", "json", "query", "nonsense", *lake, "--debug") == 1
    (line,) = log_lines(capsys.readouterr().err)
    assert "Traceback" in line["traceback"] and line["level"] == "ERROR"


def test_words_in_the_environment_that_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGLODE_LOG_LEVEL", "loud")
    with pytest.raises(UsageError, match="loud"):
        logs.configure("cli")


def test_the_package_says_nothing_unasked(tmp_path: Path) -> None:
    source = write(tmp_path / "in.json", ["broken"])
    code = f"from loglode import operations as p, settings as s; p.run(s.Settings.build(lake='lake'), [{str(source)!r}])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(SOURCE)},
        capture_output=True, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (b"", b"")
