"""Objects that are broken on purpose, by file name."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import zstandard
from tests.helpers.logs import line

SHELL = "`touch /tmp/x`; $(reboot) && rm -rf / | cat"
SQL = "'; drop table web_logs; --"
QUOTES = "\"'\\\"''\\'"
ODD_TEXTS = (
    SHELL,
    SQL,
    QUOTES,
    "%s{}$1\\1\\0",
    "\u2028\u202e\ufeff",
    "\ud83d\ude00",
    "a\x00b",
    "\t\x07\x1b[31m",
)


def _damaged_gzip() -> bytes:
    whole = gzip.compress("".join(line(path=f"/gz/{n:06d}") + "\n" for n in range(20_000)).encode())
    return whole[: len(whole) // 2]


def _damaged_zstd() -> bytes:
    text = "".join(line(path=f"/zst/{n:06d}/{hash(n) * 7919 % 10**9}") + "\n" for n in range(60_000))
    whole = zstandard.ZstdCompressor().compress(text.encode())
    return whole[: len(whole) * 3 // 4]


def _odd_fields() -> Iterator[str]:
    names = ("method", "host", "path", "query", "referrer", "user_agent", "user_id", "session_id",
             "client_ip", "event_id", "utm_source", "country", "request")  # fmt: skip
    for name in names:
        for text in ODD_TEXTS:
            yield line(**{name: text})
    for name in ("status", "response_time_ms", "bytes_sent", "timestamp"):
        for text in ODD_TEXTS:
            yield line(**{name: text})
    for text in ODD_TEXTS:
        yield line(**{text: text})


OBJECTS: dict[str | bytes, bytes] = {
    "empty.json": b"",
    "blank.json": b"\n\n  \t\r\n\n",
    "truncated.log.gz": _damaged_gzip(),
    "truncated.log.zst": _damaged_zstd(),
    "only_magic.gz": b"\x1f\x8b",
    "not_really.gz": line(path="/not-gz").encode() + b"\n",
    "two_members.gz": gzip.compress(line(path="/one").encode() + b"\n")
    + gzip.compress(line(path="/two").encode() + b"\n"),
    "nul.json": line(path="/nul-1").encode() + b"\n\x00\x00\x00\n" + line(path="/nul-2").encode() + b"\n",
    "nul_inside.json": b'{"timestamp":"2026-03-04T05:06:07Z","status":200,"path":"/a\x00b"}\n',
    "latin1.json": '{"timestamp":"2026-03-04T05:06:07Z","status":200,"path":"/caf\xe9"}\n'.encode("latin-1"),
    "utf8.json": line(path="/caf\u00e9/\u65e5\u672c").encode() + b"\n",
    "bom.json": b"\xef\xbb\xbf" + line(path="/bom").encode() + b"\n",
    "crlf.json": b"".join(line(path=f"/crlf/{n}").encode() + b"\r\n" for n in range(3)) + b"\r\n",
    "no_last_newline.json": line(path="/a").encode() + b"\n" + line(path="/b").encode(),
    "duplicate_keys.json": b'{"status":500,"timestamp":"2026-03-04T05:06:07Z","status":200,"path":"/dup"}\n',
    "deep.json": (line(path="/before") + "\n" + "[" * 100_000 + "\n" + '{"a":' * 100_000 + "\n").encode()
    + (line(path="/after") + "\n").encode()
    + (line(path="/closed")[:-1] + ',"x":' + "[" * 100_000 + "]" * 100_000 + "}\n").encode(),
    "deep_only.json": b"[" * 100_000,
    "huge_number.json": b"".join(
        f'{{"timestamp":"2026-03-04T05:06:07Z","status":200,"path":"/n{n}","bytes_sent":{text}}}\n'.encode()
        for n, text in enumerate(("1e999", "-1e999", "1e400", "9" * 400, "1e18", "-1", "1.5", "0e0", "2e2"))
    ),
    "trailer.json": b'{"timestamp":"2026-03-04T05:06:07Z","status":200,"path":"/t"}TRAILER\n',
    "trailer_later.json": line(path="/ok").encode() + b'\n{"a":2}TRAILER\n' + line(path="/ok2").encode() + b"\n",
    "concatenated.json": "".join(line(path=f"/cat/{n}") for n in range(5)).encode() + b"\n",
    "pretty.json": "\n".join(
        json.dumps({**json.loads(line(path=f"/pretty/{n}")), "x": {"y": ["}", "{", '"', "\\"]}}, indent=4)
        for n in range(4)
    ).encode(),
    "array.json": json.dumps([json.loads(line(path=f"/array/{n}")) for n in range(4)]).encode(),
    "array_pretty.json": json.dumps(
        [json.loads(line(path=f"/array/p{n}")) for n in range(4)], indent=2
    ).encode(),
    "array_broken.json": b"[" + line(path="/array/x").encode() + b', {"status": 200, "timestamp": oops}, '
    + line(path="/array/y").encode() + b"]",
    "array_mixed.json": b"[" + line(path="/array/m").encode() + b', 1, "two, [three]", null, [4, {"a": 5}], {}]',
    "array_unclosed.json": b"[\n" + line(path="/u1").encode() + b",\n" + line(path="/u2").encode() + b",\n",
    "bracketed_text.log": b"[2026-03-04 05:06:07] app.INFO: hello, {world} [x] []\n[Thu Oct 13] [b:error], [c]\n",
    "scalars.json": b'1\n"two"\nnull\ntrue\n[]\n{}\n[{"status":200}]\n',
    "quotes.json": b"{'timestamp': '2026-03-04T05:06:07Z', 'status': 200}\n",
    "nan.json": b'{"timestamp":"2026-03-04T05:06:07Z","status":200,"x":NaN}\n'
    b'{"timestamp":"2026-03-04T05:06:07Z","status":Infinity}\n',
    "comment.json": b'{"timestamp":"2026-03-04T05:06:07Z","status":200} // no\n# no\n',
    "many_keys.json": (
        json.dumps({**json.loads(line(path="/many")), **{f"k{n}": n for n in range(50_000)}}) + "\n"
    ).encode(),
    "case.json": (
        b'{"Status":404,"status":200,"STATUS":500,"timestamp":"2026-03-04T05:06:07Z","path":"/case","PATH":"/x"}\n'
        b'{"TIMESTAMP":"2020-01-01T00:00:00Z","timestamp":"2026-03-04T05:06:07Z","status":200,"path":"/case2"}\n'
    ),
    "empty_key.json": b'{"":1,"timestamp":"2026-03-04T05:06:07Z","status":200,"path":"/emptykey"," ":2,".":3}\n',
    "objects_for_texts.json": line(path={"a": 1}, status=200).encode() + b"\n"
    + line(status={"code": 200}).encode() + b"\n" + line(timestamp=["2026-03-04T05:06:07Z"]).encode() + b"\n"
    + line(method=[], user_id={}, client_ip=[[]]).encode() + b"\n",
    "odd_fields.json": "\n".join(_odd_fields()).encode() + b"\n",
    "combined_hostile.log": b'1.2.3.4 - - [04/Mar/2026:05:06:07 +0000] "GET /ok HTTP/1.1" 200 5 "-" "x"\n'
    b'1.2.3.4 - - [04/Mar/2026:05:06:07 +0000] "GET /\xff\xfe HTTP/1.1" 200 5 "-" "\xe9"\n'
    b'1.2.3.4 - - [04/Mar/2026:05:06:07 +0000] "GET /unclosed\n'
    b'1.2.3.4 - - 04/Mar/2026:05:06:07 +0000] "GET / HTTP/1.1" 200 5\n'
    b'""""""""\n[[[[\n]]]]\n - - [] "" \n\n'
    b'1.2.3.4 - - [04/Mar/2026:05:06:07 +0000] "\'; drop table web_logs; --" 400 0 "$(reboot)" "`id`"\n'
    b'1.2.3.4 - - [04/Mar/2026:05:06:07 +0000] "GET /a\\"b\\\\ HTTP/1.1" 200 5 "-" "a\\"b"\n',
    "binary.bin": bytes(range(256)) * 64,
    "quote'd; drop table x;--.json": line(path="/name/1").encode() + b"\n",
    'double"quoted $(id) `id`.json': line(path="/name/2").encode() + b"\n",
    "line\nbreak.json": line(path="/name/3").encode() + b"\n",
    "glob[0-9]*?.json": line(path="/name/4").encode() + b"\n",
    "year=2020,{a,b} %s {uuid}.json": line(path="/name/5").encode() + b"\n",
    b"not-utf8-\xff\xfe.json": line(path="/name/6").encode() + b"\n",
    "back\\slash.json": line(path="/name/7").encode() + b"\n",
}  # fmt: skip
