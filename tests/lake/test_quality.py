"""What the contract's rules found is counted by batch and day, and drift of fields is seen and told."""

from __future__ import annotations

import json
import os
import re
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.lakes import probe
from tests.helpers.logs import assert_verified, line, load, one, rows, settings_for, write

from loglode import operations
from loglode.cli.main import main
from loglode.errors import LakeError
from loglode.reports.drift import BatchFields, Sighting, drifts
from loglode.reports.quality import Freshness, score, volume


def timed(number: int, **fields: Any) -> str:
    """The line of a second; days have 86,400 of them."""
    return line(timestamp=1_772_582_400 + number, **fields)


def of_rule(settings: Any, rule: str) -> list[tuple[Any, ...]]:
    return rows(
        settings,
        "select date::varchar, checked, passed, refused, warned, severity, dimension from quality"
        f" where rule = '{rule}' order by date nulls last, quality.started_at",
    )


def test_each_rule_is_counted_by_day(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    lines = [
        *(line(request_id=f"a{n}") for n in range(5)),
        line(request_id="a0"),
        line(request_id="b", status="ok"),
        line(request_id="c", status=None, method="not one"),
        line(request_id="f", status=None, path=None),
        line(request_id="d", timestamp="2026-03-05T00:00:00Z", country="USA"),
        line(request_id="e", timestamp="yesterday"),
        "no record",
        "",
    ]
    load(settings, write(tmp_path / "logs.json", lines))
    assert of_rule(settings, "status_invalid") == [
        ("2026-03-04", 8, 7, 0, 1, "warn", "conformity"),
        ("2026-03-05", 1, 1, 0, 0, "warn", "conformity"),
        (None, 1, 1, 0, 0, "warn", "conformity"),
    ]
    # Of the line that is refused, nothing is counted as a warning.
    assert of_rule(settings, "status_missing")[0] == ("2026-03-04", 8, 7, 0, 1, "warn", "completeness")
    assert of_rule(settings, "method_invalid")[0][1:5] == (8, 7, 0, 1)
    assert of_rule(settings, "request_missing")[0] == ("2026-03-04", 8, 7, 1, 0, "reject", "completeness")
    assert of_rule(settings, "country_invalid")[1] == ("2026-03-05", 1, 0, 0, 1, "warn", "conformity")
    assert of_rule(settings, "line_readable")[-1] == (None, 2, 1, 1, 0, "reject", "conformity")
    assert of_rule(settings, "line_accepted")[0] == ("2026-03-04", 8, 7, 1, 0, "reject", "conformity")
    assert of_rule(settings, "event_unique") == [(None, 12, 11, 1, 0, "drop", "uniqueness")]
    assert one(
        settings, "select bool_and(checked = passed + refused + warned) from quality where kind = 'rule'"
    )
    assert_verified(settings)
    found = operations.quality(settings, date(2026, 3, 5))
    assert [(d.day, d.lines, d.refused, d.nulled, d.score) for d in found.days] == [
        ("2026-03-05", 1, 0, 1, 50.0)
    ]
    assert {r["rule"] for r in found.rules} >= {"status_missing", "country_invalid", "line_accepted"}
    json.dumps(found.as_dict())


def test_lines_that_come_late_or_of_days_to_come_are_told_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(tmp_path)
    today = datetime.now(UTC)
    days = {ago: today - timedelta(days=ago) for ago in (-2, 0, 2, 5)}
    lines = [line(request_id=str(ago), timestamp=when.isoformat()) for ago, when in days.items()]
    load(settings, write(tmp_path / "logs.json", [*lines, line(timestamp="yesterday")]))
    rules = ("event_late", "event_ahead")
    found = {(row[0], rule): row[1:] for rule in rules for row in of_rule(settings, rule)}
    in_time, not_in_time = (1, 1, 0, 0, "none", "timeliness"), (1, 0, 0, 1, "none", "timeliness")
    wanted = {(when.date().isoformat(), rule): in_time for rule in rules for when in days.values()}
    wanted[days[5].date().isoformat(), "event_late"] = not_in_time
    wanted[days[-2].date().isoformat(), "event_ahead"] = not_in_time
    assert found == wanted
    assert {(d.nulled, d.score) for d in operations.quality(settings).days if d.day != "unknown"} == {
        (0, 100.0)
    }
    assert one(settings, "select count(*) from web_logs") == 4
    assert_verified(settings)
    with pytest.raises(SystemExit):
        main(["quality", "--lake", str(settings.lake)])
    shown = capsys.readouterr().out.partition("Rules")[2].partition("Drift")[0]
    assert re.findall(r"(event_\w+) .*timeliness", shown) == ["event_late", "event_ahead"]


def test_a_replay_leaves_the_figures_of_the_load(tmp_path: Path, laxer_contract: Path) -> None:
    settings = settings_for(tmp_path)
    load(settings, write(tmp_path / "logs.json", [line(), probe()]))
    before = rows(settings, "select * from quality order by all")
    operations.replay_quarantine(settings_for(tmp_path, contract=laxer_contract))
    assert rows(settings, "select * from quality order by all") == before
    assert_verified(settings)


def test_the_gate_judges_what_was_sent_and_not_what_was_mended(tmp_path: Path, laxer_contract: Path) -> None:
    settings = settings_for(tmp_path, correlation_id="c-1")
    sent = [line(request_id="a"), line(request_id="a"), json.dumps(probe(request_id="b")), ""]
    load(settings, write(tmp_path / "logs.json", sent))
    before = operations.quality_gate(settings, "c-1")
    assert (before.lines_read, before.lines_quarantined, before.refused_share) == (4, 1, 0.25)
    operations.replay_quarantine(settings_for(tmp_path, contract=laxer_contract, correlation_id="c-1"))
    assert rows(settings, "select kind from runs where correlation_id = 'c-1' order by kind") == [
        ("load",),
        ("replay",),
    ]
    assert operations.quality_gate(settings, "c-1") == before
    # All sent again: nothing of its own was refused, and nothing is asked of the rules.
    load(settings_for(tmp_path, correlation_id="c-2"), write(tmp_path / "again.json", sent[:2]))
    again = operations.quality_gate(settings, "c-2")
    assert (again.lines_read, again.lines_quarantined, again.is_acceptable) == (2, 0, True)


def test_there_is_nothing_to_tell_of_no_lake(tmp_path: Path) -> None:
    with pytest.raises(LakeError):
        operations.quality(settings_for(tmp_path))


def told(settings: Any) -> set[tuple[str, str, str, str]]:
    return {(d.change, d.field, d.before, d.after) for d in operations.quality(settings).drift}


# What a log carries before and while something is different, and how that is told.
DRIFT: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, str, str, str]]] = {
    "new": ({}, {"tenant": "blue"}, ("new", "tenant", "", "string")),
    "missing": ({"tenant": "blue"}, {}, ("missing", "tenant", "string", "")),
    "renamed": (
        {"user_agent": "a/1"},
        {"agent_text": "a/1"},
        ("renamed", "user_agent", "user_agent", "agent_text"),
    ),
    "retyped": ({"bytes": 17}, {"bytes": "17 kB"}, ("retyped", "bytes", "number", "string")),
}


@pytest.mark.parametrize("is_one_batch", [True, False], ids=["in mid-stream", "between batches"])
@pytest.mark.parametrize("change", DRIFT)
def test_drift_is_told_and_nothing_is_lost(tmp_path: Path, change: str, *, is_one_batch: bool) -> None:
    settings = settings_for(tmp_path)
    before, after, wanted = DRIFT[change]
    old, new = [timed(n, **before) for n in range(200)], [timed(n, **after) for n in range(200, 300)]
    if is_one_batch:
        load(settings, write(tmp_path / "all.json", [*old, *new]))
    else:
        load(settings, write(tmp_path / "old.json", old))
        assert told(settings) == set()
        load(settings, write(tmp_path / "new.json", new))
    assert told(settings) == {wanted}
    assert one(settings, "select (select count(*) from web_logs) + (select count(*) from quarantine)") == 300
    later = load(settings, write(tmp_path / "later.json", [timed(n, **before) for n in range(300, 400)]))
    assert (later.rows_silver, later.lines_quarantined, later.warnings) == (100, 0, {})
    assert_verified(settings)


def test_a_day_without_a_line_is_told(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    for day in (0, 1, 2, 5, 90):
        load(settings, write(tmp_path / f"{day}.json", [timed(86_400 * day + n) for n in range(20)]))
    found = {d.day: (d.lines, d.volume) for d in operations.quality(settings).days}
    # What is months away was written by a wrong clock rather than after months of silence.
    assert len(found) == 7
    assert found["2026-03-07"] == found["2026-03-08"] == (0, "low")
    assert found["2026-03-09"] == (20, "usual")
    assert [d.lines for d in operations.quality(settings, date(2026, 3, 8)).days] == [0]


@pytest.mark.parametrize(
    "fields",
    [
        {"by_user": {"jane_doe": 1, "alice.smith": 2}},
        {"ghp_16C7e42F292c6912E7710c838347Ae178B4a": 1, "AKIAIOSFODNN7EXAMPLE": 2},
        {"tok_sk_live_4eC39HqLyjWDarjtT1zdp7dc": 1, "xoxb-17653672481": 2, "s3cr3t0000000000000000": 3},
    ],
)
def test_keys_that_are_users_or_tokens_are_written_down_nowhere(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    settings = settings_for(tmp_path)
    load(settings, write(tmp_path / "before.json", [timed(n) for n in range(100)]))
    load(settings, write(tmp_path / "after.json", [timed(n, **fields) for n in range(100, 200)]))
    assert one(settings, "select count(*) from quality where field in ('by_user', '(other)')")
    keys = [key for top, value in fields.items() for key in (value if isinstance(value, dict) else [top])]
    files = [path for path in Path(str(settings.lake)).rglob("*") if path.is_file()]
    assert not [path for path in files if any(key.encode() in path.read_bytes() for key in keys)]


def test_of_a_day_the_drift_of_its_own_batches_is_told(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    carried: list[dict[str, Any]] = [{}, {"tenant": "blue"}, {"tenant": "blue", "shard": 7}]
    for day, fields in enumerate(carried):
        lines = [timed(86_400 * day + n, **fields) for n in range(100)]
        load(settings, write(tmp_path / f"{day}.json", lines))
    by_day = {day: operations.quality(settings, date(2026, 3, day)).drift for day in (4, 5, 6)}
    assert {day: [d.field for d in drift] for day, drift in by_day.items()} == {
        4: [],
        5: ["tenant"],
        6: ["shard"],
    }


@pytest.mark.parametrize("is_one_batch", [True, False], ids=["in mid-stream", "between batches"])
def test_drift_of_fields_that_no_contract_knows_and_of_one_that_gold_is_made_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, is_one_batch: bool
) -> None:
    settings = settings_for(tmp_path)
    old = [timed(n, tenant="blue", plan=7, status=200) for n in range(200)]
    new = [timed(n, customer="blue", plan="seven", status="okay") for n in range(200, 300)]
    for name, lines in [("all", [*old, *new])] if is_one_batch else [("old", old), ("new", new)]:
        load(settings, write(tmp_path / f"{name}.json", lines))
    assert told(settings) == {
        ("renamed", "tenant", "tenant", "customer"),
        ("retyped", "plan", "number", "string"),
        ("retyped", "status", "number", "string"),
    }
    # What can no longer be read is unknown, and counted; to the end of the stream and after it all else goes on.
    known = rows(settings, "select status, warnings, count(*) from web_logs group by all order by 1")
    assert known == [(200, None, 200), (None, "status_invalid", 100)]
    assert one(settings, "select sum(requests_without_status)::bigint from daily_metrics") == 100
    later = load(settings, write(tmp_path / "later.json", [timed(n, status=200) for n in range(300, 400)]))
    assert (later.rows_silver, later.lines_quarantined) == (100, 0)
    assert_verified(settings)
    with pytest.raises(SystemExit) as stop:
        main(["quality", "--lake", str(settings.lake)])
    assert stop.value.code == 0
    shown = capsys.readouterr().out.partition("Drift")[2]
    for words in (("renamed", "tenant", "customer"), ("retyped", "plan"), ("retyped", "status")):
        assert re.search(".*".join(words), shown), words


def test_a_batch_is_late_only_against_those_before_it() -> None:
    late = [Freshness(*pair).is_late for pair in ((3_599, 1), (7_200, 2_000), (7_200, 3_000), (9e9, None))]
    assert late == [False, True, False, False]


def test_a_day_is_compared_with_the_days_before_it(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    for day, count in enumerate((20, 22, 20, 50, 9, 21)):
        lines = [timed(86_400 * day + n) for n in range(count)]
        load(settings, write(tmp_path / f"{day}.json", lines))
    volumes = [(d.lines, d.volume, d.usual_lines) for d in operations.quality(settings).days]
    assert volumes == [
        (20, "unknown", None), (22, "unknown", None), (20, "unknown", None),
        (50, "high", 20), (9, "low", 21), (21, "usual", 20),
    ]  # fmt: skip


def fields(number: int, looked_at: int, **seen: tuple[str, int, int, int]) -> BatchFields:
    sightings = tuple(Sighting(name, *facts) for name, facts in seen.items())
    return BatchFields(str(number), "", looked_at, sightings)


def test_a_change_is_told_once() -> None:
    with_it = fields(1, 100, a=("number", 100, 1, 100), b=("string", 100, 1, 100))
    without = fields(2, 100, a=("number", 100, 1, 100))
    assert [d.change for d in drifts([with_it, without, without, without])] == ["missing"]
    assert [d.change for d in drifts([with_it, without, with_it, without])] == ["missing", "missing"]
    assert [d.change for d in drifts([without, with_it, with_it])] == ["new"]


def test_what_is_seldom_is_no_drift() -> None:
    some = fields(1, 100, a=("number", 100, 1, 100), b=("string", 10, 40, 80))
    none = fields(2, 100, a=("number", 100, 1, 100))
    assert drifts([some, none, some]) == []
    assert drifts([fields(1, 5, a=("number", 5, 1, 5)), fields(2, 5, b=("number", 5, 1, 5))]) == []


def test_scores_and_volumes() -> None:
    figures = [score(10, 0, 0), score(10, 1, 0), score(10, 0, 1), score(10, 10, 5), score(0, 0, 0)]
    assert figures == [100.0, 90.0, 95.0, 0.0, 100.0]
    assert [volume(n, 100.0) for n in (49, 50, 200, 201)] == ["low", "usual", "usual", "high"]
    assert volume(5, None) == "unknown"


def test_names_of_fields_are_bounded_and_clean(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    evil = {"bob@example.com": 1, "10.1.2.3": 1, "\x1b[31m": 1, "x" * 500: 1} | {
        f"k{n}": 1 for n in range(900)
    }
    load(settings, write(tmp_path / "logs.json", [line(**evil)]))
    names = [name for (name,) in rows(settings, "select field from quality where kind = 'field'")]
    assert len(set(names)) <= 301
    assert "(other)" in names
    assert not [n for n in names if "@" in n[1:] or "10." in n or len(n) > 100 or "\x1b" in n]


def test_freshness_is_that_of_the_newest_batch(tmp_path: Path) -> None:
    """A batch of years ago, loaded first, does not hide that logs arrive late now, and the reverse."""
    settings = settings_for(tmp_path)
    for name, age in (("old", 9e8), ("new", 7200.0)):
        log = write(tmp_path / f"{name}.json", [line(path=f"/{name}")])
        written = time.time() - age
        os.utime(log, (written, written))
        load(settings, log)
    found = operations.quality(settings).freshness
    assert found.seconds is not None and 7200 <= found.seconds < 9e7
    assert found.usual_seconds is not None and found.usual_seconds >= 9e8
