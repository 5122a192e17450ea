"""Inputs that log tools are known to misread, and what is right for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.logs import assert_verified, line, load, paths_of, rows, settings_for

from loglode import operations
from loglode.settings import Settings


@pytest.fixture(scope="module")
def tried(real_logs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, dict[str, Any]]:
    """A lake with all inputs, and what is expected of each."""
    folder = real_logs / "tried"
    if not folder.is_dir():
        pytest.skip(f"no inputs at {folder}")
    settings = settings_for(tmp_path_factory.mktemp("tried"))
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    del expected["glued_records.ndjson"]  # begins as another one: its first record is the same event
    operations.run(settings, [str(folder / name) for name in expected])
    return settings, expected


def test_every_input_is_read_right(tried: tuple[Settings, dict[str, Any]]) -> None:
    settings, expected = tried
    faults = {name: found for name, wanted in expected.items() if (found := _faults(settings, name, wanted))}
    assert faults == {}
    assert_verified(settings)


def test_objects_in_one_line_are_lines_of_their_own(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    texts = [line(path=f"/p{n}", user_agent='odd "}{" agent', x={"y": {}}) for n in range(6)]
    log = tmp_path / "a.json"
    log.write_text(texts[0] + texts[1] + " " + texts[2] + "\n" + texts[3] + "\n" + texts[4] + texts[5])
    load(settings, log)
    assert paths_of(settings, "a.json") == [f"/p{n}" for n in range(6)]


def _faults(settings: Settings, name: str, expected: dict[str, Any]) -> list[str]:
    lines = operations.query(
        settings, f"select * from web_logs where source_object like '%/{name}' order by source_line"
    )
    found = [dict(zip(lines.columns, row, strict=True)) for row in lines.rows()]
    faults = [] if len(found) == expected["silver"] else [f"{len(found)} rows, not {expected['silver']}"]
    for column, count in expected.get("distinct", {}).items():
        if (different := len({row[column] for row in found} - {None})) != count:
            faults.append(f"{different} different {column}, not {count}")
    if expected.get("bots", bots := sum(row["is_bot"] is True for row in found)) != bots:
        faults.append(f"{bots} bots")
    by_line = {str(row["source_line"]): row for row in found}
    for number, wanted in expected.get("rows", {}).items():
        row = by_line.get(number, {})
        for column, value in wanted.items():
            got = row.get(column, "no row")
            if not (got == value or (column == "event_ts" and got.isoformat().startswith(value))):
                faults.append(f"line {number} {column}: {got!r}, not {value!r}")
    if faults:
        reasons = "select source_line, reasons from quarantine where source_object like"
        faults.append(str(rows(settings, f"{reasons} '%/{name}'")))
    return faults
