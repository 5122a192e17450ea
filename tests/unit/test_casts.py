"""Casts from text to the contract's types, in the engine, against values written out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglode.contract import load_contract
from loglode.formats.durations import milliseconds, with_unit
from loglode.silver.casts import FIRST_MICROS, LAST_MICROS, cast, timestamp_micros

CONNECTION = duckdb.connect(config={"threads": "1"})
CONNECTION.execute("set timezone = 'UTC'")
FIELDS = {field.name: field for field in load_contract().read_fields}


def ask(expression: str, text: str | None) -> Any:
    """Value of an expression over the column `t`."""
    row = CONNECTION.execute(
        f"select {expression} from (select $text::varchar as t)", {"text": text}
    ).fetchone()
    assert row is not None
    return row[0]


MOMENT = 1_772_600_767_000_000  # 2026-03-04T05:06:07Z


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("2026-03-04T05:06:07Z", MOMENT),
        ("2026-03-04t05:06:07z", MOMENT),
        ("2026-03-04T05:06:07", MOMENT),
        ("2026-03-04 05:06:07", MOMENT),
        ("2026-03-04 05:06:07Z", MOMENT),
        ("2026-03-04T05:06:07.5Z", MOMENT + 500_000),
        ("2026-03-04T05:06:07.123456", MOMENT + 123_456),
        ("2026-03-04T05:06:07.123456789Z", MOMENT + 123_456),
        ("2026-03-04T07:06:07+02:00", MOMENT),
        ("2026-03-04T07:06:07+0200", MOMENT),
        ("2026-03-04T07:06:07+02", MOMENT),
        ("2026-03-03T21:06:07.25-08:00", MOMENT + 250_000),
        ("2026-03-04T10:51:07+05:45", MOMENT),
        ("2026-03-04T19:06:07+14:00", MOMENT),
        ("2026-03-04", 1_772_582_400_000_000),
        ("04/Mar/2026:05:06:07 +0000", MOMENT),
        ("04/Mar/2026:01:06:07 -0400", MOMENT),
        ("04/Mar/2026:10:51:07 +0545", MOMENT),
        ("1772600767", MOMENT),
        ("1772600767.0", MOMENT),
        ("1772600767.8155608", MOMENT + 815_561),
        ("1772600767.123", MOMENT + 123_000),
        ("1772600767123", MOMENT + 123_000),
        ("1772600767123.456", MOMENT + 123_456),
        ("1772600767123456", MOMENT + 123_456),
        ("1772600767123456789", MOMENT + 123_456),
        ("999999999", 999_999_999_000_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
        # Usual in libraries and other programs.
        ("2026-03-04 05:06:07,123", MOMENT + 123_000),
        ("2026-03-04T05:06:07,123Z", MOMENT + 123_000),
        ("2026-03-04 05:06:07 +0000", MOMENT),
        ("2026-03-04 07:06:07 +0200", MOMENT),
        ("2026-03-04 05:06:07 UTC", MOMENT),
        ("2026-03-04 05:06:07.5 +0000 UTC", MOMENT + 500_000),
        ("2026/03/04 05:06:07", MOMENT),
        ("2026/03/04 05:06:07.25", MOMENT + 250_000),
        ("2026-03-04T05:06Z", MOMENT - 7_000_000),
        ("2026-03-04 05:06", MOMENT - 7_000_000),
        ("2026-03-04T07:06+02:00", MOMENT - 7_000_000),
        ("20260304T050607Z", MOMENT),
        ("20260304T050607.5Z", MOMENT + 500_000),
        ("20260304050607", MOMENT),
        ("20260304T070607+0200", MOMENT),
        ("[04/Mar/2026:05:06:07 +0000]", MOMENT),
        ("[2026-03-04 05:06:07]", MOMENT),
        ("04/Mar/2026:05:06:07.123 +0000", MOMENT + 123_000),
        ("04/Mar/2026:05:06:07", MOMENT),
        ("4/Mar/2026:05:06:07 +0000", MOMENT),
        ("04/Mar/2026 05:06:07 +0000", MOMENT),
        ("Wed, 04 Mar 2026 05:06:07 GMT", MOMENT),
        ("Wed, 04 Mar 2026 07:06:07 +0200", MOMENT),
        ("Wednesday, 04-Mar-26 05:06:07 GMT", MOMENT),
        ("04 Mar 2026 05:06:07 +0000", MOMENT),
        ("Wed Mar  4 05:06:07 2026", MOMENT),
        ("Wed Mar  4 05:06:07 UTC 2026", MOMENT),
        ("Wed Mar 04 2026 07:06:07 GMT+0200 (Central European Standard Time)", MOMENT),
        ("Mar 4, 2026 05:06:07", MOMENT),
        # Most clocks know a leap second as the next second.
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
        ("31/Dec/2016:23:59:60 +0000", 1_483_228_800_000_000),
    ],
)
def test_times(text: str, micros: int) -> None:
    assert ask(timestamp_micros("t"), text) == micros


@pytest.mark.parametrize(
    "text",
    [
        "", "-", "yesterday", "now", "today", "epoch", "infinity", "2026-02-30T00:00:00Z", "2026-13-01", "2023-02-29",
        "2026-03-04T25:00:00Z", "2026-03-04T05:06:07+99:00", "2026-03-04T05:06:07-1600", "2026-03-04T05:06:07+16",
        "04/Mar/2026:05:06:07 +9900", "31/Feb/2026:05:06:07 +0000", "04/Foo/2026:05:06:07 +0000",
        "12345678", "-1772600767", "1e9", "0x69A7C2BF", "1772600767 ", "17726007671234567890", "1772600767.", "nan",
        "March 4, 2026", "Wed, 04 Mar 2026 05:06:07 EST", "20261304T050607Z", "05:06:07",
    ],
)  # fmt: skip
def test_no_times(text: str) -> None:
    assert ask(timestamp_micros("t"), text) is None


# The zone is added in the tests.
_MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30))  # noqa: DTZ001


@given(
    moment=_MOMENTS,
    minutes=st.integers(-12 * 60, 14 * 60),
    spaced=st.booleans(),
)
def test_any_offset_is_honoured(moment: datetime, minutes: int, *, spaced: bool) -> None:
    there = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    text = there.isoformat(sep=" " if spaced else "T")
    wanted = (there - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert ask(timestamp_micros("t"), text) == wanted


@given(moment=_MOMENTS, minutes=st.integers(-12 * 60, 14 * 60))
def test_any_common_log_time(moment: datetime, minutes: int) -> None:
    there = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    text = there.strftime("%d/%b/%Y:%H:%M:%S %z")
    wanted = (there - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert ask(timestamp_micros("t"), text) == wanted


@given(text=st.text(max_size=30))
def test_no_text_is_an_error(text: str) -> None:
    if "\0" not in text:
        for field in FIELDS.values():
            ask(cast(field, "t"), text)


def test_times_are_kept_where_all_tools_can_hold_them() -> None:
    assert datetime.fromtimestamp(FIRST_MICROS / 1e6, UTC) == datetime(1900, 1, 1, tzinfo=UTC)
    last = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=LAST_MICROS)
    assert last == datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("200", 200), ("200.0", 200), ("2e2", 200), ("0200", 200), (" 200", 200), ("200.7", None), ("", None),
        ("-", None), ("OK", None), ("true", None), ("inf", None), ("nan", None), ("1e999", None), ("99999", None),
        ("2_00", None), ("0x10", None), ("200 OK", None), (None, None),
    ],
)  # fmt: skip
def test_whole_numbers(text: str | None, status: int | None) -> None:
    assert ask(cast(FIELDS["status"], "t"), text) == status


def test_large_whole_numbers() -> None:
    assert ask(cast(FIELDS["bytes_sent"], "t"), "9007199254740991") == 2**53 - 1
    assert ask(cast(FIELDS["bytes_sent"], "t"), "1e400") is None
    assert ask(cast(FIELDS["bytes_sent"], "t"), "9" * 30) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.25", 0.25),
        ("-1", -1.0),
        ("1e3", 1000.0),
        ("nan", None),
        ("inf", None),
        ("1,5", None),
        ("12ms", None),
        ("1_000", None),
    ],
)
def test_numbers(text: str, value: float | None) -> None:
    assert ask(cast(FIELDS["response_time_ms"], "t"), text) == value


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("0.304", "s", 304.0), ("1.335486e-3", "s", 1.335486), ("1500", "us", 1.5), ("10002425284", "ns", 10002.425284),
        ("12.5", "ms", 12.5), ("12.5", None, 12.5), ("0", "s", 0.0), ("0.001, 0.003 : -", "s", 4.0),
        ("1h2m3.5s", "ns", 3723500.0), ("850\u00b5s", "s", 0.85), ("12.5 ms", None, 12.5), ("2s", "?", 2000.0),
    ],
)  # fmt: skip
def test_durations_in_units(text: str, unit: str | None, value: float) -> None:
    assert float(ask(milliseconds(f"({with_unit('t', unit)})"), text)) == pytest.approx(value)


@pytest.mark.parametrize("unit", ["s", "ms", "?", None])
@pytest.mark.parametrize("text", ["a, b", "12 parsecs", "1~2~3~4~5~6s", "-, -", "1h2", "m"])
def test_a_duration_that_is_none_stays_as_it_is(text: str, unit: str | None) -> None:
    assert ask(milliseconds(f"({with_unit('t', unit)})"), text) == text


@pytest.mark.parametrize("unit", ["s", "us", "?", "ms", None])
@pytest.mark.parametrize("text", ["\x1fs12", "\x1f12ms", "\x1f", "\x1f0", "\x1f\x1f", "12\x1fms", "1_000"])
def test_no_log_can_write_the_mark_of_a_unit(text: str, unit: str | None) -> None:
    value = ask(milliseconds(f"({with_unit('t', unit)})"), text)
    assert value is not None and ask(cast(FIELDS["response_time_ms"], "t"), value) is None
    assert ask(milliseconds("t", is_marked=False), text) == text


def test_a_number_of_unknown_unit_says_so() -> None:
    assert ask(milliseconds(f"({with_unit('t', '?')})"), "12.5") == "12.5 (unit unknown)"
