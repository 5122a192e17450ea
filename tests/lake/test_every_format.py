"""What holds for each registered format: its fixture is read as it says, and so are generated logs."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.helpers.logs import accepted, assert_verified, load, refused, settings_for, write

from loglode.formats import FORMATS, look
from loglode_generator import GenerateSpec, generate

FIXTURES = Path(__file__).parents[1] / "data" / "formats"
OWN_NAMES = sorted({fmt.name for fmt in FORMATS.values()})


@pytest.mark.parametrize("name", OWN_NAMES)
def test_fixture(tmp_path: Path, name: str) -> None:
    entries: list[dict[str, Any]] = yaml.safe_load((FIXTURES / f"{name}.yaml").read_text(encoding="utf-8"))
    log = write(tmp_path / "fixture.log", [entry["line"] for entry in entries])
    assert look(log.read_bytes()).format.name == name
    settings = settings_for(tmp_path)
    report = load(settings, log)
    silver = [(number, entry["silver"]) for number, entry in enumerate(entries, 1) if entry.get("silver")]
    columns = sorted({column for _, expected in silver for column in expected})
    found = accepted(settings, log.name, ", ".join(["source_line", *(f"{c}::varchar" for c in columns)]))
    assert [row[0] for row in found] == [number for number, _ in silver]
    for (_, expected), row in zip(silver, found, strict=True):
        texts = dict(zip(columns, row[1:], strict=True))
        assert {c: texts[c] for c in expected} == {
            c: None if v is None else str(v) for c, v in expected.items()
        }
    reasons = [(number, entry["reasons"]) for number, entry in enumerate(entries, 1) if "reasons" in entry]
    assert reasons, "the fixture shows no line that is refused"
    assert [(number, list(found)) for number, found, _ in refused(settings, log.name)] == reasons
    assert report.blank_lines == len(entries) - len(silver) - len(reasons)


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_generated_logs(tmp_path: Path, name: str, compression: str) -> None:
    facts = generate(
        GenerateSpec(
            out=tmp_path / "logs", events=1500, days=2, start=date(2026, 3, 9), seed=7, files=2, format=name,
            broken_share=0.05, compression=compression,
        )
    )  # fmt: skip
    settings = settings_for(tmp_path)
    report = load(settings, tmp_path / "logs")
    assert report.lines_read == facts.lines
    assert (report.rows_silver, report.lines_quarantined, report.duplicates) == (
        facts.good_events,
        facts.broken_lines,
        facts.duplicate_lines,
    )
    assert_verified(settings)


def test_each_format_is_detected_by_its_own_lines_alone(tmp_path: Path) -> None:
    for name, fmt in FORMATS.items():
        generate(GenerateSpec(out=tmp_path / name, events=200, days=1, files=1, format=name))
        (log,) = (path for path in (tmp_path / name).iterdir() if not path.name.startswith("_"))
        scores = {other.name: other.sniff(log.read_bytes()) for other in FORMATS.values()}
        best = scores.pop(fmt.name)
        assert best > 0.9
        assert max(scores.values(), default=0) < 0.1
