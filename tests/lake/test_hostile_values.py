"""Times, statuses and whole lines of every kind: each is a value, or a rejected line with its reason."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.helpers.logs import (
    accepted,
    assert_verified,
    line,
    load,
    reasons_of,
    refused,
    settings_for,
    write,
)

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
    "2026-03-04T05:06:07-2400", "04/Mar/2026:05:06:07 +9900", "04/Foo/2026:05:06:07 +0000", "yesterday", "1969-12-31T23:59:59Z", "1e18", "NaN",
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
    assert set(reasons_of(settings, "bad.json")) == {"event_ts_invalid", "event_ts_missing"}
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
_GLUED = re.compile(rb"}[ \t\r]*{")  # two objects of one line are two lines: test_records.py
_LINES = st.one_of(
    _OBJECTS,
    st.binary(max_size=60).map(lambda data: data.replace(b"\n", b"")),
    _VALUES.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([b"", b" ", b"\r", line().encode()]),
).filter(lambda text: not _GLUED.search(text))


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
