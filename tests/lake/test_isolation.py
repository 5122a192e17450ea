"""No content of a line stops a batch: odd values are values or reasons, and what raises is isolated."""

from __future__ import annotations

import logging
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.helpers.contracts import contract_with, own_field
from tests.helpers.logs import assert_verified, line, load, paths_of, refused, settings_for, write
from tests.helpers.odd import ODD_JSON, json_line, write_odd

from loglode import operations
from loglode.contract import load_contract
from loglode.engines.duckdb import isolate
from loglode.errors import LoglodeError
from loglode.formats import FORMATS
from loglode.silver import MEMOS, failing_statement, memo_texts
from loglode.silver.canonical import LINE_COLUMNS

_PATHS = sorted({alias.path for field in load_contract(None).read_fields for alias in field.aliases})


def test_odd_values_in_every_place_of_every_format(tmp_path: Path) -> None:
    count = write_odd(tmp_path / "logs")
    settings = settings_for(tmp_path)
    report = load(settings, tmp_path / "logs")
    assert report.failed == []
    assert report.lines_read == count
    assert "engine_error" not in report.reasons
    assert_verified(settings)


_TEXT = st.text(max_size=12) | st.sampled_from(["{", "[", "{x", '{"', "[{", "%", "\\", "://", "@"]).flatmap(
    lambda start: st.text(max_size=8).map(lambda rest: start + rest)
)


def _quoted(text: str) -> str:
    # As clients send it: characters that JSON would escape are written as they are.
    return '"' + text.replace("\n", " ").replace("\r", " ").encode("utf-8", "replace").decode() + '"'


_VALUES = st.one_of(
    st.sampled_from(ODD_JSON), _TEXT.map(_quoted), st.from_regex(r"[-+]?[0-9.eE_]{1,30}", fullmatch=True)
)


@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.tuples(st.sampled_from(_PATHS), _VALUES), min_size=100, max_size=300))
def test_any_value_under_any_name(tmp_path: Path, pairs: list[tuple[tuple[str, ...], str]]) -> None:
    number = len(list(tmp_path.glob("*.json")))
    lines = [json_line(path, value) for path, value in pairs]
    source = write(tmp_path / f"{number}.json", [json_line(("path",), f'"/{number}"'), *lines])
    report = load(settings_for(tmp_path), source)
    assert report.failed == []
    assert "engine_error" not in report.reasons


SECRET = "203.0.113.99-secret"  # noqa: S105 - a text to look for
# Predicates that raise for some values. The engine cannot try a call of `error`, so halving has to find it.
TRIED = "length(shop) < 1000 and cast(split_part(shop, ':', 2) as integer) >= 0"
HALVED = "case when contains(shop, 'secret') then error('no ' || shop) else true end"
FAULTS = {"tried": TRIED, "halved": HALVED}


def faulty_contract(path: Path, predicate: str) -> Path:
    """A contract of whose rules one raises for values that contain a secret."""
    rule = {"name": "shop_odd", "type": "custom", "engine": "loglode", "implementation": predicate}
    return contract_with(path, [own_field("shop", quality=[rule])])


def shop(number: int, *, is_bad: bool = False) -> str:
    return line(path=f"/{number}", **{"own-shop": f"a:{SECRET if is_bad else number}"})


@pytest.mark.parametrize("kind", FAULTS)
def test_lines_on_which_the_engine_fails_are_refused_alone(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    contract = faulty_contract(tmp_path / "faulty.yaml", FAULTS[kind])
    settings = settings_for(tmp_path, contract=contract)
    bad = {2, 17, 18, 40}
    write(
        tmp_path / "a.json",
        [*(shop(n, is_bad=n in bad) for n in range(41)), "broken", "", shop(2, is_bad=True)],
    )
    write(tmp_path / "b.json", [shop(n) for n in range(100, 110)])
    with caplog.at_level(logging.WARNING, "loglode"):
        report = load(settings, tmp_path / "a.json", tmp_path / "b.json")
    assert (report.failed, report.objects, report.blank_lines) == ([], 2, 1)
    assert report.reasons == {"engine_error": 5, "json_invalid": 1}
    assert paths_of(settings, "a.json") == [f"/{n}" for n in range(41) if n not in bad]
    assert len(paths_of(settings, "b.json")) == 10
    found = refused(settings, "a.json")
    assert [number - 1 for number, reasons, _ in found if reasons == ["engine_error"]] == [*sorted(bad), 43]
    assert found[0][2] == shop(2, is_bad=True)
    assert caplog.records
    if kind == "tried":  # any number of lines by one statement; another one sees that no more fail
        assert caplog.records[0].__dict__["counts"] == {"lines": 5, "statements": 1}
    assert "secret" not in caplog.text
    assert_verified(settings)
    # Once more: nothing is loaded twice. A replay is not stopped either, and frees them once the rule is gone.
    assert load(settings, tmp_path / "a.json", tmp_path / "b.json").objects == 0
    assert operations.replay_quarantine(settings).rows_silver == 0
    assert operations.replay_quarantine(settings_for(tmp_path)).rows_silver == 5
    assert_verified(settings)


def test_lines_that_fail_only_while_reasons_are_found_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising = "case when contains(line, 'secret') then cast(line as integer)::varchar else 'json_invalid' end"
    monkeypatch.setattr("loglode.formats.json_lines.JsonFormat.invalid_reason", lambda _: raising)
    settings = settings_for(tmp_path)
    write(tmp_path / "a.json", [line(path="/1"), "broken", f"broken {SECRET}", line(path="/2")])
    report = load(settings, tmp_path / "a.json")
    assert report.reasons == {"engine_error": 1, "json_invalid": 1}
    assert paths_of(settings, "a.json") == ["/1", "/2"]


def test_an_attack_of_many_such_lines_costs_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolate, "_MAX_PROBES", 5)
    contract = faulty_contract(tmp_path / "faulty.yaml", HALVED)
    settings = settings_for(tmp_path, contract=contract)
    write(tmp_path / "a.json", [shop(n, is_bad=n % 3 == 0) for n in range(40)])
    report = load(settings, tmp_path / "a.json")
    assert report.reasons["engine_error"] >= 14
    assert not set(paths_of(settings, "a.json")) & {f"/{n}" for n in range(0, 40, 3)}
    assert_verified(settings)


def test_what_fails_on_every_line_is_an_error_without_their_text(tmp_path: Path) -> None:
    contract = faulty_contract(tmp_path / "faulty.yaml", "length(error('secret')::varchar) > 0")
    settings = settings_for(tmp_path, contract=contract)
    write(tmp_path / "a.json", [shop(n) for n in range(3)])
    with pytest.raises(LoglodeError, match="the engine failed on batch") as raised:
        operations.run(settings, [str(tmp_path / "a.json")])
    assert "secret" not in f"{raised.value} {raised.value.hint}"
    assert raised.value.__suppress_context__
    assert load(settings_for(tmp_path), tmp_path / "a.json").rows_silver == 3


def test_all_functions_of_our_own_statement_can_be_tried() -> None:
    contract = load_contract()
    with duckdb.connect() as connection:
        lines = "source_line bigint, key_count integer, " + ", ".join(
            f"{name} varchar" for name in LINE_COLUMNS if name not in ("source_line", "key_count")
        )
        connection.execute(f"create table lines ({lines})")
        for memo in MEMOS:
            texts = memo_texts(contract, FORMATS["json"], frozenset())
            connection.execute(f"create table {memo.name} as {memo.statement(texts)}")
        for fmt in FORMATS.values():
            connection.execute(f"prepare guarded as {failing_statement(contract, fmt, frozenset())}")
