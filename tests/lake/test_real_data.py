"""Real logs of others: every line is accounted for, and known facts come out through SQL."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.logs import assert_verified, load, one, rows, settings_for

from loglode.settings import Settings

FOLDERS = ("combined", "epa-http", "bitly", "crowdsec", "opensearch", "lnav", "advertools", "elb")
COMBINED = ("combined/apache_logs.log", "combined/wordpress_2016.log.gz")


@pytest.fixture(scope="module")
def real(real_logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake of all real logs, loaded in one run."""
    settings = settings_for(tmp_path_factory.mktemp("real"))
    report = load(settings, *(real_logs / folder for folder in FOLDERS))
    assert report.failed == []
    return settings


def _of(name: str) -> str:
    return f"source_object like '%/{name}'"


def _client(settings: Settings, address: str) -> str:
    """The pseudonym that an address gets, worked out by other means."""
    key = settings.key_path.read_text().strip()
    return hashlib.sha256(f"{key}:client:{address}".encode()).hexdigest()[:16]


def test_the_books_balance(real: Settings) -> None:
    assert_verified(real)


@pytest.mark.parametrize("name", COMBINED)
def test_facts_of_combined_logs(real: Settings, real_logs: Path, name: str) -> None:
    facts = json.loads((real_logs / "facts.json").read_text())[name]
    of = _of(name)
    assert one(real, f"select count(*) from web_logs where {of}") == facts["lines"]
    assert one(real, f"select count(*) from quarantine where {of}") == 0
    found = dict(rows(real, f"select status::varchar, count(*) from web_logs where {of} group by all"))
    assert found == facts["status"]
    assert one(real, f"select count(distinct client_id) from web_logs where {of}") == facts["uniq_hosts"]
    assert one(real, f"select sum(bytes_sent)::bigint from web_logs where {of}") == facts["bytes_sum"]
    methods = rows(
        real, f"select method, count(*) from web_logs where {of} and method is not null group by all"
    )
    assert dict(methods) == dict(facts["methods"])
    hosts = dict(rows(real, f"select client_id, count(*) from web_logs where {of} group by all"))
    top = {_client(real, address): count for address, count in facts["top_hosts"]}
    assert {client: hosts.get(client) for client in top} == top


@pytest.mark.parametrize("name", COMBINED)
def test_top_paths_and_times_of_combined_logs(real: Settings, real_logs: Path, name: str) -> None:
    facts = json.loads((real_logs / "facts.json").read_text())[name]
    of = _of(name)
    # The facts count whole targets: a path with a query is another one.
    plain = f"select path, count(*) from web_logs where {of} and query is null and method is not null"
    top = rows(real, f"{plain} group by path order by 2 desc, 1 limit 4")
    # "/?" and "/#top" have neither query nor another path: the root, four times.
    also = {"/": 4} if "wordpress" in name else {}
    assert [[path, count - also.get(path, 0)] for path, count in top] == facts["top_paths"]
    form = "%d/%b/%Y:%H:%M:%S %z"
    for word, edge in (("first", "min"), ("last", "max")):
        wanted = f"select strptime('{facts[word]}', '{form}') = {edge}(event_ts) from web_logs where {of}"
        assert one(real, wanted)


def test_gold_tells_the_same_totals(real: Settings) -> None:
    silver = rows(
        real, "select count(*), sum(bytes_sent)::bigint, count(*) filter (status >= 500) from web_logs"
    )
    gold = rows(
        real,
        "select sum(requests)::bigint, sum(bytes_sent)::bigint, sum(requests_5xx)::bigint from daily_metrics",
    )
    assert gold == silver


def test_a_format_of_its_own_is_kept_whole(real: Settings) -> None:
    of = _of("epa-http.log.gz")
    assert one(real, f"select count(*) from web_logs where {of}") == 0
    held, posts = rows(
        real, f"select count(*), count(*) filter (contains(raw, '\"POST ')) from quarantine where {of}"
    )[0]
    assert (held, posts) == (47_748, 1_622)


def test_clicks_are_no_requests(real: Settings) -> None:
    of = _of("bitly/clicks.ndjson")
    assert one(real, f"select count(*) from web_logs where {of}") == 0
    assert one(real, f"select count(*) from quarantine where {of}") == 3_560


@pytest.mark.parametrize("name", ["AppELBLog.log", "AWSLogs.log"])
def test_balancer_logs_are_kept_whole(real: Settings, name: str) -> None:
    taken = one(real, f"select count(*) from web_logs where {_of(name)}")
    held = one(real, f"select count(*) from quarantine where {_of(name)}")
    assert taken + held == 668


def test_latin_1_bytes(real: Settings, real_logs: Path) -> None:
    """A log of which some lines are Latin-1 and others are no text at all."""
    name = "advertools/combined_latin1_enc.log"
    form = re.compile(rb'^\S+ \S+ \S+ \[[^]]+\] "(?:[^"\\]|\\.)*" \d{3} (?:\d+|-)')
    lines = (real_logs / name).read_bytes().split(b"\n")
    good = [number for number, text in enumerate(lines, 1) if form.match(text)]
    found = rows(real, f"select source_line from web_logs where {_of(name)} order by 1")
    assert [number for (number,) in found] == good
    assert len(good) > 150


def test_lines_that_are_no_log_lines(real: Settings) -> None:
    of = _of("advertools/combined_with_errors.log")
    assert one(real, f"select count(*) from quarantine where {of} and raw like 'Error line %'") == 4
    # Its first two lines are those of its twin without errors: one object in two states, for all we know.
    assert one(real, f"select count(*) from web_logs where {of}") == 885 - 2
    assert one(real, f"select count(*) from web_logs where {_of('combined_no_errors.log')}") == 885


# crowdsec's own parser says what is in these; the folders are of formats that we read.
CLAIMED = (
    "apache2-logs", "apache2-malformed", "nginx_http-logs", "nginx-http-malformed", "caddy-logs", "traefik_json",
    "traefik_clf",
)  # fmt: skip
ASSERTION = re.compile(
    r'results\["s01-parse"\]\["[^"]+"\]\[(\d+)\]\.Evt\.(Meta|Parsed)\["(\w+)"\] == (.*)$', re.MULTILINE
)
WANTED = ("source_ip", "http_verb", "http_status", "http_path", "target_fqdn", "body_bytes_sent")


def _expected(folder: Path) -> Counter[tuple[Any, ...]]:
    """What another parser found: (address, method, status, path without query), where it says a status."""
    # Of a list of forwarded addresses theirs takes the last, ours the first: the client's.
    forwarded = {"10.0.0.50": "192.168.1.100"}
    events: dict[int, dict[str, str]] = defaultdict(dict)
    for number, _, key, text in ASSERTION.findall((folder / "parser.assert").read_text()):
        if key in WANTED:
            events[int(number)].setdefault(key, json.loads(text))
    found = (e for e in events.values() if e.get("http_status", "0") not in ("0", "-", ""))
    return Counter(
        (
            forwarded.get(e["source_ip"], e["source_ip"]),
            e.get("http_verb") or None,
            int(e["http_status"]),
            e.get("http_path") or None,
        )
        for e in found
    )


@pytest.mark.parametrize("folder", CLAIMED)
def test_another_parser_finds_the_same(real: Settings, real_logs: Path, folder: str) -> None:
    expected = _expected(real_logs / "crowdsec" / folder)
    assert expected
    found = rows(
        real,
        "select client_id, method, status, path, query from web_logs"
        f" where source_object like '%/crowdsec/{folder}/%' order by source_line",
    )
    ours = Counter((client, status) for client, _, status, _, _ in found)
    theirs: Counter[tuple[str, int]] = Counter()
    for (address, _, status, _), count in expected.items():
        theirs[_client(real, address), status] += count
    assert theirs - ours == Counter(), "their address and status, which we have not"
    shown = {(method, path) for _, method, _, path, _ in found}
    for _, method, _, path in expected:
        if path is not None and re.fullmatch(r"/[a-z/._-]*", path):
            assert (method, path) in shown


def test_caddy_and_cloudflare_rows(real: Settings) -> None:
    caddy = rows(
        real,
        "select host, path, status, bytes_sent, response_time_ms, epoch(event_ts), is_bot from web_logs"
        f" where {_of('lnav/logfile_caddy_log.1')} order by source_line",
    )
    assert caddy[0] == (
        "mirrors.tnonline.net",
        "/gentoo/gentoo-distfiles/distfiles/9b/tl-hrlatex.source-2021.tar.xz",
        200, 3768, pytest.approx(17.557019), pytest.approx(1716723772.601481, abs=1e-6), True,
    )  # fmt: skip
    cloudflare = rows(
        real,
        "select host, method, path, status, bytes_sent, country, referrer_host, epoch_ns(event_ts) from web_logs"
        f" where {_of('lnav/logfile_cloudflare.1')} order by source_line",
    )
    assert len(cloudflare) == 15
    assert cloudflare[0] == ("www.example.com", "GET", "/", 200, 12480, "US", None, 1712790000100000000)
    assert cloudflare[1][6] == "www.google.com"
    strings = rows(
        real,
        f"select host, method, status, event_ts::varchar, country from web_logs where {_of('logfile_cloudflare.json')}",
    )
    assert strings == [("www.ripe.net", "HEAD", 301, "2022-10-30 00:00:02+00", "RU")]


def test_traefik_rows(real: Settings) -> None:
    found = rows(
        real,
        "select method, path, status, response_time_ms, client_id from web_logs"
        " where source_object like '%/crowdsec/traefik_json/%.log' order by source_line",
    )
    assert [row[3] for row in found] == [0.357313, 0.564849, 2.001375, 1.5, 0.010158, 2.337877]
    # The first of a list of forwarded addresses is the client.
    assert found[-1][4] == _client(real, "192.168.1.100")


def test_opensearch_samples(real: Settings, real_logs: Path) -> None:
    """Requests as OpenTelemetry writes them, in an array: status and bytes as their samples say."""
    name = "opensearch/nginx/sample.json"
    sample = [event["http"] for event in json.loads((real_logs / name).read_text())]
    found = rows(
        real, f"select method, status, bytes_sent from web_logs where {_of(name)} order by source_line"
    )
    assert len(found) == len(sample)
    wanted = [
        (e["request"]["method"], int(e["response"]["status_code"]), e["response"]["bytes"]) for e in sample
    ]
    assert found == wanted
