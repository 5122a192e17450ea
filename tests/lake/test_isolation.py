"""No content of a line stops a batch: odd values are values or reasons, and what raises is isolated."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.helpers.logs import assert_verified, load, settings_for, write
from tests.helpers.odd import ODD_JSON, json_line, write_odd

from loglode.contract import load_contract

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
