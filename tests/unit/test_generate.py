"""The generated logs against an independent reading of them, line by line, in plain Python."""

from __future__ import annotations

import gzip
import hashlib
import ipaddress
import json
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

import duckdb
import pytest

from loglode.errors import LoglodeError, UsageError
from loglode_generator import FACTS_NAME, Facts, GenerateSpec, generate

Record = dict[str, Any]

NETWORKS = [
    ipaddress.ip_network(text)
    for text in (
        "198.18.0.0/15", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32",
    )
]  # fmt: skip
METHODS = {"GET", "POST", "PUT", "DELETE", "HEAD"}
BOTS = ("bot", "curl", "python-requests", "Go-http-client", "zgrab")
CLASSIC = re.compile(
    r'(?P<remote_addr>\S+) - (?P<user>\S+) \[(?P<time>[^]]+)\] "(?P<method>[A-Z]+) '
    r'(?P<uri>\S+) HTTP/1\.1" (?P<status>\d{3}) (?P<bytes>\d+|-)'
    r'(?P<rest> "(?:[^"\\]|\\.)*" "(?P<agent>(?:[^"\\]|\\.)*)")?'
)


def spec(out: Path, **changes: Any) -> GenerateSpec:
    values: dict[str, Any] = {"out": out, "events": 20_000, "days": 3, "seed": 7} | changes
    return GenerateSpec(**values)


def log_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith(("_", ".")))


def parse_json(line: str) -> Record | None:
    """The record of a well-formed line, else None."""
    try:
        record = json.loads(line)
        record["at"] = datetime.fromisoformat(record["timestamp"])
    except (ValueError, KeyError):
        return None
    good = (
        isinstance(record["status"], int)
        and 100 <= record["status"] <= 599
        and record["method"] in METHODS
        and record["response_time_ms"] >= 0
    )
    return record if good else None


def parse_classic(line: str, *, agent: bool) -> Record | None:
    match = CLASSIC.fullmatch(line)
    if match is None or (match["rest"] is not None) is not agent:
        return None
    try:
        at = datetime.strptime(match["time"], "%d/%b/%Y:%H:%M:%S %z")
    except ValueError:
        return None
    status = int(match["status"])
    if not 100 <= status <= 599 or match["method"] not in METHODS:
        return None
    return {
        "at": at,
        "remote_addr": match["remote_addr"],
        "method": match["method"],
        "path": match["uri"].partition("?")[0],
        "status": status,
        "bytes_sent": 0 if match["bytes"] == "-" else int(match["bytes"]),
        "user_agent": match["agent"] or "",
    }


def check(facts: Facts, folder: Path, good: list[Record]) -> None:
    """Compare the facts with good records, each request once, counted here."""
    paths = Counter(record["path"] for record in good)
    assert facts.good_events == len(good)
    assert facts.good_by_status == Counter(str(r["status"]) for r in good)
    assert facts.good_by_method == Counter(r["method"] for r in good)
    assert facts.good_by_day == Counter(r["at"].astimezone(UTC).date().isoformat() for r in good)
    assert facts.good_bytes_sent == sum(r["bytes_sent"] for r in good)
    assert facts.good_client_addresses == len({r["remote_addr"] for r in good})
    top = sorted(paths.items(), key=lambda item: (-item[1], item[0]))[:10]
    assert list(facts.good_top_paths) == top
    orders = [r for r in good if re.fullmatch(r"/orders/[0-9a-f-]{36}/confirmation", r["path"])]
    assert facts.good_orders == sum(r["status"] == 200 for r in orders) > 0
    assert facts.good_orders_placed == sum(
        r["method"] == "POST" and r["path"] == "/orders" and r["status"] == 201 for r in good
    )
    times = [r["at"] for r in good]
    assert facts.good_first_timestamp is not None and facts.good_last_timestamp is not None
    assert datetime.fromisoformat(facts.good_first_timestamp) == min(times)
    assert datetime.fromisoformat(facts.good_last_timestamp) == max(times)
    assert json.loads((folder / FACTS_NAME).read_text()) == facts.to_dict()


def test_json_facts_equal_an_independent_count(tmp_path: Path) -> None:
    facts = generate(spec(tmp_path, broken_share=0.01, duplicate_share=0.02))
    good: dict[str, Record] = {}
    lines = broken = copies = 0
    for path in log_files(tmp_path):
        found = path.read_text().split("\n")
        assert found.pop() == ""
        assert {"name": path.name, "lines": len(found)} in facts.to_dict()["files"]
        lines += len(found)
        for line in found:
            record = parse_json(line)
            if record is None:
                broken += 1
            elif record["request_id"] in good:
                copies += 1
                assert {**record, "at": 0} == {**good[record["request_id"]], "at": 0}
            else:
                good[record["request_id"]] = record
    assert (lines, broken, copies) == (facts.lines, facts.broken_lines, facts.duplicate_lines)
    assert facts.lines == facts.good_events + facts.broken_lines + facts.duplicate_lines
    assert sum(facts.broken_lines_by_kind.values()) == broken > 0
    assert len(facts.broken_lines_by_kind) == 4
    assert lines == facts.events + 400  # broken lines may be sent again too
    check(facts, tmp_path, list(good.values()))
    bots = sum(any(word in r["user_agent"] for word in BOTS) for r in good.values())
    assert (facts.good_bot_requests, facts.good_human_requests) == (bots, len(good) - bots)


@pytest.mark.parametrize("log_format", ["combined", "common"])
def test_classic_facts_equal_an_independent_count(tmp_path: Path, log_format: str) -> None:
    facts = generate(spec(tmp_path, format=log_format, broken_share=0.01))
    found = [line for p in log_files(tmp_path) for line in p.read_text().splitlines()]
    records = [parse_classic(line, agent=log_format == "combined") for line in found]
    good = [record for record in records if record is not None]
    assert facts.lines == len(found) == facts.events == 20_000
    assert facts.broken_lines == len(found) - len(good) > 0
    assert len(facts.broken_lines_by_kind) == 4
    assert facts.duplicate_lines == 0
    check(facts, tmp_path, good)
    if log_format == "common":
        assert facts.good_bot_requests is None
    else:
        bots = sum(any(word in r["user_agent"] for word in BOTS) for r in good)
        assert facts.good_bot_requests == bots
        assert any(r"Tab \"Pro\" 11" in r["user_agent"] for r in good)


def read_good(folder: Path) -> list[Record]:
    lines = [line for path in log_files(folder) for line in path.read_text().splitlines()]
    return [record for line in lines if (record := parse_json(line)) is not None]


def test_every_line_is_json_when_none_is_to_be_broken(tmp_path: Path) -> None:
    facts = generate(spec(tmp_path, broken_share=0, duplicate_share=0))
    records = read_good(tmp_path)
    assert len(records) == facts.lines == facts.good_events == 20_000
    assert len({r["request_id"] for r in records}) == 20_000
    for record in records:
        assert None not in record.values() and "" not in record.values()
        address = ipaddress.ip_address(record["remote_addr"])
        assert any(address in network for network in NETWORKS)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["timestamp"])
    text = "".join(json.dumps(record, default=str) for record in records)
    assert set(re.findall(r"[\w.]+@([\w.]+)", text)) == {"example.com"}
    assert "token=" in text and '"user_id"' in text and "2001:db8:" in text
    assert 340 < sum(p.stat().st_size for p in log_files(tmp_path)) / 20_000 < 460


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_same_spec_same_bytes_whatever_the_threads(tmp_path: Path, compression: str) -> None:
    # More than one slice a file, so that appended parts are covered too.
    wanted = {"events": 220_000, "days": 1, "compression": compression, "duplicate_share": 0.01}
    if compression != "none":
        wanted |= {"format": "common"}
    facts = generate(spec(tmp_path / "one", **wanted), threads=1)
    again = generate(spec(tmp_path / "two", **wanted), threads=4)
    assert facts == again
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_another_seed_gives_other_requests(tmp_path: Path) -> None:
    small = {"events": 500, "days": 1}
    generate(spec(tmp_path / "one", seed=1, **small))
    generate(spec(tmp_path / "two", seed=2, **small))
    ids = [{r["request_id"] for r in read_good(tmp_path / name)} for name in ("one", "two")]
    assert ids[0].isdisjoint(ids[1])


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_compressed_files_hold_the_same_lines(tmp_path: Path, compression: str) -> None:
    wanted = {"events": 3_000, "days": 2}
    generate(spec(tmp_path / "plain", **wanted))
    packed = generate(spec(tmp_path / "packed", compression=compression, **wanted))
    for file in packed.files:
        path = tmp_path / "packed" / file.name
        plain = (tmp_path / "plain" / path.stem).read_text()
        if compression == "gzip":
            assert gzip.decompress(path.read_bytes()).decode() == plain
        rows = duckdb.execute(
            "SELECT column0 FROM read_csv(?, header = false, auto_detect = false, quote = '', "
            "delim = '\x01', escape = '', columns = {'column0': 'VARCHAR'})",
            [str(path)],
        ).fetchall()
        assert [row[0] for row in rows] == plain.splitlines()


def test_lines_are_in_order_and_copies_come_in_bursts(tmp_path: Path) -> None:
    facts = generate(spec(tmp_path, broken_share=0, duplicate_share=0.02))
    bursts = copies = 0
    for path in log_files(tmp_path):
        records = [json.loads(line) for line in path.read_text().splitlines()]
        seen: set[str] = set()
        fresh, repeated = [], []
        for number, record in enumerate(records):
            if record["request_id"] in seen:
                repeated.append(number)
            else:
                fresh.append(record["timestamp"])
            seen.add(record["request_id"])
        assert fresh == sorted(fresh)
        copies += len(repeated)
        bursts += sum(b - a > 1 for a, b in pairwise([-9, *repeated]))
    assert copies == facts.duplicate_lines == 400
    assert 1 <= bursts <= 20


@pytest.mark.parametrize("events", [1, 7, 500])
def test_tiny_sets_are_exact(tmp_path: Path, events: int) -> None:
    facts = generate(spec(tmp_path, events=events, broken_share=0, duplicate_share=0))
    assert facts.lines == facts.good_events == events == len(read_good(tmp_path))


def test_all_lines_may_be_broken(tmp_path: Path) -> None:
    facts = generate(spec(tmp_path, events=700, broken_share=1))
    assert (facts.good_events, facts.broken_lines) == (0, facts.lines)
    assert facts.good_first_timestamp is None
    assert read_good(tmp_path) == []


def test_files_are_named_by_server_day_and_part(tmp_path: Path) -> None:
    def names(out: str, **changes: Any) -> list[str]:
        return [f.name for f in generate(spec(tmp_path / out, events=4_000, **changes)).files]

    assert names("usual", days=2, servers=3) == [
        f"web{server}-2026100{day}.json" for server in (1, 2, 3) for day in (5, 6)
    ]
    assert names("one", files=1, servers=4) == ["web1-20261005.json"]
    assert names("odd", days=4, files=3, format="common", compression="zstd") == [
        "web1-20261005.log.zst", "web1-20261007.log.zst", "web2-20261005.log.zst",
    ]  # fmt: skip
    parts = names("many", days=2, files=7, start=date(2027, 1, 31))
    assert parts == [
        "web1-20270131-001.json", "web1-20270131-002.json", "web1-20270201-001.json",
        "web1-20270201-002.json", "web2-20270131-001.json", "web2-20270131-002.json",
        "web2-20270201.json",
    ]  # fmt: skip


def test_rhythm_incidents_and_the_cost_of_slowness(tmp_path: Path) -> None:
    facts = generate(spec(tmp_path, events=150_000, days=7, broken_share=0, duplicate_share=0))
    good = read_good(tmp_path)
    hours = Counter(r["at"].hour for r in good)
    assert hours[19] > 4 * hours[3]
    days = facts.good_by_day
    assert days["2026-10-10"] < 0.85 * days["2026-10-07"]
    outage = next(i for i in facts.incidents if i.kind == "outage")
    begin, end = datetime.fromisoformat(outage.start), datetime.fromisoformat(outage.end)
    human = [r for r in good if not any(word in r["user_agent"] for word in BOTS)]
    during = [r for r in human if begin <= r["at"] < end]
    usual = [r for r in human if not begin <= r["at"] < end]
    assert fmean(r["status"] >= 500 for r in during) > 0.2
    assert fmean(r["status"] >= 500 for r in usual) < 0.01
    assert fmean(r["response_time_ms"] for r in during) > 3 * fmean(r["response_time_ms"] for r in usual)
    rates = conversion_by_speed(human)
    assert rates[0] > 1.5 * rates[1] > 3 * rates[2]


def conversion_by_speed(records: list[Record]) -> list[float]:
    """Share of visits with an order, by mean response time: under 80, under 200, 200 ms and up."""
    visits: dict[tuple[str, str], list[list[Record]]] = {}
    for record in sorted(records, key=lambda r: r["timestamp"]):
        mine = visits.setdefault((record["remote_addr"], record["user_agent"]), [])
        if not mine or record["at"] - mine[-1][-1]["at"] > timedelta(minutes=30):
            mine.append([])
        mine[-1].append(record)
    bands: list[list[bool]] = [[], [], []]
    for visit in (visit for mine in visits.values() for visit in mine):
        mean = fmean(r["response_time_ms"] for r in visit)
        bought = any(r["path"].endswith("/confirmation") for r in visit)
        bands[(mean >= 80) + (mean >= 200)].append(bought)
    return [fmean(band) for band in bands]


def test_progress_ends_at_all_events(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    generate(spec(tmp_path, events=900), progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (900, 900)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


def test_a_second_call_replaces_the_first_and_spares_other_files(tmp_path: Path) -> None:
    generate(spec(tmp_path, events=900, days=3))
    facts = generate(spec(tmp_path, events=500, days=1))
    assert [p.name for p in log_files(tmp_path)] == [f.name for f in facts.files]
    (tmp_path / "mine.txt").write_text("keep")
    before = digests(tmp_path)
    with pytest.raises(UsageError, match="other files"):
        generate(spec(tmp_path, events=500, days=1))
    assert digests(tmp_path) == before


def test_what_a_killed_call_left_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / ".generate-x1").mkdir()
    (tmp_path / ".generate-x1" / "part").write_text("half a line")
    facts = generate(spec(tmp_path, events=500, days=1))
    assert {p.name for p in tmp_path.iterdir()} == {f.name for f in facts.files} | {FACTS_NAME}


def test_a_path_that_cannot_be_a_folder_is_one_clear_error(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("")
    with pytest.raises(LoglodeError, match="cannot write logs"):
        generate(spec(taken))


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "xml"},
        {"compression": "lz4"},
        {"events": 0},
        {"days": 0},
        {"servers": 0},
        {"files": 0},
        {"broken_share": 1.5},
        {"duplicate_share": -0.1},
    ],
)
def test_values_out_of_range_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        spec(tmp_path, **wrong)
