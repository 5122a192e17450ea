"""Casts from a log's text to the contract's types, as SQL. Each gives null where the text is wrong."""

from __future__ import annotations

from loglode.contract import Field
from loglode.errors import ContractError
from loglode.silver import times
from loglode.sql import literal

_CLF = "%d/%b/%Y:%H:%M:%S %z"
_MICROS_PER_SECOND = 1_000_000
# The years 1900 to 2199 in microseconds: no log is from another, and beyond them tools differ.
FIRST_MICROS, LAST_MICROS = -2_208_988_800_000_000, 7_258_118_399_999_999


def cast(field: Field, text: str) -> str:
    """Expression giving `text` in the field's type, or null. Timestamps come as UTC microseconds."""
    match field.logical_type:
        case "string":
            return text
        case "integer":
            return _integer(text, field.sql_type)
        case "number":
            value = f"try_cast({text} as double)"
            return f"case when isfinite({value}) and not contains({text}, '_') then {value} end"
        case "timestamp":
            return timestamp_micros(text)
        case "boolean" | "date":
            return f"try_cast({text} as {field.sql_type})"
        case other:
            raise ContractError(f"field {field.name}: no cast to {other}")


def _integer(text: str, sql_type: str) -> str:
    """Through double, because a cast from text to an integer rounds 200.7 instead of refusing it.

    Underscores between digits are the engine's own taste.
    """
    value = f"try_cast({text} as double)"
    return f"case when isfinite({value}) and {value} = floor({value}) and not contains({text}, '_') then try_cast({value} as {sql_type}) end"


def timestamp_micros(text: str) -> str:
    """UTC microseconds since 1970 (BIGINT) from RFC 3339 and ISO 8601 with or without offset (none
    means UTC), epoch seconds, milliseconds, microseconds or nanoseconds, recognised by magnitude,
    the common log format's `10/Oct/2000:13:55:36 -0700`, and what `times` rewrites.
    """
    # A plain cast to TIMESTAMP is fast and drops offsets without a word: only for text that has none.
    plain = f"epoch_us(try_cast({text} as timestamp))"
    has_no_offset = f"(ends_with({text}, 'Z') or length({text}) = 10 or (length({text}) = 19 and substr({text}, 17, 1) = ':'))"
    iso = f"case when {has_no_offset} then {plain} else {_zoned(text)} end"
    usual = (
        f"case when substr({text}, 5, 1) = '-' then {iso}"
        f" when substr({text}, 3, 1) = '/' and substr({text}, 23, 2) < '16' then epoch_us(try_strptime({text}, {literal(_CLF)}))"
        f" when regexp_full_match({text}, '[0-9]{{9,13}}|[0-9]{{15,19}}|[0-9]{{9,19}}[.][0-9]{{1,12}}') then {_epoch(text)} end"
    )
    return f"coalesce({usual}, epoch_us(try_cast({times.as_iso(text)} as timestamptz)) + {times.leap_micros(text)})"


def _zoned(text: str) -> str:
    # No place on earth is 16 hours from UTC; the engine would take 99.
    wild = f"regexp_matches({text}, '[+-](1[6-9]|[2-9][0-9])(:?[0-9]{{2}})?$')"
    return f"case when not {wild} then epoch_us(try_cast(upper({text}) as timestamptz)) end"


def _epoch(text: str) -> str:
    whole = f"try_cast(split_part({text}, '.', 1) as bigint)"
    fraction = f"coalesce(try_cast('0.' || nullif(split_part({text}, '.', 2), '') as double), 0)"
    micros = [
        (
            "100000000000",
            f"{whole} * {_MICROS_PER_SECOND} + round({fraction} * {_MICROS_PER_SECOND})::bigint",
        ),
        ("100000000000000", f"{whole} * 1000 + round({fraction} * 1000)::bigint"),
        ("100000000000000000", whole),
    ]
    cases = " ".join(f"when {whole} < {limit} then {value}" for limit, value in micros)
    return f"case {cases} else {whole} // 1000 end"
