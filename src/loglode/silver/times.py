"""Rewrites the less usual ways to write a time as ISO 8601, as SQL: each is one regular expression.

These come from libraries and languages: `2026-04-14 08:00:01,123` (Python, Java), `2026-04-14 08:00:02 +0000 UTC`
(Ruby, Go), `2026/04/14 08:00:05` (nginx, Go), `20260414T080008Z` and `2026-04-14T08:00Z` (ISO 8601),
`Tue, 14 Apr 2026 08:00:03 GMT` (HTTP), `Tue Apr 14 08:00:03 2026` (C), and all of them in brackets.
"""

from __future__ import annotations

from loglode.sql import literal

_CLOCK = r"([0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,:]([0-9]{1,6})[0-9]*)?"
# No place on earth is 16 hours from UTC; the engine would take 99.
_OFFSET = r"[+-](?:0[0-9]|1[0-5])"
# The offset may be written after a name of UTC, or before it; a name in brackets adds nothing.
_ZONE = rf" ?(?:Z|z|UTC|GMT)? ?({_OFFSET}:?[0-9]{{2}}|{_OFFSET})?(?: (?:UTC|GMT|[(][A-Za-z ]+[)]))?"
_DAY_NAME = r"(?:[A-Z][a-z]{2,8},? +)?"
_MONTH = r"([A-Z][a-z]{2})[a-z]*"
# Each with the order of its groups: year, month, day, clock, fraction, offset.
_WAYS = (
    (
        r"([0-9]{4})[-/.]?([0-9]{2})[-/.]?([0-9]{2})[T _]?([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}))?"
        rf"(?:[.,]([0-9]{{1,6}})[0-9]*)?{_ZONE}",
        r"\1~\2~\3~\4:\5:\6~\7~\8",
    ),
    (rf"{_DAY_NAME}([0-9]{{1,2}})[ /-]{_MONTH}[ /-]([0-9]{{2,4}})[ :]{_CLOCK}{_ZONE}", r"\3~\2~\1~\4~\5~\6"),
    (rf"{_DAY_NAME}{_MONTH} +([0-9]{{1,2}}),? ([0-9]{{4}}),? {_CLOCK}{_ZONE}", r"\3~\1~\2~\4~\5~\6"),
    (rf"{_DAY_NAME}{_MONTH} +([0-9]{{1,2}}) {_CLOCK}{_ZONE} ([0-9]{{4}})", r"\6~\1~\2~\3~\4~\5"),
)
_PARTS = 6
_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"


def as_iso(text: str) -> str:
    """The time as `2026-04-14T08:00:01.1230+00:00`; null for anything else. No offset means UTC. Of a leap
    second this is the second before it, to which `leap_micros` adds one.

    One expression for each way to write a time rewrites it into its parts; what it does not fit it leaves alone.
    """
    parts = f"trim({text}, ' []\"')"
    for pattern, order in _WAYS:
        parts = f"regexp_replace({parts}, {literal(f'^{pattern}$')}, {literal(order)})"
    usable = f"case when length({text}) between 12 and 80 and not contains({text}, '~') then {parts} end"
    # A list of one, so that the parts are cut once and have a name.
    return f"list_transform([string_split({usable}, '~')], lambda x: case when len(x) = {_PARTS} then {_joined()} end)[1]"


def leap_micros(text: str) -> str:
    """A second in microseconds where the time is a leap second, which most clocks know as the next second."""
    return f"case when regexp_matches({text}, ':60([^0-9]|$)|T?[0-9]{{4}}60(Z|$)') then 1000000 else 0 end"


def _joined() -> str:
    """The parts of `x` as one text. A second may be absent or a leap second, a month a name."""
    year, month, day, clock, fraction, offset = (f"x[{n}]" for n in range(1, _PARTS + 1))
    place = f"strpos('{_MONTHS}', lower({month}))"
    named = f"case when {place} % 3 = 1 then lpad((({place} + 2) // 3)::varchar, 2, '0') end"
    second = f"case when ends_with({clock}, ':60') then substr({clock}, 1, 6) || '59' when length({clock}) = 6 then {clock} || '00' else {clock} end"
    return (
        f"case when length({year}) = 2 then '20' else '' end || {year} || '-'"
        f" || case when {month} < 'A' then {month} else {named} end || '-' || lpad({day}, 2, '0') || 'T'"
        f" || {second} || '.' || {fraction} || '0' || coalesce(nullif({offset}, ''), '+00')"
    )
