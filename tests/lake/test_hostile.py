"""Input that is broken on purpose: no traceback, no lost line, and the books balance."""

from __future__ import annotations

import errno
import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.helpers.logs import (
    accepted,
    assert_verified,
    line,
    load,
    one,
    refused,
    rows,
    settings_for,
    write,
)

from loglode import operations
from loglode.errors import SourceNotFoundError
from loglode.settings import Settings
from loglode.sources import SourceObject, objects

MIB = 1 << 20
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


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake into which every hostile object was loaded in one run."""
    folder = tmp_path_factory.mktemp("hostile")
    bronze = folder / "bronze"
    (bronze / "folder.json").mkdir(parents=True)
    (bronze / "folder.json" / "inner.json").write_text(line(path="/inner") + "\n")
    for name, content in OBJECTS.items():
        (bronze / os.fsdecode(name)).write_bytes(content)
    (bronze / "dangling.json").symlink_to(folder / "nowhere")
    settings = settings_for(folder)
    report = load(settings, bronze)
    assert report.failed == []
    assert report.objects == len(OBJECTS) + 1
    return settings


def _reasons(settings: Settings, name: str) -> list[str]:
    return [",".join(reasons) for _, reasons, _ in refused(settings, name)]


def _paths(settings: Settings, name: str) -> list[str]:
    return [path for (path,) in accepted(settings, name)]


def test_the_books_balance(hostile: Settings) -> None:
    assert_verified(hostile)


def test_a_second_run_adds_nothing(hostile: Settings) -> None:
    before = one(hostile, "select count(*) from web_logs"), one(hostile, "select count(*) from quarantine")
    report = load(hostile, Path(str(hostile.lake)).parent / "bronze")
    assert (report.objects, report.objects_skipped) == (0, len(OBJECTS) + 1)
    assert before == (
        one(hostile, "select count(*) from web_logs"),
        one(hostile, "select count(*) from quarantine"),
    )


@pytest.mark.parametrize(("name", "prefix"), [("truncated.log.gz", "/gz/"), ("truncated.log.zst", "/zst/")])
def test_a_damaged_object_keeps_what_can_be_read(hostile: Settings, name: str, prefix: str) -> None:
    paths = _paths(hostile, name)
    assert len(paths) > 1000
    assert [int(path.split("/")[2]) for path in paths] == list(range(len(paths)))
    ((number, reasons, _),) = refused(hostile, name)
    assert (number, list(reasons)) == (len(paths) + 1, ["object_damaged"])
    assert all(path.startswith(prefix) for path in paths)


def test_compression_is_told_by_content(hostile: Settings) -> None:
    assert _reasons(hostile, "only_magic.gz") == ["object_damaged"]
    assert _paths(hostile, "not_really.gz") == ["/not-gz"]
    assert _paths(hostile, "two_members.gz") == ["/one", "/two"]


def test_empty_and_blank_objects(hostile: Settings) -> None:
    for name in ("empty.json", "blank.json"):
        assert _paths(hostile, name) == []
        assert _reasons(hostile, name) == []


def test_bytes_that_are_no_text(hostile: Settings) -> None:
    assert _paths(hostile, "nul.json") == ["/nul-1", "/nul-2"]
    assert _reasons(hostile, "nul.json") == ["json_invalid"]
    assert _reasons(hostile, "nul_inside.json") == ["json_invalid"]
    ((_, reasons, raw),) = refused(hostile, "latin1.json")
    assert (list(reasons), "caf\\xe9" in raw) == (["json_invalid"], True)
    assert _paths(hostile, "utf8.json") == ["/caf\u00e9/\u65e5\u672c"]


def test_marks_and_line_ends(hostile: Settings) -> None:
    assert _paths(hostile, "bom.json") == ["/bom"]
    assert _paths(hostile, "crlf.json") == ["/crlf/0", "/crlf/1", "/crlf/2"]
    assert _paths(hostile, "no_last_newline.json") == ["/a", "/b"]


def test_the_nested_lines_are_refused_and_their_neighbours_are_not(hostile: Settings) -> None:
    paths = _paths(hostile, "deep.json")
    assert paths[:2] == ["/before", "/after"]
    # Deep but closed is valid JSON: taken or refused, never lost.
    assert len(paths) + len(refused(hostile, "deep.json")) == 5
    assert _reasons(hostile, "deep_only.json") == ["json_invalid"]


def test_numbers_that_are_none(hostile: Settings) -> None:
    assert _paths(hostile, "huge_number.json") == ["/n4", "/n7", "/n8"]
    assert set(_reasons(hostile, "huge_number.json")) == {"bytes_sent_invalid"}
    # In a field that is not read the engine lets it pass; as a value it never does.
    assert _reasons(hostile, "nan.json") == ["status_invalid"]


def test_text_after_an_object_makes_the_line_invalid(hostile: Settings) -> None:
    assert _reasons(hostile, "trailer.json") == ["json_invalid"]
    assert _paths(hostile, "trailer_later.json") == ["/ok", "/ok2"]
    assert [(number, raw) for number, _, raw in refused(hostile, "trailer_later.json")] == [
        (2, '{"a":2}TRAILER')
    ]
    assert _paths(hostile, "comment.json") == []
    assert _paths(hostile, "quotes.json") == []


def test_objects_that_are_not_one_a_line(hostile: Settings) -> None:
    assert _paths(hostile, "concatenated.json") == [f"/cat/{n}" for n in range(5)]
    assert _paths(hostile, "pretty.json") == [f"/pretty/{n}" for n in range(4)]
    assert _paths(hostile, "array.json") == [f"/array/{n}" for n in range(4)]
    assert _paths(hostile, "array_pretty.json") == [f"/array/p{n}" for n in range(4)]
    assert _paths(hostile, "array_unclosed.json") == ["/u1", "/u2"]
    assert _paths(hostile, "array_broken.json") == ["/array/x", "/array/y"]
    assert _reasons(hostile, "array_broken.json") == ["json_invalid"]
    assert _paths(hostile, "array_mixed.json") == ["/array/m"]
    assert _reasons(hostile, "array_mixed.json")[:4] == ["json_not_object"] * 4


def test_text_in_brackets_is_kept_as_it_came(hostile: Settings) -> None:
    raws = [raw for _, _, raw in refused(hostile, "bracketed_text.log")]
    assert raws == OBJECTS["bracketed_text.log"].decode().splitlines()


def test_values_that_are_no_objects(hostile: Settings) -> None:
    reasons = _reasons(hostile, "scalars.json")
    assert reasons == [*["json_not_object"] * 5, "event_ts_missing,status_missing", "json_not_object"]


def test_odd_keys(hostile: Settings) -> None:
    assert _paths(hostile, "many_keys.json") == ["/many"]
    assert _paths(hostile, "empty_key.json") == ["/emptykey"]
    assert accepted(hostile, "case.json", "path, status, event_ts::date::varchar") == [
        ("/case", 200, "2026-03-04"),
        ("/case2", 200, "2026-03-04"),
    ]


def test_a_key_twice_is_one_row_or_one_refused_line(hostile: Settings) -> None:
    found = accepted(hostile, "duplicate_keys.json", "status")
    assert len(found) + len(refused(hostile, "duplicate_keys.json")) == 1
    assert found in ([], [(200,)], [(500,)])


def test_every_odd_field_is_accounted_for(hostile: Settings) -> None:
    wanted = OBJECTS["odd_fields.json"].decode().splitlines()
    taken = accepted(hostile, "odd_fields.json", "source_line")
    held = refused(hostile, "odd_fields.json")
    assert len(taken) + len(held) == len(wanted)
    assert all(raw == wanted[number - 1] for number, _, raw in held)
    # Shell and SQL in a path or query is a path or query.
    shown = {path for (path,) in accepted(hostile, "odd_fields.json")}
    assert SQL in shown


def test_hostile_combined_lines(hostile: Settings) -> None:
    paths = _paths(hostile, "combined_hostile.log")
    assert paths == ["/ok", "/\\xff\\xfe", None, '/a"b\\']
    assert len(refused(hostile, "combined_hostile.log")) == 6


def test_names_of_files_are_only_names(hostile: Settings) -> None:
    found = rows(hostile, "select path, source_object from web_logs where path like '/name/%' order by path")
    assert [path for path, _ in found] == [f"/name/{n}" for n in range(1, 8)]
    assert found[2][1].endswith("line\nbreak.json")
    assert found[5][1].endswith("not-utf8-\\xff\\xfe.json")
    assert _paths(hostile, "inner.json") == ["/inner"]


def test_a_name_that_looks_like_a_glob_can_be_named(hostile: Settings) -> None:
    bronze = Path(str(hostile.lake)).parent / "bronze"
    assert load(hostile, bronze / "glob[0-9]*?.json").objects_skipped == 1
    with pytest.raises(SourceNotFoundError):
        operations.run(hostile, [str(bronze / "dangling.json")])


TIMES = {
    "2026-03-04T05:06:07Z": "2026-03-04 05:06:07",
    "2026-03-04t05:06:07z": "2026-03-04 05:06:07",
    "2026-03-04 05:06:07": "2026-03-04 05:06:07",
    "2026-03-04T05:06:07.123456789Z": "2026-03-04 05:06:07.123456",
    "2026-03-04T05:06:07+05:30": "2026-03-03 23:36:07",
    "2026-03-04T05:06:07-0800": "2026-03-04 13:06:07",
    "04/Mar/2026:05:06:07 +0100": "2026-03-04 04:06:07",
    "2026-03-04": "2026-03-04 00:00:00",
    1772600767: "2026-03-04 05:06:07",
    "1772600767": "2026-03-04 05:06:07",
    1772600767.25: "2026-03-04 05:06:07.25",
    1772600767000: "2026-03-04 05:06:07",
    1772600767000000: "2026-03-04 05:06:07",
    1772600767000000000: "2026-03-04 05:06:07",
    "2024-02-29T00:00:00Z": "2024-02-29 00:00:00",
}
NO_TIMES: tuple[Any, ...] = (
    "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "12345-01-01T00:00:00Z", "infinity", "-infinity", "epoch",
    "now", "today", "2026-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
    "2026-03-04T25:00:00Z", "2026-03-04T05:06:07+99:00", "2026-03-04T05:06:07 Mars/Phobos", "30/Feb/2026:00:00:00 +0000",
    "2026-03-04T05:06:07-2400", "04/Mar/2026:05:06:07 +9900", "04/Mar/2026:05:06:07", "04/Foo/2026:05:06:07 +0000", "yesterday", "1969-12-31T23:59:59Z", "1e18", "NaN",
    "-1772600767", -1772600767, 0, 1, 10**18 * 9, 10**30, -1, 1e18, True, False, "", "-", None, [], {}, "\u0000",
    "2026-03-04T05:06:07Z'); drop table web_logs; --", "9" * 19, "9" * 400, "0001-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z", "2026-03-04 (BC)", "2026-03-04 05:06:07 BC",
)  # fmt: skip


def test_times_of_all_kinds(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    write(tmp_path / "good.json", (line(timestamp=text) for text in TIMES))
    bad = [json.dumps({"status": 200, "timestamp": text}) for text in NO_TIMES]
    write(tmp_path / "bad.json", bad)
    leap = ("2016-12-31T23:59:60Z", "2026-03-04T24:00:00Z")
    write(tmp_path / "leap.json", (line(timestamp=text) for text in leap))
    load(settings, tmp_path / "*.json")
    assert_verified(settings)
    found = accepted(settings, "good.json", "event_ts::timestamp::varchar")
    assert [moment for (moment,) in found] == list(TIMES.values())
    assert accepted(settings, "bad.json", "source_line") == []
    assert [raw for _, _, raw in refused(settings, "bad.json")] == bad
    assert set(_reasons(settings, "bad.json")) == {"event_ts_invalid", "event_ts_missing"}
    # A second that some clocks show and ours have not: the next one, or refused.
    shown = accepted(settings, "leap.json", "source_line, event_ts::timestamp::varchar")
    assert set(shown) <= {(1, "2017-01-01 00:00:00"), (2, "2026-03-05 00:00:00")}


# Pairs, because a dictionary takes 200 and 200.0, or 0 and False, for one key.
STATUSES: list[tuple[Any, int | None]] = [
    (200, 200), ("200", 200), (200.0, 200), ("200.0", 200), ("404", 404), (100, 100), (599, 599),
    (200.7, None), ("200.7", None), (True, None), (False, None), ("true", None), (0, None), (99, None),
    (600, None), (-200, None), ("OK", None), ("2e2", 200), ("0x1f", None), ("", None), ("-", None),
    ("200 OK", None), (10**30, None), ("\u0662\u0660\u0660", None), ("1_00", None), ("+200", 200),
    ("00200", 200), ("200,0", None), ("infinity", None), ("nan", None),
]  # fmt: skip


def test_statuses_of_all_kinds(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    texts = [json.dumps(value) for value, _ in STATUSES]
    lines = [
        line(status=0, path=f"/{n}").replace('"status": 0', f'"status": {t}') for n, t in enumerate(texts)
    ]
    write(tmp_path / "status.json", lines)
    load(settings, tmp_path / "status.json")
    found = dict(accepted(settings, "status.json", "source_line, status"))
    shown = {text: found.get(n + 1) for n, text in enumerate(texts)}
    assert shown == dict(zip(texts, [status for _, status in STATUSES], strict=True))


# What the engine's JSON reader takes beyond the standard, here in a field that nothing reads: a comma
# before a closing bracket, numbers that are none, and a backslash before a byte that is no UTF-8.
LENIENT = {
    "n_array_comma_after_close.json", "n_array_extra_comma.json", "n_array_number_and_comma.json",
    "n_number_-NaN.json", "n_number_Inf.json", "n_number_NaN.json", "n_number_infinity.json",
    "n_number_minus_infinity.json", "n_object_trailing_comma.json", "n_string_invalid_utf8_after_escape.json",
}  # fmt: skip


def test_json_test_suite(real_logs: Path, tmp_path: Path) -> None:
    """Each text as an object of its own, and each as a part of a valid line."""
    suite = sorted((real_logs / "jsontestsuite").glob("*.json"))
    assert len(suite) > 300
    lines: list[bytes] = []
    numbers: dict[int, str] = {}
    for path in suite:
        text = path.read_bytes()
        if b"\n" not in text and b"\r" not in text:
            numbers[len(lines) + 1] = path.name
            lines.append(line(path=f"/{path.name}")[:-1].encode() + b', "x": ' + text + b"}\n")
    (tmp_path / "parts.ndjson").write_bytes(b"".join(lines))
    settings = settings_for(tmp_path)
    report = load(settings, real_logs / "jsontestsuite" / "*.json", tmp_path / "parts.ndjson")
    assert (report.objects, report.failed) == (len(suite) + 1, [])
    assert_verified(settings)

    accused = rows(
        settings, "select source_object from quarantine where list_contains(reasons, 'json_invalid')"
    )
    assert [path for (path,) in accused if "/y_" in path] == []
    assert one(settings, "select count(*) from web_logs where source_object not like '%/parts.ndjson'") == 0

    taken = {numbers[number] for (number,) in accepted(settings, "parts.ndjson", "source_line")}
    names = set(numbers.values())
    assert {name for name in names if name[0] == "y"} <= taken
    assert {name for name in taken if name[0] == "n"} == LENIENT
    held = Counter(numbers[number] for number, _, _ in refused(settings, "parts.ndjson"))
    assert taken | set(held) == names


LARGE = """
import re, sys
from tests.helpers.logs import assert_verified, load, settings_for
from pathlib import Path
folder = Path(sys.argv[1])
settings = settings_for(folder)
report = load(settings, folder / "bronze")
assert_verified(settings)
print(report.as_dict())
# Not getrusage: across fork and exec that keeps the peak of the process that started this one.
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024
print("peak", peak, file=sys.stderr)
sys.exit(0 if peak < 1024 else f"{peak} MiB of memory")
"""


@pytest.mark.slow
def test_large_things_are_read_in_bounded_memory(tmp_path: Path) -> None:
    bronze = tmp_path / "bronze"
    bronze.mkdir()
    with (bronze / "line.json").open("wb") as file:
        file.write(line(path="/first").encode() + b"\n" + b'{"a":"')
        for _ in range(100):
            file.write(b"x" * MIB)
        file.write(b'"}\n' + line(path="/last").encode() + b"\n")
    with gzip.open(bronze / "line.gz", "wb", compresslevel=1) as packed:
        for _ in range(100):
            packed.write(b"x" * MIB)
    with (bronze / "array.json").open("w") as text:
        text.write("[")
        padding = "p" * 430
        for number in range(100_000):
            text.write((",\n" if number else "") + line(path=f"/{number}", padding=padding))
        text.write("]")
    assert (bronze / "array.json").stat().st_size > 50 * MIB
    root = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join([str(root / "src"), str(root)])
    done = subprocess.run(
        [sys.executable, "-c", LARGE, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    settings = settings_for(tmp_path)
    assert _paths(settings, "line.json") == ["/first", "/last"]
    assert len(_paths(settings, "array.json")) == 100_000
    sizes = rows(settings, "select raw_bytes, reasons[1], strlen(raw) <= 1048576 from quarantine order by 1")
    assert sizes == [(100 * MIB, "line_too_long", True), (100 * MIB + 8, "line_too_long", True)]


@pytest.mark.parametrize("kind", ["plain", "gzip", "zstd"])
def test_standard_input_may_be_compressed(tmp_path: Path, kind: str) -> None:
    text = b"".join(
        b'1.2.3.4 - - [04/Mar/2026:05:06:07 +0000] "GET /%d HTTP/1.1" 200 5\n' % n for n in range(3000)
    )
    packed = {
        "plain": text,
        "gzip": gzip.compress(text),
        "zstd": zstandard.ZstdCompressor().compress(text),
    }
    script = "import sys; from pathlib import Path; from tests.helpers.logs import load, settings_for;"
    script += "print(load(settings_for(Path(sys.argv[1])), '-').rows_silver)"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])},
        input=packed[kind],
        capture_output=True,
        check=False,
    )
    assert done.stdout.decode().strip() == "3000", done.stderr.decode()


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
    assert len(report.failed) == 1
    assert "b.json" in report.failed[0]
    assert len(_paths(settings, "a.json")) == 100
    assert _paths(settings, "b.json") == []
    assert "/c/0" in _paths(settings, "c.json")
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

    def head_after(source: SourceObject, count: int) -> tuple[bytes, bool]:
        (bronze / "b.json").unlink(missing_ok=True)
        return head(source, count)

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


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
_KEYS = st.sampled_from(["timestamp", "status", "path", "method", "bytes_sent", "duration", "user_id", "x"])
_OBJECTS = st.builds(
    lambda base, more: json.dumps({**(json.loads(line()) if base else {}), **more}).encode(),
    st.booleans(),
    st.dictionaries(_KEYS | st.text(max_size=8), _VALUES, max_size=5),
)
_LINES = st.one_of(
    _OBJECTS,
    st.binary(max_size=60).map(lambda data: data.replace(b"\n", b"")),
    _VALUES.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([b"", b" ", b"\r", line().encode()]),
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(_LINES, min_size=40, max_size=120), end=st.sampled_from([b"", b"\n"]))
def test_any_line_is_a_row_or_is_kept(tmp_path: Path, lines: list[bytes], end: bytes) -> None:
    number = len(list(tmp_path.glob("*.log")))
    first = line(path=f"/{number}").encode()  # decides that it is read line by line
    source = tmp_path / f"{number}.log"
    source.write_bytes(b"\n".join([first, *lines]) + end)
    settings = settings_for(tmp_path)
    report = load(settings, source)
    content = source.read_bytes()
    assert report.lines_read == content.count(b"\n") + (not content.endswith(b"\n"))
    texts = content.split(b"\n")
    for position, _, raw in refused(settings, source.name):
        assert raw == texts[position - 1].decode("utf-8", "backslashreplace").rstrip("\r\n")
    assert report.duplicates == 0
    assert_verified(settings)
