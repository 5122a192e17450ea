"""What holds for each registered format: its fixture is read as it says, and so are generated logs.

One load serves all formats.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from tests.helpers.logs import accepted, assert_verified, load, refused, rows, settings_for, write

from loglode.formats import FORMATS, look
from loglode.formats.written import example
from loglode.settings import Settings
from loglode_generator import GenerateSpec, generate
from loglode_generator.facts import Facts

FIXTURES = Path(__file__).parents[1] / "data" / "formats"
OWN_NAMES = sorted({fmt.name for fmt in FORMATS.values()})
# Odd values of a request as SQL, and the field that each costs, if any.
ODD: list[tuple[str, str, str]] = [
    *(("status", "status", f"'{text}'") for text in ("0", "999", "-1", "000", "-", "abc")),
    ("bytes_sent", "bytes", "-1"),
    ("response_time_ms", "took_ms", "-5"),
    *(("none", "method", f"'{text}'") for text in ("M-SEARCH", "SSTP_DUPLEX_POST", "BREW", "Get")),
    ("none", "addr", "'192.0.2.1:99999'"),
]
NOT_MEASURED = {"alb", "elb", "haproxy"}  # say so by a negative time
COMPRESSIONS = {"json": "gzip", "combined": "zstd"}


@dataclass(frozen=True)
class Loaded:
    """A lake that holds the fixture and generated logs of every format."""

    settings: Settings
    folder: Path
    entries: dict[str, list[dict[str, Any]]]
    facts: dict[str, Facts]


def odd_line(name: str, number: int) -> str:
    """The example line of a format with one column of its request replaced."""
    _, column, sql = [("none", "status", "'200'"), *ODD][number]
    is_number = sql.strip("'-").isdecimal() and "000" not in sql
    is_text = name == "json" and column == "status" and not is_number
    value = f"'\"' || {sql} || '\"'" if is_text else sql
    row = duckdb.sql(
        example(
            FORMATS[name].templates[name],
            **{column: value, "request_id": f"'7b0c5a9e-7a33-4f5e-9c0f-0d8f3c1b2a{number:02}'"},
        )
    ).fetchone()
    assert row is not None
    return str(row[0])


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder = tmp_path_factory.mktemp("formats")
    entries: dict[str, list[dict[str, Any]]] = {}
    facts: dict[str, Facts] = {}
    for name in OWN_NAMES:
        entries[name] = yaml.safe_load((FIXTURES / f"{name}.yaml").read_text(encoding="utf-8"))
        write(folder / "logs" / f"{name}.fixture.log", [entry["line"] for entry in entries[name]])
    for name, fmt in FORMATS.items():
        if fmt.is_of_requests:
            facts[name] = generate(
                GenerateSpec(
                    out=folder / "logs" / f"generated-{name}", events=400, days=2, start=date(2026, 3, 9), seed=len(facts),
                    files=2, format=name, broken_share=0.05, compression=COMPRESSIONS.get(name, "none"),
                )
            )  # fmt: skip
            lines = [odd_line(name, number) for number in range(len(ODD) + 1)]
            header = fmt.templates[name].header.rstrip("\n")
            write(folder / "logs" / f"{name}.odd.log", [*([header] if header else []), *lines])
    settings = settings_for(folder)
    load(settings, folder / "logs")
    return Loaded(settings, folder / "logs", entries, facts)


@pytest.mark.parametrize("name", OWN_NAMES)
def test_fixture(loaded: Loaded, name: str) -> None:
    entries, log, settings = loaded.entries[name], f"{name}.fixture.log", loaded.settings
    assert look((loaded.folder / log).read_bytes()).format.name == name
    silver = [(number, entry["silver"]) for number, entry in enumerate(entries, 1) if entry.get("silver")]
    columns = sorted({column for _, expected in silver for column in expected})
    found = accepted(settings, log, ", ".join(["source_line", *(f"{c}::varchar" for c in columns)]))
    assert [row[0] for row in found] == [number for number, _ in silver]
    for (number, expected), row in zip(silver, found, strict=True):
        texts = dict(zip(columns, row[1:], strict=True))
        assert {c: texts[c] for c in expected} == {
            c: None if v is None else str(v) for c, v in expected.items()
        }, f"line {number}"
    reasons = [(number, entry["reasons"]) for number, entry in enumerate(entries, 1) if "reasons" in entry]
    assert reasons, "the fixture shows no line that is refused"
    assert [(number, list(found)) for number, found, _ in refused(settings, log)] == reasons


@pytest.mark.parametrize("name", [name for name, fmt in sorted(FORMATS.items()) if fmt.is_of_requests])
def test_generated_logs(loaded: Loaded, name: str) -> None:
    facts = loaded.facts[name]
    pattern = f"%/generated-{name}/%"
    counts = Counter(
        dict(
            rows(
                loaded.settings,
                f"select 'silver', count(*) from web_logs where source_object like '{pattern}' union all"
                f" select 'quarantine', count(*) from quarantine where source_object like '{pattern}'",
            )
        )
    )
    assert counts == {"silver": facts.good_events, "quarantine": facts.broken_lines}


@pytest.mark.parametrize("name", [name for name, fmt in sorted(FORMATS.items()) if fmt.is_of_requests])
def test_an_odd_value_costs_the_value_and_not_the_line(loaded: Loaded, name: str) -> None:
    log, costly = f"{name}.odd.log", ("status", "bytes_sent", "response_time_ms", "path", "warnings")
    assert refused(loaded.settings, log) == []
    whole, *found = accepted(loaded.settings, log, ", ".join(costly))
    assert len(found) == len(ODD) and whole[0] == 200
    for (field, _, sql), row in zip(ODD, found, strict=True):
        wanted = dict(zip(costly, whole, strict=True)) | {field: None}
        shown = dict(zip(costly, row, strict=True))
        assert {c: shown[c] for c in costly[:4]} == {c: wanted[c] for c in costly[:4]}, sql
        is_odd = field != "none" and whole[costly.index(field)] is not None
        is_odd &= not (field == "response_time_ms" and name in NOT_MEASURED)
        assert (shown["warnings"] is not None and shown["warnings"].startswith(field)) is is_odd, (sql, shown)


def test_books(loaded: Loaded) -> None:
    assert_verified(loaded.settings)


def test_each_format_is_detected_by_its_own_lines(loaded: Loaded) -> None:
    for name, fmt in FORMATS.items():
        if name not in loaded.facts or name in COMPRESSIONS:
            continue
        log = next(p for p in (loaded.folder / f"generated-{name}").iterdir() if not p.name.startswith("_"))
        sample = log.read_bytes()
        assert look(sample).format is fmt
        assert fmt.sniff(sample) > 0.9
        # A format whose lines are also lines of a more general one has the higher rank; others do not score.
        rivals = {o.name for o in FORMATS.values() if o is not fmt and o.sniff(sample) > 0.1}
        assert all(FORMATS[rival].rank < fmt.rank for rival in rivals), rivals
