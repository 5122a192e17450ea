"""Files of JSON values with broken ones among them: every good record arrives, every line is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.helpers.logs import EVENT, accepted, assert_verified, load, one, refused, settings_for, write

GOOD = [{**EVENT, "path": f"/{number}", "labels": {"a": ["b"]}} for number in range(400)]


@pytest.mark.parametrize("broken", ["}", '{"path": "/x"}}', '{"path": "never ends,', '{\n  "path": "/x",\n  "labels": {', "text"])  # fmt: skip
@pytest.mark.parametrize("is_array", [True, False])
def test_one_broken_value(tmp_path: Path, broken: str, *, is_array: bool) -> None:
    texts = [json.dumps(value, indent=2) for value in GOOD]
    texts.insert(200, broken)
    between = ",\n" if is_array else "\n"
    text = between.join(texts)
    log = write(tmp_path / "a.json", [f"[\n{text}\n]" if is_array else text])
    settings = settings_for(tmp_path)
    report = load(settings, log)
    assert [path for (path,) in accepted(settings, "a.json")] == [value["path"] for value in GOOD]
    assert report.lines_quarantined == len(refused(settings, "a.json")) >= 1
    assert_verified(settings)


def test_the_length_of_a_refused_line_is_in_bytes(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    load(settings, write(tmp_path / "a.json", ["gebrochen é €"]))
    assert one(settings, "select raw_bytes from quarantine") == len("gebrochen é €".encode())
