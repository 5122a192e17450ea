"""Formats with header lines or a container around each line, registered like any other."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from tests.helpers.header_formats import CsvFormat, W3CFormat
from tests.helpers.logs import accepted, assert_verified, load, one, refused, settings_for, write

from loglode.formats import FORMATS, Format
from loglode.sources import lines as lines_module
from loglode_generator import GenerateSpec, generate

FIRST = "#Fields: date time cs-method cs-uri-stem sc-status"
OTHER = "#Fields: sc-status date time cs-uri-stem cs-method c-ip"


def register(monkeypatch: pytest.MonkeyPatch, fmt: Format) -> None:
    """Make a format known until the test ends."""
    monkeypatch.setitem(FORMATS, fmt.name, fmt)


@pytest.mark.parametrize("block", [24, 100, 1 << 20])
def test_directives_that_change_in_mid_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    register(monkeypatch, W3CFormat())
    monkeypatch.setattr(lines_module, "BLOCK_BYTES", block)
    settings = settings_for(tmp_path)
    log = write(
        tmp_path / "a.log",
        [
            "2026-03-04 05:06:00 GET /above 200", "#Software: server 1.0", FIRST, "2026-03-04 05:06:07 GET /a 200", "",
            "2026-03-04 05:06:08 GET /b 404", "200 2026-03-04 05:06:09 /early GET 192.0.2.1", OTHER,
            "200 2026-03-04 05:06:10 /c POST 192.0.2.1", "201 2026-03-04 05:06:11 /d PUT 192.0.2.2", FIRST,
            "2026-03-04 05:06:12 DELETE /e 204",
        ],
    )  # fmt: skip
    report = load(settings, log)
    assert (report.lines_read, report.rows_silver, report.blank_lines) == (12, 5, 5)
    assert accepted(settings, "a.log", "method, path, status") == [
        ("GET", "/a", 200), ("GET", "/b", 404), ("POST", "/c", 200), ("PUT", "/d", 201), ("DELETE", "/e", 204),
    ]  # fmt: skip
    assert [(number, reasons) for number, reasons, _ in refused(settings, "a.log")] == [
        (1, ["w3c_no_header"]),
        (7, ["w3c_columns"]),
    ]
    assert one(settings, "select count(distinct client_id) from web_logs") == 2
    assert_verified(settings)


def test_a_header_too_long_to_read_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines below it are refused, and not read by the header above it."""
    register(monkeypatch, W3CFormat())
    monkeypatch.setattr(lines_module, "MAX_LINE_BYTES", 100)
    settings = settings_for(tmp_path)
    long = FIRST + " cs-host" * 50
    load(settings, write(tmp_path / "a.log", [FIRST, "2026-03-04 05:06:07 GET /a 200", long, "2026-03-04 05:06:08 GET /b 200"]))  # fmt: skip
    assert accepted(settings, "a.log") == [("/a",)]
    assert [(number, reasons) for number, reasons, _ in refused(settings, "a.log")] == [
        (3, ["line_too_long"]),
        (4, ["w3c_no_header"]),
    ]


def test_each_object_has_its_own_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, CsvFormat())
    settings = settings_for(tmp_path)
    one_log = write(
        tmp_path / "a.csv", ["date,time,cs-method,cs-uri-stem,sc-status", "2026-03-04,05:06:07,GET,/a,200"]
    )
    two_log = tmp_path / "b.csv.gz"
    two_log.write_bytes(
        gzip.compress(
            b"\xef\xbb\xbfdate,time,sc-status,cs-uri-stem,cs-method\n2026-03-04,05:06:08,404,/b,PUT\n"
        )
    )
    report = load(settings, one_log, two_log)
    assert (report.rows_silver, report.blank_lines, report.lines_quarantined) == (2, 2, 0)
    assert accepted(settings, "a.csv", "method, path, status") == [("GET", "/a", 200)]
    assert accepted(settings, "b.csv.gz", "method, path, status") == [("PUT", "/b", 404)]


def test_a_line_inside_a_container(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    inner = '192.0.2.1 - - [04/Mar/2026:05:06:07 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl"\n'
    log = write(
        tmp_path / "a.json",
        [
            *(json.dumps({"log": text, "stream": "stdout"}) for text in (inner, inner.replace("/a", "/b"))),
            '{"log": 7}',
            "broken",
        ],
    )
    load(settings, log)
    assert accepted(settings, "a.json", "path, status, device") == [("/a", 200, "bot"), ("/b", 200, "bot")]
    # Quarantine holds the lines as they came.
    assert [raw for *_, raw in refused(settings, "a.json")] == ['{"log": 7}', "broken"]


def test_generated_logs_begin_with_the_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, W3CFormat())
    spec = GenerateSpec(
        out=tmp_path / "logs", events=300, days=2, format="w3c", compression="gzip", broken_share=0.1
    )
    facts = generate(spec)
    settings = settings_for(tmp_path)
    report = load(settings, tmp_path / "logs")
    assert report.blank_lines == 2 * len(facts.files)
    assert (report.rows_silver, report.lines_quarantined) == (facts.good_events, facts.broken_lines)
    assert report.lines_read == facts.lines
