"""The JSON test suite, text by text."""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path

import pytest
from tests.helpers.logs import (
    accepted,
    assert_verified,
    line,
    load,
    one,
    refused,
    rows,
    settings_for,
)

DATA = Path(__file__).resolve().parents[1] / "data"

# What the engine's JSON reader takes beyond the standard, here in a field that nothing reads: a comma
# before a closing bracket, numbers that are none, and a backslash before a byte that is no UTF-8.
LENIENT = {
    "n_array_comma_after_close.json", "n_array_extra_comma.json", "n_array_number_and_comma.json",
    "n_number_-NaN.json", "n_number_Inf.json", "n_number_NaN.json", "n_number_infinity.json",
    "n_number_minus_infinity.json", "n_object_trailing_comma.json", "n_string_invalid_utf8_after_escape.json",
}  # fmt: skip


Suite = dict[str, bytes]


def of_the_repository() -> Suite:
    """All texts of the suite but the long ones."""
    lines = (DATA / "jsontestsuite" / "cases.ndjson").read_text("utf-8").splitlines()
    return {case["name"]: base64.b64decode(case["base64"]) for case in map(json.loads, lines)}


def test_json_test_suite(tmp_path: Path) -> None:
    check(of_the_repository(), tmp_path)


@pytest.mark.slow
def test_the_whole_json_test_suite(real_logs: Path, tmp_path: Path) -> None:
    """With texts of 100,000 open brackets."""
    check({path.name: path.read_bytes() for path in (real_logs / "jsontestsuite").glob("*.json")}, tmp_path)


def check(suite: Suite, folder: Path) -> None:
    """Each text as an object of its own, and each as a part of a valid line."""
    assert len(suite) > 300
    lines: list[bytes] = []
    numbers: dict[int, str] = {}
    bronze = folder / "bronze"
    bronze.mkdir()
    for name, text in sorted(suite.items()):
        (bronze / name).write_bytes(text)
        if b"\n" not in text and b"\r" not in text:
            numbers[len(lines) + 1] = name
            lines.append(line(path=f"/{name}")[:-1].encode() + b', "x": ' + text + b"}\n")
    (bronze / "parts.ndjson").write_bytes(b"".join(lines))
    settings = settings_for(folder)
    report = load(settings, bronze)
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
