"""Formats by their declarations alone, without a lake: which lines each format reads, and that none reads another's."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers.read_lines import read

from loglode.contract import load_contract
from loglode.errors import UsageError
from loglode.formats import FORMATS, known_format, look, named_format
from loglode.lineage import Column
from loglode.telemetry.graph import lineage_graph

FIXTURES = Path(__file__).parents[1] / "data" / "formats"
CLF = '192.0.2.1 - u17 [05/Oct/2026:08:15:00 +0000] "GET /a?q=1 HTTP/1.1" 200 512 "https://example.com/" "curl/8.5.0"'


def entries() -> dict[str, list[dict[str, Any]]]:
    """The fixtures' entries by format."""
    return {
        fmt.name: yaml.safe_load((FIXTURES / f"{fmt.name}.yaml").read_text("utf-8"))
        for fmt in FORMATS.values()
    }


def test_no_format_reads_lines_of_another() -> None:
    """A line that two formats accept says the same in both, as a common line behind a prefix does."""
    lines = [
        (name, entry["line"])
        for name, found in entries().items()
        for entry in found
        if entry.get("silver") and not entry["line"].startswith("#")
    ]
    # For CSV any line may be the header; what matters is which headers detection takes.
    for fmt in {fmt for fmt in FORMATS.values() if fmt.rank > 0 and fmt.header_prefix != b""}:
        others = [(name, line) for name, line in lines if name != fmt.name]
        rows = read(fmt, *(line for _, line in others))
        accepted = [name for (name, _), row in zip(others, rows, strict=True) if row["reason"] is None]
        assert not accepted, f"{fmt.name} reads lines of {accepted}"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("traefik", '203.0.113.77, 10.8.0.9 - - [14/Apr/2026:08:00:01 +0000] "GET / HTTP/1.1" 200 5 "-" "-" 1 "-" "-" 0ms'),
        ("envoy", '[2016-04-15T20:17:00.310Z] "GET /" 200 0 5 - HTTP/2" 204 - 1 0 2 1 "-" "a" "b" "c" "d'),
        ("haproxy", '192.0.2.4:3 [06/Feb/2009:12:14:14.655] in a/b 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET /cut'),
        ("alb", 'http - app/lb 192.0.2.39:2 10.0.0.1:80 0.1 0.1 0.1 200 200 34 7 "GET / HTTP/1.1'),
        ("s3", "-"),
    ],
)  # fmt: skip
def test_what_is_not_sure_is_refused(name: str, line: str) -> None:
    (row,) = read(FORMATS[name], line)
    assert row["reason"] is not None


WORDS = st.text(
    st.characters(codec="ascii", exclude_characters='\n\r"\\', categories=["L", "N", "P", "S", "Zs"]),
    max_size=30,
)


@given(target=WORDS, agent=WORDS)
def test_what_visitors_send_moves_no_other_part(target: str, agent: str) -> None:
    """Spaces, brackets, dashes and braces in the request or agent leave the other parts where they are."""
    line = (
        f'http 2018-11-30T22:23:00.186641Z app/lb/1 192.0.2.39:2817 10.0.0.1:80 0.001 0.001 0.001 200 200 34 7 "GET /{target} HTTP/1.1"'
        f' "{agent}" - - arn:aws:x "Root=1-5" "-" "-" 0 2018-11-30T22:22:48.364000Z "forward" "-" "-"'
    )
    (row,) = read(FORMATS["alb"], line)
    assert (row["reason"], row["status"], row["bytes_sent"], row["client_ip"]) == (
        None,
        "200",
        "7",
        "192.0.2.39",
    )
    assert row["event_ts"] == "2018-11-30T22:22:48.364000Z"
    assert row["request"] == f"GET /{target} HTTP/1.1"
    assert row["user_agent"] == (agent if agent not in ("", "-") else None)


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        (
            r'%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D',
            CLF + " 1500",
            {"client_ip": "192.0.2.1", "user_id": "u17", "path": "/a", "query": "q=1", "response_time_ms": "1.5", "user_agent": "curl/8.5.0"},
        ),
        (
            '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
            ' rt=$request_time uct="$upstream_connect_time"',
            CLF + ' rt=0.123 uct="0.001, 0.002"',
            {"response_time_ms": "123.0", "status": "200", "bytes_sent": "512", "referrer": "https://example.com/"},
        ),
        (
            '%v:%p %{X-Forwarded-For}i %u %{%Y-%m-%dT%H:%M:%S%z}t "%m %U%q %H" %>s %O %{ms}T',
            'www.example.org:80 192.0.2.9, 10.1.1.1 - 2026-10-05T08:15:00+0200 "GET /a?q=1 HTTP/1.1" 200 - 12',
            {"host": "www.example.org", "client_ip": "192.0.2.9", "method": "GET", "path": "/a", "query": "q=1", "bytes_sent": "0",
             "response_time_ms": "12.0", "event_ts": "2026-10-05T08:15:00+0200"},
        ),
        (
            "${time_iso8601}|$host|$request_method|$request_uri|$status|$remote_addr",
            "2026-10-05T08:15:00+00:00|a.example|PUT|/x y|201|2001:db8::1",
            {"host": "a.example", "method": "PUT", "path": "/x y", "status": "201", "client_ip": "2001:db8::1"},
        ),
    ],
)  # fmt: skip
def test_patterns(pattern: str, line: str, expected: dict[str, str]) -> None:
    fmt = named_format(pattern)
    assert fmt is not None
    row, other = read(fmt, line, "what is not of the pattern")
    assert row["reason"] is None
    assert {name: row[name] for name in expected} == expected
    assert other["reason"] == "pattern_invalid"
    assert look(f"{line}\n".encode(), pattern).format.sniff(f"{line}\n".encode()) == 1


@pytest.mark.parametrize("pattern", ["%h %u", "$remote_addr $status", "%t%s %b", "no-such-format"])
def test_patterns_that_cannot_be_read(pattern: str) -> None:
    with pytest.raises(UsageError):
        named_format(pattern)


def test_lines_of_other_formats_are_refused_by_name() -> None:
    found = read(FORMATS["alb"], CLF, '{"time": 1}', "2015-05-13T23:39:43.945958Z lb 192.0.2.39:2817 10.0.0.1:80 0.1 0.1 0.1 200 200 0 29"
                 ' "GET http://a:80/ HTTP/1.1" "curl/7.38.0" - -', "noise")  # fmt: skip
    assert [row["reason"] for row in found] == [
        "format_other:combined",
        "format_other:json",
        "format_other:elb",
        "alb_invalid",
    ]


@pytest.mark.parametrize("name", ["alb", "w3c", "csv", '%h %l %u %t "%r" %>s %b'])
def test_every_format_has_lineage(name: str) -> None:
    """Events of a load name the columns of each format, and those of a pattern."""
    assert lineage_graph(load_contract(), name).fields(Column("web_logs", "status")) == {"status"}


@pytest.mark.parametrize("name", ["traefik", "w3c", "csv", "%h %t %s"])
def test_formats_travel_to_other_processes(name: str) -> None:
    fmt = known_format(name)
    fmt.sniff(f"{CLF}\n".encode())
    again = pickle.loads(pickle.dumps(fmt))  # noqa: S301 - made here
    assert (again.name, again.sniff(f"{CLF}\n".encode())) == (name, fmt.sniff(f"{CLF}\n".encode()))


def test_what_a_shipper_wraps_may_be_anything() -> None:
    """A line that only begins like one of Docker's is no reason to fail."""
    assert look(b'{"log":"x","a":' + b"[" * 60_000).format.name == "json"
