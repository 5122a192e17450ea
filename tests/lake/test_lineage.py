"""Lineage against the lake: what it says a column does not depend on changes nothing in it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.lakes import BY_BATCH, GOLD, Record, load, record, records, settings, table, write

from loglode import operations
from loglode.contract import load_contract
from loglode.errors import UsageError

TABLES = [name.removeprefix("gold/") for name in GOLD if name not in BY_BATCH]
CHANGES: dict[str, tuple[str, Callable[[int], Any]]] = {
    "status": ("status", lambda i: (200, 404, 500)[i % 3]),
    "response_time_ms": ("response_time_ms", lambda i: 3.5 * (i % 17)),
    "user_agent": ("user_agent", lambda i: ("curl/8.5.0", "Googlebot/2.1")[i % 2]),
    "referrer": ("referrer", lambda i: f"https://site{i % 3}.example/x"),
    "country": ("country", lambda i: ("DE", "FR")[i % 2]),
    "path": ("path", lambda i: f"/other/{i % 5}.css"),
}


def _columns(lake: Path) -> dict[str, Counter[str]]:
    """Values of each gold column, in whatever row."""
    found: dict[str, Counter[str]] = {}
    for name in TABLES:
        for row in table(lake, f"gold/{name}"):
            for column, value in row.items():
                found.setdefault(f"{name}.{column}", Counter())[repr(value)] += 1
    return found


def _lines() -> list[Record]:
    return [
        {**line, "session_id": f"s{i % 7}", "client_ip": f"203.0.113.{i % 5}", "event_id": f"e{i}"}
        for i, line in enumerate(records(60, step=400))
    ]


def test_a_field_changes_only_what_lineage_says(tmp_path: Path) -> None:
    load(tmp_path / "as-it-is", write(tmp_path / "logs.json", _lines()))
    before = _columns(tmp_path / "as-it-is")
    reach = {
        column.column: {*column.fields, *column.row_fields}
        for name in TABLES
        for column in operations.lineage(load_contract(None), name)
    }
    for field, (key, value) in CHANGES.items():
        changed = [{**line, key: value(i)} for i, line in enumerate(_lines())]
        load(tmp_path / field, write(tmp_path / f"{field}.in" / "logs.json", changed))
        after = _columns(tmp_path / field)
        moved = {name for name in before | after if before.get(name) != after.get(name)}
        # An identity is a hash of the whole line.
        moved -= {"visit_slots.entry_id", "visit_slots.exit_id"}
        assert moved, f"{field} changed nothing: the test is blind"
        assert {name for name in moved if field not in reach[name]} == set(), field


def test_a_row_leads_to_its_line(tmp_path: Path, lake: Path) -> None:
    lines = [record(i, path=f"/page/{i}", event_id=f"e{i}") for i in range(5)]
    source = write(tmp_path / "a.json", ["broken", *lines])
    load(lake, source, correlation_id="from-the-trigger")
    for row in table(lake, "silver/web_logs"):
        told = operations.row_lineage(settings(lake), row["event_id"])
        line = Path(told["source_object"].removeprefix("file://")).read_text().splitlines()
        assert json.loads(line[told["source_line"] - 1])["path"] == row["path"]
        assert told["correlation_id"] == "from-the-trigger"
        assert told["batch_id"] == row["batch_id"]


def test_a_row_that_is_not_there_is_said(tmp_path: Path, lake: Path) -> None:
    load(lake, write(tmp_path / "a.json", records(3)))
    for event_id in ("nothing", "' or true --", "\x1b[31m"):
        with pytest.raises(UsageError, match="no row"):
            operations.row_lineage(settings(lake), event_id)
