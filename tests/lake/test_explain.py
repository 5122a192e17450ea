"""`loglode explain`, `loglode formats`, and formats that a user describes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from tests.helpers.logs import accepted, load, reasons_of, settings_for, write

from loglode import operations
from loglode.cli.main import main
from loglode.contract import load_contract
from loglode.formats import FORMATS

PATTERN = '%h [%{%Y-%m-%dT%H:%M:%SZ}t] "%r" %>s %b %D'
LINE = '192.0.2.1 [2026-03-04T05:06:07Z] "GET /a HTTP/1.1" 200 12 1500'


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_explain_shows_what_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = write(
        tmp_path / "a.log",
        [
            'http 2018-11-30T22:23:00.186641Z app/lb/1 192.0.2.39:2817 10.0.0.1:80 0.001 0.001 0.001 200 200 34 7'
            ' "GET http://w:80/\x1b[31m HTTP/1.1" "-" - -',
            "broken",
        ],
    )  # fmt: skip
    text = run(capsys, "explain", str(log), "--lines", "5")
    assert "format         alb" in text and "score 0.50" in text
    assert "response_time_ms  3.0   (sum of the request, target and response times" in text
    assert "line 2  rejected: alb_invalid" in text and "first lines    accepted 1, alb_invalid 1" in text
    assert "every line leaves user_agent empty" in text
    assert "\x1b" not in text and "\\x1b[31m" in text
    found = json.loads(run(capsys, "explain", str(log), "--lines", "1", "--json"))
    assert found["lines"][0]["fields"]["client_ip"] == "192.0.2.39"
    assert "referrer" in found["empty_fields"] and found["format"] == "alb"


def test_explain_says_what_to_do_where_no_format_matches(tmp_path: Path) -> None:
    found = operations.explain(str(write(tmp_path / "a.log", ["what ever this is", "more of it"])))
    assert found.score == 0
    assert any("--format" in text for text in found.advice)


def test_formats_are_listed_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "formats", "--json"))["formats"]
    assert {fmt["name"] for fmt in found} == FORMATS.keys()
    assert all(fmt["example"] and fmt["title"] for fmt in found)


def test_a_pattern_is_a_format(tmp_path: Path) -> None:
    """Rejected lines remember the pattern, and a replay reads them by it."""
    settings = settings_for(tmp_path)
    log = write(tmp_path / "a.log", [LINE, "noise", LINE.replace("03-04", "02-31")])
    load(settings, log, format=PATTERN)
    assert accepted(settings, "a.log", "path, response_time_ms, bytes_sent") == [("/a", 1.5, 12)]
    assert reasons_of(settings, "a.log") == ["pattern_invalid", "event_ts_invalid"]
    operations.replay_quarantine(settings)
    assert reasons_of(settings, "a.log") == ["pattern_invalid", "event_ts_invalid"]


def test_a_pattern_in_the_contract_takes_part_in_detection(tmp_path: Path) -> None:
    text = Path(load_contract.__code__.co_filename).with_name("web_logs.odcs.yaml").read_text("utf-8")
    document = yaml.safe_load(text)
    document["customProperties"].append({"property": "logFormat", "value": PATTERN})
    contract = tmp_path / "own.yaml"
    contract.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    settings = settings_for(tmp_path, contract=str(contract))
    own = write(tmp_path / "own.log", [LINE])
    other = write(
        tmp_path / "other.log",
        ['192.0.2.1 - - [04/Mar/2026:05:06:07 +0000] "GET /b HTTP/1.1" 200 5 "-" "curl"'],
    )
    load(settings, own, other)
    assert accepted(settings, "own.log") == [("/a",)]
    assert accepted(settings, "other.log") == [("/b",)]
