"""Durations as logs write them, to milliseconds, as SQL: with a unit of their own, in lists, or of no known unit."""

from __future__ import annotations

from loglode.sql import literal

UNKNOWN = "?"  # the unit of a name under which programs write different ones
# Behind a number of which nothing says the unit: no number, so that it becomes null with a warning of its own.
UNKNOWN_MARK = " (unit unknown)"
_FACTORS = {"s": "1000.0", "us": "0.001", "ns": "0.000001"}
_PARTS = 8
# As Go and others print it: 1h2m3.5s, 12.5ms, 850µs.
_PRINTED = {
    "h": "3600000.0", "(?:m|min)": "60000.0", "(?:s|sec|seconds?)": "1000.0", "(?:ms|msec|milliseconds?)": "1.0",
    "(?:us|[µμ]s)": "0.001", "ns": "0.000001",
}  # fmt: skip
_PATTERN = "^" + "".join(f"(?:([0-9]+(?:[.][0-9]+)?) ?{unit})?" for unit in _PRINTED) + "$"


def in_milliseconds(text: str, unit: str | None) -> str:
    """Convert a duration given in `unit`; what is no number stays as it is and becomes null later."""
    if unit == UNKNOWN:
        is_number = f"try_cast({text} as double) is not null"
        return f"case when {is_number} then {text} || {literal(UNKNOWN_MARK)} else {text} end"
    if unit not in _FACTORS:
        return text
    factor = _FACTORS[unit]
    return f"coalesce(round(try_cast({text} as double) * {factor}, 6)::varchar, {_sum(text, factor)}, {text})"


def _sum(text: str, factor: str) -> str:
    """Of a list, as nginx writes the times of several upstreams: `0.001, 0.003 : -`, where `-` was not asked."""
    plain = f"replace({text}, ' : ', ', ')"
    parts = [f"split_part({plain}, ', ', {n})" for n in range(1, _PARTS + 1)]
    total = " + ".join(f"coalesce(try_cast({part} as double), 0)" for part in parts)
    number = "(?:[0-9]+(?:[.][0-9]+)?|-)"
    is_list = f"regexp_full_match({plain}, '{number}(?:, {number}){{1,{_PARTS - 1}}}') and regexp_matches({plain}, '[0-9]')"
    return f"case when contains({plain}, ', ') and {is_list} then round(({total}) * {factor}, 6)::varchar end"


def without_unit(text: str) -> str:
    """Milliseconds of a duration that carries its unit; any other text as it is."""
    terms = [
        f"coalesce(try_cast(regexp_extract({text}, {literal(_PATTERN)}, {n}) as double), 0) * {factor}"
        for n, factor in enumerate(_PRINTED.values(), 1)
    ]
    value = f"round({' + '.join(terms)}, 6)::varchar"
    return (
        f"case when right({text}, 1) between 'a' and 'z' and regexp_matches({text}, {literal(_PATTERN)})"
        f" then {value} else {text} end"
    )
