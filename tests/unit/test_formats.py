"""Formats: which texts each finds in a line."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from tests.helpers.logs import line

from loglode.contract import load_contract
from loglode.formats import FORMATS, Format, look
from loglode.silver.canonical import canonical
from loglode.silver.layers import column
from loglode.sources.lines import SCHEMA, LineReader

CONTRACT = load_contract()
CONNECTION = duckdb.connect(config={"threads": "1"})


class Bytes:
    """A stream of bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int) -> bytes:
        taken, self._data = self._data[:size], self._data[size:]
        return taken


def read(fmt: Format, *lines: str | bytes, known_keys: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    """For each line: `is_malformed` and what stands under each field's name, nulls left out."""
    data = b"\n".join(text.encode() if isinstance(text, str) else text for text in lines) + b"\n"
    batches = list(LineReader("x", Bytes(data)).batches())  # type: ignore[arg-type]
    CONNECTION.register("lines", pa.Table.from_batches(batches, SCHEMA))
    texts = {f.name: column("raw", f.name) for f in CONTRACT.read_fields}
    more = {"is_malformed": column("line", "is_malformed"), "number": column("line", "source_line")}
    select = canonical(CONTRACT, fmt, known_keys).select({**texts, **more})
    cursor = CONNECTION.execute(f"select * exclude (number) from ({select}) order by number")
    names = [described[0] for described in cursor.description or []]
    rows = cursor.fetchall()
    return [{name: v for name, v in zip(names, row, strict=True) if v is not None} for row in rows]


def combined(text: str | bytes) -> dict[str, Any]:
    (found,) = read(FORMATS["combined"], text)
    return found


STAMP = "[10/Oct/2000:13:55:36 -0700]"
BASE = {
    "event_ts": "10/Oct/2000:13:55:36 -0700", "client_ip": "127.0.0.1", "method": "GET", "path": "/a", "status": "200",
    "bytes_sent": "2326", "request": "GET /a HTTP/1.0", "is_malformed": False,
}  # fmt: skip


def test_combined() -> None:
    found = combined(
        f'127.0.0.1 - frank {STAMP} "GET /a HTTP/1.0" 200 2326 "http://www.example.com/s.html" "M/4.08 [en]"'
    )
    assert found == {
        **BASE, "user_id": "frank", "referrer": "http://www.example.com/s.html", "user_agent": "M/4.08 [en]",
    }  # fmt: skip


def test_common() -> None:
    assert combined(f'127.0.0.1 - - {STAMP} "GET /a HTTP/1.0" 200 2326') == BASE
    assert combined(f'127.0.0.1 - - {STAMP} "GET /a HTTP/1.0" 200 2326\r') == BASE
    assert combined(f'127.0.0.1 - - {STAMP} "GET /a HTTP/1.0" 200 -')["bytes_sent"] == "0"


def test_extra_fields_at_the_end_are_ignored() -> None:
    found = combined(
        f'127.0.0.1 - - {STAMP} "GET /a HTTP/1.0" 200 2326 "-" "curl" 17 "router" "http://10.0.0.1" 3ms'
    )
    assert found == {**BASE, "user_agent": "curl"}


@pytest.mark.parametrize("host", ["www.example.com", "www.example.com:443", "WWW.Example.COM"])
def test_a_virtual_host_in_front(host: str) -> None:
    found = combined(f'{host} 127.0.0.1 - - {STAMP} "GET /a HTTP/1.0" 200 2326 "-" "-"')
    assert found == {**BASE, "host": "www.example.com", "user_agent": ""}


@pytest.mark.parametrize("user", ["frank", "frank@example.com", 'fr\\"ank'])
def test_users(user: str) -> None:
    for front in ("", "v.example "):
        found = combined(f'{front}127.0.0.1 - {user} {STAMP} "GET /a HTTP/1.0" 200 2326 "-" "-"')
        if "\\" not in user:
            assert (found["user_id"], found["client_ip"]) == (user, "127.0.0.1")


@pytest.mark.parametrize(
    ("logged", "address"),
    [
        ("2001:db8::1", "2001:db8::1"), ("::1", "::1"), ("::ffff:10.1.2.3", "10.1.2.3"),
        ("10.1.2.3:5678", "10.1.2.3"), ("client.example.net", "client.example.net"),
    ],
)  # fmt: skip
def test_clients(logged: str, address: str) -> None:
    assert combined(f'{logged} - - {STAMP} "GET /a HTTP/1.0" 200 2326')["client_ip"] == address


def test_escaped_quotes() -> None:
    found = combined(
        f'127.0.0.1 - - {STAMP} "GET /a\\"b HTTP/1.0" 200 5 "http://x.example/\\"q\\"" "say \\"hi\\" \\\\o/"'
    )
    assert found["path"] == '/a"b'
    assert found["referrer"] == 'http://x.example/"q"'
    assert found["user_agent"] == 'say "hi" \\o/'
    # A backslash before the closing quote is one of the text's own.
    assert combined(f'127.0.0.1 - - {STAMP} "GET /a HTTP/1.0" 200 5 "-" "C:\\\\"')["user_agent"] == "C:\\"


@pytest.mark.parametrize(
    "request_line",
    [
        r"\x16\x03\x01\x02\x00\x01",
        "-",
        "",
        "GET",
        "\\n",
        "SSH-2.0-Go",
        "\x05\x01\x00",
        "/a HTTP/1.1",
    ],
)
def test_a_request_that_is_none_has_no_method_and_no_path(request_line: str) -> None:
    found = combined(f'127.0.0.1 - - {STAMP} "{request_line}" 400 226 "-" "-"')
    assert (found.get("method"), found.get("path"), found["status"]) == (None, None, "400")


@pytest.mark.parametrize(
    "method",
    ["PROBE", "MKCALENDAR", "SSTP_DUPLEX_POST", "PRI", "get", "M-SEARCH", "Post", "G3T", "a.b", "X" * 90],
)
def test_any_token_is_a_method(method: str) -> None:
    found = combined(f'127.0.0.1 - - {STAMP} "{method} /a HTTP/1.1" 400 226 "-" "-"')
    assert (found["method"], found["path"]) == (method.upper(), "/a")


@pytest.mark.parametrize(
    ("target", "path", "query", "host"),
    [
        ("/", "/", None, None), ("/a?b=c", "/a", "b=c", None), ("/a?", "/a", None, None), ("/a?b?c", "/a", "b?c", None),
        ("/a#f", "/a", None, None), ("*", "*", None, None), ("http://h.example/a?b", "/a", "b", "h.example"),
        ("http://h.example:8080", "/", None, "h.example"), ("http://u:p@h.example/a", "/a", None, "h.example"),
        ("http://h.example?q=1", "/", "q=1", "h.example"), ("//a//b", "//a//b", None, None),
        ("/go?to=http://x.example/y", "/go", "to=http://x.example/y", None), ("/with space/x", "/with space/x", None, None),
        ("http://[2001:db8::1]:80/a", "/a", None, "2001:db8::1"), ("h.example:443", "h.example:443", None, None),
    ],
)  # fmt: skip
def test_targets(target: str, path: str, query: str | None, host: str | None) -> None:
    found = combined(f'127.0.0.1 - - {STAMP} "GET {target} HTTP/1.1" 200 5')
    assert (found["path"], found.get("query"), found.get("host")) == (path, query, host)


@pytest.mark.parametrize(
    "text", ["", "-", "x", '"', '"""', "[", f"127.0.0.1 - - {STAMP} GET /a 200", '1 - - "GET / x" 200 5']
)
def test_lines_that_are_not_combined(text: str) -> None:
    assert combined(text + " ")["is_malformed"]


def test_bytes_that_are_no_text_stay_visible() -> None:
    assert combined(b'127.0.0.1 - - [x] "GET /caf\xe9 HTTP/1.1" 200 5')["path"] == "/caf\\xe9"


KEYS = [
    frozenset[str](),
    frozenset({"timestamp", "status"}),
    frozenset({"timestamp", "status", "path", "method", "remote_addr"}),
    frozenset({"timestamp", "method", "path", "url", "status", "user_id", "username", "user_agent"}),
]


@pytest.mark.parametrize("known_keys", KEYS, ids=len)
def test_json_is_read_alike_whatever_keys_were_seen_before(known_keys: frozenset[str]) -> None:
    texts = (
        line(),
        line(path=None, uri="/b?c=d", user_agent="x"),
        line(status="404", remote_addr="10.0.0.1", bytes=None),
        line(user={"id": "u1"}, http={"request": {"referrer": "http://r.example/"}}),
        line(path="", url="/c", user_id="-", username="u2"),
        line(user_id="u3", username="u2", user_agent="-"),
        line(unknown='"status":', other={"path": "/no"}),
        '{"timestamp":"2026-03-04T05:06:07Z" , "status" : 200, "path" : null, "uri":"/d"}',
        line(**{"http.request.method": "PUT"}, method=None),
    )
    found = read(FORMATS["json"], *texts, known_keys=known_keys)
    stamp = {"event_ts": "2026-03-04T05:06:07Z", "status": "200", "is_malformed": False}
    usual = {**stamp, "method": "GET", "path": "/"}
    assert found == [
        usual,
        {**usual, "path": "/b", "query": "c=d", "user_agent": "x"},
        {**usual, "status": "404", "client_ip": "10.0.0.1"},
        {**usual, "user_id": "u1", "referrer": "http://r.example/"},
        {**usual, "path": "/c", "user_id": "u2"},
        {**usual, "user_id": "u3", "user_agent": ""},
        usual,
        {**stamp, "path": "/d"},
        {**usual, "method": "PUT"},
    ]


def test_caddy_and_traefik() -> None:
    caddy = (
        '{"level":"info","ts":1703373474.8155608,"msg":"handled request","request":{"remote_ip":"1.2.3.4","client_ip":"5.6.7.8",'
        '"proto":"HTTP/2.0","method":"GET","host":"example.com:443","uri":"/beta/?a=b","headers":{"User-Agent":["Mozilla/5.0"],'
        '"Referer":["https://r.example/x"]}},"user_id":"","duration":0.001335486,"size":3609,"status":200}'
    )
    traefik = (
        '{"ClientAddr":"172.20.0.1:52458","ClientHost":"1.2.3.4","ClientUsername":"-","request_User-Agent":"P/2","DownstreamStatus":"200",'
        '"DownstreamContentSize":15,"Duration":10002425284,"OriginStatus":504,"RequestHost":"localhost","RequestMethod":"GET",'
        '"RequestPath":"/my/app?id=1","StartUTC":"2023-08-11T11:39:21.773360139Z","time":""}'
    )
    first, second = read(FORMATS["json"], caddy, traefik)
    assert first == {
        "event_ts": "1703373474.8155608", "client_ip": "5.6.7.8", "method": "GET", "host": "example.com", "path": "/beta/",
        "query": "a=b", "user_agent": "Mozilla/5.0", "referrer": "https://r.example/x", "response_time_ms": "1.335486",
        "bytes_sent": "3609", "status": "200", "is_malformed": False,
    }  # fmt: skip
    assert second == {
        "event_ts": "2023-08-11T11:39:21.773360139Z", "client_ip": "1.2.3.4", "method": "GET", "host": "localhost",
        "path": "/my/app", "query": "id=1", "user_agent": "P/2", "response_time_ms": "10002.425284", "bytes_sent": "15",
        "status": "200", "is_malformed": False,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["{", "[1]", "7", '"x"', '{"a":}', "{'a':1}", '{"a":1}x', "nul", "{}}"])
def test_lines_that_are_no_json_objects(text: str) -> None:
    assert read(FORMATS["json"], text)[0]["is_malformed"]


FRONTS: dict[str, dict[str, str]] = {
    '203.0.113.1 - "" [T] ': {"client_ip": "203.0.113.1"},
    '203.0.113.1 - "two words" [T] ': {"client_ip": "203.0.113.1", "user_id": "two words"},
    "203.0.113.1 - -  [T]  ": {"client_ip": "203.0.113.1"},
    "203.0.113.1\t-\t-\t[T]\t": {"client_ip": "203.0.113.1"},
    "[2001:db8::7] - - [T] ": {"client_ip": "2001:db8::7"},
    "[2001:db8:0:1::7]:443 - frank [T] ": {"client_ip": "2001:db8:0:1::7", "user_id": "frank"},
    "0:0:0:0:0:0:0:1 - - [T] ": {"client_ip": "0:0:0:0:0:0:0:1"},
    "203.0.113.7, 10.8.0.9 - - [T] ": {"client_ip": "203.0.113.7"},
    "unknown, 203.0.113.7,10.8.0.9 - frank [T] ": {"client_ip": "203.0.113.7", "user_id": "frank"},
    "2001:db8::7, 10.8.0.9, 10.8.0.1 - - [T] ": {"client_ip": "2001:db8::7"},
    "203.0.113.7 trees.example - - [T] ": {"client_ip": "203.0.113.7", "host": "trees.example"},
    "203.0.113.7 trees.example:443 - frank [T] ": {"client_ip": "203.0.113.7", "host": "trees.example", "user_id": "frank"},
    "trees.example 203.0.113.7, 10.8.0.9 - - [T] ": {"client_ip": "203.0.113.7", "host": "trees.example"},
    "- 203.0.113.7 - - [T] ": {"client_ip": "203.0.113.7"},
    "203.0.113.7 - - [T] trees.example ": {"client_ip": "203.0.113.7", "host": "trees.example"},
    "203.0.113.7 - [203.0.113.7] - frank [T] ": {"client_ip": "203.0.113.7", "user_id": "frank"},
    "some shipper 203.0.113.7 - - [T] ": {"client_ip": "203.0.113.7"},
    "unix: - - [T] ": {},
    "- - - [T] ": {},
    # What a visitor says of itself is neither a time nor a client.
    "203.0.113.7 - x [01/Jan/2020:00:00:00 +0000] [T] ": {"client_ip": "203.0.113.7", "user_id": "x [01/Jan/2020:00:00:00 +0000]"},
    "203.0.113.7 - 198.51.100.1 [T] ": {"client_ip": "203.0.113.7", "user_id": "198.51.100.1"},
    "client.example.net - 198.51.100.1 - - [T] ": {"client_ip": "client.example.net", "user_id": "198.51.100.1 - -"},
    "v.example client.example.net - 198.51.100.1 [T] ": {
        "client_ip": "client.example.net", "host": "v.example", "user_id": "198.51.100.1",
    },
}  # fmt: skip


@pytest.mark.parametrize("front", FRONTS)
def test_what_is_before_the_request_is_looked_at(front: str) -> None:
    stamp = STAMP.strip("[]")
    found = combined(f'{front.replace("T", stamp)}"GET /a HTTP/1.0" 200 2326')
    names = {"event_ts", "client_ip", "host", "user_id", "is_malformed"}
    wanted = {"event_ts": stamp, "is_malformed": False, **FRONTS[front]}
    assert {name: value for name, value in found.items() if name in names} == wanted


@pytest.mark.parametrize(
    ("tail", "milliseconds"),
    [
        ("", None), (" 0.123", "123.0"), (" 0.123 0.120 .", "123.0"), (' rt=0.004 uct="0.000" urt="0.003"', "4.0"),
        (" 412 0.033 [default-web-80] [] 10.1.0.6:8080 61 0.032 200 ab12", "33.0"), (' "203.0.113.9" 1.500', "1500.0"),
        # Microseconds or seconds: the line does not say. What a visitor sends is never a duration.
        (" 1500", None), (' "0.123"', None), (" 12 3", None),
    ],
)  # fmt: skip
def test_durations_behind_the_agent(tail: str, milliseconds: str | None) -> None:
    found = combined(f'127.0.0.1 - - {STAMP} "GET /a HTTP/1.0" 200 2326 "-" "curl"{tail}')
    assert (found.get("response_time_ms"), found["user_agent"]) == (milliseconds, "curl")


LINE = f'203.0.113.7 - - {STAMP} "GET /a HTTP/1.0" 200 2326'
JSON_LINE = line(remote_addr="203.0.113.7")
PREFIXES = [
    "Apr 14 08:00:00 web-3 nginx: ", "<190>Apr  4 08:00:00 web-3 nginx[12]: ", "Apr 14 08:00:00 nginx: ",
    "2026-04-14T08:00:00.123456+00:00 web-3 nginx: ", "<190>1 2026-04-14T08:00:00Z web-3 nginx 12 - - ",
    '83 <190>1 2026-04-14T08:00:00.1Z web-3 nginx - ID47 [x@1 a="b\\]c"][y@1] ', "web-1  | ", "web_1 | ",
    "\x1b[36mweb-1  |\x1b[0m ", "web-1  | 2026-04-14T08:00:00.123456789Z ", "2026-04-14T08:00:00.123456789Z stdout F ",
    "2026-04-14T08:00:00.123456789+02:00 stderr F ", "[pod/web-7c9/nginx] ", "access.log.1:", "/var/log/nginx/access.log:12:",
    "2026-04-14T08:00:00.123456789Z ", "\ufeff",
]  # fmt: skip


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes_of_shippers_are_stripped_in_front_of_any_format(prefix: str) -> None:
    for name, text in {"combined": LINE, "json": JSON_LINE}.items():
        assert look((prefix + text + "\n").encode()).format.name == name
        (found,) = read(FORMATS[name], prefix + text)
        assert found == read(FORMATS[name], text)[0]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: {"log": text + "\n", "stream": "stdout", "time": "2026-04-14T08:00:00.1Z"},
        lambda text: {"stream": "stdout", "log": text, "kubernetes": "web"},
        lambda text: {"@timestamp": "2026-04-14T08:00:09Z", "message": text, "host": "web-3"},
        lambda text: {"MESSAGE": text, "_HOSTNAME": "web-3"},
    ],
)
def test_lines_inside_of_objects(wrap: Any) -> None:
    for name, text in {"combined": LINE, "json": JSON_LINE}.items():
        wrapped = json.dumps(wrap(text))
        assert look((wrapped + "\n").encode()).format.name == name
        assert read(FORMATS[name], wrapped) == read(FORMATS[name], text)
