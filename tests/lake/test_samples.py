"""One sample of each kind of log, with the rows that it must give: the decisive cases, without logs of others.

Addresses are those reserved for documentation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pytest
from tests.helpers.logs import accepted, assert_verified, load, one, refused, rows, settings_for

from loglode.settings import Settings

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
HEADLESS = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/124.0.0.0 Safari/537.36"

COMBINED = (
    f"""\
192.0.2.1 - - [17/May/2026:10:05:03 +0000] "GET /shop/item-1?utm_source=mail&id=7 HTTP/1.1" 200 2000 "https://www.Example.org/list?q=1" "{FIREFOX}"
192.0.2.1 - jane [17/May/2026:10:05:04 +0200] "POST /cart HTTP/2.0" 302 - "-" "{FIREFOX}"
2001:db8::7 - - [17/May/2026:23:59:59 -0100] "HEAD / HTTP/1.0" 304 0 "-" "-"
192.0.2.9 - - [18/May/2026:00:00:00 +0000] "GET /favicon.ico HTTP/1.1" 404 209 "-" "{HEADLESS}"
192.0.2.9 - - [18/May/2026:00:00:01 +0000] "-" 408 - "-" "-"
192.0.2.9 - - [18/May/2026:00:00:02 +0000] "\\x16\\x03\\x01" 400 226 "-" "-"
this line is no log line
192.0.2.9 - - [32/May/2026:00:00:02 +0000] "GET / HTTP/1.1" 200 5 "-" "-"
192.0.2.9 - - [18/May/2026:00:00:03 +0000] "GET / HTTP/1.1" 99 5 "-" "-"
""".encode()
    + b"""\
192.0.2.9 - - [18/May/2026:00:00:04 +0000] "GET /caf\xe9 HTTP/1.1" 200 5 "-" "-"
\xff\xfe\xfd
"""
)
COMMON = b"""\
192.0.2.1 - frank [10/Oct/2026:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326
192.0.2.1 - - [10/Oct/2026:13:55:37 -0700] "GET /a HTTP/1.0" 500 -
"""
CADDY = [
    {
        "level": "info",
        "ts": 1716723772.6014807,
        "logger": "http.log.access.log17",
        "msg": "handled request",
        "request": {
            "remote_ip": "192.0.2.1",
            "client_ip": "192.0.2.1",
            "proto": "HTTP/2.0",
            "method": "GET",
            "host": "mirror.example",
            "uri": "/distfiles/9b/a.tar.xz?x=1",
            "headers": {
                "User-Agent": ["facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"]
            },
        },
        "user_id": "",
        "duration": 0.017557019,
        "size": 3768,
        "status": 200,
    },
]
CLOUDFLARE = [
    {
        "ClientIP": "192.0.2.1",
        "ClientRequestHost": "www.example.com",
        "ClientRequestMethod": "GET",
        "ClientRequestURI": "/",
        "ClientRequestUserAgent": FIREFOX,
        "ClientRequestReferer": "https://www.google.com/x",
        "EdgeResponseBytes": 12480,
        "EdgeResponseStatus": 200,
        "EdgeStartTimestamp": 1712790000100000000,
        "ClientCountry": "us",
    },
    {
        "ClientIP": "192.0.2.1",
        "ClientRequestHost": "www.example.com",
        "ClientRequestMethod": "HEAD",
        "ClientRequestURI": "/",
        "EdgeResponseBytes": 570,
        "EdgeResponseStatus": 301,
        "EdgeStartTimestamp": "2022-10-30T00:00:02Z",
        "ClientCountry": "ru",
    },
]
TRAEFIK = [
    {
        "ClientAddr": "192.0.2.200:39496",
        "ClientHost": "192.0.2.1, 192.0.2.50",
        "ClientUsername": "-",
        "DownstreamContentSize": 357,
        "DownstreamStatus": 200,
        "Duration": 357313,
        "RequestHost": "shop.example",
        "RequestMethod": "GET",
        "RequestPath": "/594VAEoi.save",
        "RequestProtocol": "HTTP/1.1",
        "StartUTC": "2026-12-08T14:02:43.587782192Z",
        "request_User-Agent": "Nikto",
    },
]
OPENTELEMETRY = [
    {
        "@timestamp": "2026-06-19T16:59:05.000Z",
        "communication": {"source": {"ip": "192.0.2.1"}},
        "http": {
            "response": {"status_code": "200", "bytes": 956},
            "url": "/a.html",
            "request": {"method": "GET"},
        },
    },
    {
        "@timestamp": "2026-06-19T16:59:06.000Z",
        "communication": {"source": {"ip": "192.0.2.2"}},
        "http": {
            "response": {"status_code": "404", "bytes": 0},
            "url": "/b.html",
            "request": {"method": "PUT"},
        },
    },
]
OTHERS = {
    "clicks.ndjson": b'{"a": "Mozilla/5.0", "c": "US", "tz": "America/New_York", "g": "A6qOVH", "u": "http://x.example/"}\n' * 3,
    "own.log": b'host.example [29:23:53:25] "GET /Software.html HTTP/1.0" 200 1497\n' * 4,
}  # fmt: skip


def lines(events: Sequence[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(event)}\n" for event in events).encode()


SAMPLES = {
    "combined.log": COMBINED,
    "common.log": COMMON,
    "caddy.json": lines(CADDY),
    "cloudflare.json": lines(CLOUDFLARE),
    "traefik.json": lines(TRAEFIK),
    "opentelemetry.json": json.dumps(OPENTELEMETRY, indent=2).encode(),
    **OTHERS,
}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake of all samples, loaded in one run."""
    folder = tmp_path_factory.mktemp("samples")
    (folder / "bronze").mkdir()
    for name, content in SAMPLES.items():
        (folder / "bronze" / name).write_bytes(content)
    settings = settings_for(folder)
    assert load(settings, folder / "bronze").failed == []
    return settings


def client(settings: Settings, address: str) -> str:
    """The pseudonym of an address, computed by other means."""
    key = settings.key_path.read_text().strip()
    return hashlib.sha256(f"{key}:client:{address}".encode()).hexdigest()[:16]


def test_row_counts_reconcile(samples: Settings) -> None:
    assert_verified(samples)


def test_combined_lines(samples: Settings) -> None:
    columns = "source_line, method, path, query, status, bytes_sent, epoch(event_ts)::bigint"
    assert accepted(samples, "combined.log", columns) == [
        (1, "GET", "/shop/item-1", "utm_source=mail&id=7", 200, 2000, 1779012303),
        (2, "POST", "/cart", None, 302, 0, 1779005104),
        (3, "HEAD", "/", None, 304, 0, 1779065999),
        (4, "GET", "/favicon.ico", None, 404, 209, 1779062400),
        (5, None, None, None, 408, 0, 1779062401),
        (6, None, None, None, 400, 226, 1779062402),
        (9, "GET", "/", None, None, 5, 1779062403),
        (10, "GET", "/caf\\xe9", None, 200, 5, 1779062404),
    ]
    assert [(number, list(reasons)) for number, reasons, _ in refused(samples, "combined.log")] == [
        (7, ["combined_invalid"]),
        (8, ["event_ts_invalid"]),
        (11, ["combined_invalid"]),
    ]


def test_visitors_of_combined_lines(samples: Settings) -> None:
    columns = "client_id, client_network, referrer_host, utm_source, browser, os, device, is_bot, user_id is not null"
    found = accepted(samples, "combined.log", columns)
    jane = (client(samples, "192.0.2.1"), "192.0.2.0/24")
    firefox = ("Firefox", "Linux", "desktop", False)
    assert found[:4] == [
        (*jane, "www.example.org", "mail", *firefox, False),
        (*jane, None, None, *firefox, True),
        (client(samples, "2001:db8::7"), "2001:db8::/48", None, None, None, None, "bot", True, False),
        (client(samples, "192.0.2.9"), "192.0.2.0/24", None, None, "Chrome", "Linux", "bot", True, False),
    ]


def test_common_lines(samples: Settings) -> None:
    assert accepted(
        samples, "common.log", "path, status, bytes_sent, user_id is not null, event_ts::varchar"
    ) == [
        ("/apache_pb.gif", 200, 2326, True, "2026-10-10 20:55:36+00"),
        ("/a", 500, 0, False, "2026-10-10 20:55:37+00"),
    ]


def test_caddy_lines(samples: Settings) -> None:
    columns = "host, path, query, status, bytes_sent, response_time_ms, epoch_us(event_ts), is_bot"
    assert accepted(samples, "caddy.json", columns) == [
        (
            "mirror.example", "/distfiles/9b/a.tar.xz", "x=1", 200, 3768, pytest.approx(17.557019),
            pytest.approx(1716723772601481, abs=1), True,
        ),
    ]  # fmt: skip


def test_cloudflare_lines(samples: Settings) -> None:
    columns = "host, method, path, status, bytes_sent, country, referrer_host, epoch_ns(event_ts)"
    assert accepted(samples, "cloudflare.json", columns) == [
        ("www.example.com", "GET", "/", 200, 12480, "US", "www.google.com", 1712790000100000000),
        ("www.example.com", "HEAD", "/", 301, 570, "RU", None, 1667088002000000000),
    ]


def test_traefik_lines(samples: Settings) -> None:
    columns = "method, path, status, bytes_sent, response_time_ms, client_id, host"
    # Of a list of forwarded addresses the first is the client.
    expected = ("GET", "/594VAEoi.save", 200, 357, 0.357313, client(samples, "192.0.2.1"), "shop.example")
    assert accepted(samples, "traefik.json", columns) == [expected]


def test_opentelemetry_events_in_an_array(samples: Settings) -> None:
    assert accepted(samples, "opentelemetry.json", "method, status, bytes_sent") == [
        ("GET", 200, 956),
        ("PUT", 404, 0),
    ]


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_access_log_is_rejected_line_by_line(samples: Settings, name: str) -> None:
    assert accepted(samples, name) == []
    assert [raw.encode() + b"\n" for _, _, raw in refused(samples, name)] == OTHERS[name].splitlines(
        keepends=True
    )


def test_gold_has_the_same_totals(samples: Settings) -> None:
    silver = rows(
        samples, "select count(*), sum(bytes_sent)::bigint, count(*) filter (status >= 500) from web_logs"
    )
    sums = "sum(requests)::bigint, sum(bytes_sent)::bigint, sum(requests_5xx)::bigint"
    assert rows(samples, f"select {sums} from daily_metrics") == silver
    assert one(samples, "select sum(requests)::bigint from route_metrics") == silver[0][0]
