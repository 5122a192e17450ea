"""Rewrites the less usual ways to write a time as ISO 8601, as SQL: each is one regular expression.

These come from libraries and languages: `2026-04-14 08:00:01,123` (Python, Java), `2026-04-14 08:00:02 +0000 UTC`
(Ruby, Go), `2026/04/14 08:00:05` (nginx, Go), `20260414T080008Z` and `2026-04-14T08:00Z` (ISO 8601),
`Tue, 14 Apr 2026 08:00:03 GMT` (HTTP), `Tue Apr 14 08:00:03 2026` (C), and all of them in brackets.
"""

from __future__ import annotations

from loglode.sql import literal

_CLOCK = r"([0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,:]([0-9]{1,6})[0-9]*)?"
# The offset may be written after a name of UTC, or before it; a name in brackets adds nothing.
_ZONE = r" ?(?:Z|z|UTC|GMT)? ?([+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})?(?: (?:UTC|GMT|[(][A-Za-z ]+[)]))?"
_DAY_NAME = r"(?:[A-Z][a-z]{2,8},? +)?"
_MONTH = r"([A-Z][a-z]{2})[a-z]*"
_NUMERIC = (
    r"([0-9]{4})[-/.]?([0-9]{2})[-/.]?([0-9]{2})[T _]?([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}))?"
    rf"(?:[.,]([0-9]{{1,6}})[0-9]*)?{_ZONE}"
)
_DAY_FIRST = rf"{_DAY_NAME}([0-9]{{1,2}})[ /-]{_MONTH}[ /-]([0-9]{{2,4}})[ :]{_CLOCK}{_ZONE}"
_MONTH_FIRST = rf"{_DAY_NAME}{_MONTH} +([0-9]{{1,2}}),? ([0-9]{{4}}),? {_CLOCK}{_ZONE}"
_YEAR_LAST = rf"{_DAY_NAME}{_MONTH} +([0-9]{{1,2}}) {_CLOCK}{_ZONE} ([0-9]{{4}})"


def as_iso(text: str) -> str:
    """The time as `2026-04-14T08:00:01.1230+00:00`; null for anything else. No offset means UTC. Of a leap
    second this is the second before it, to which `leap_micros` adds one."""
    bare = f"trim({text}, ' []\"')"
    cases = (
        (_NUMERIC, _joined(bare, _NUMERIC, (1, 2, 3), 7, 8, clock=_numeric_clock(bare))),
        (_DAY_FIRST, _joined(bare, _DAY_FIRST, (3, -2, 1), 5, 6, clock=_group(bare, _DAY_FIRST, 4))),
        (_MONTH_FIRST, _joined(bare, _MONTH_FIRST, (3, -1, 2), 5, 6, clock=_group(bare, _MONTH_FIRST, 4))),
        (_YEAR_LAST, _joined(bare, _YEAR_LAST, (6, -1, 2), 4, 5, clock=_group(bare, _YEAR_LAST, 3))),
    )
    whens = " ".join(f"when regexp_full_match({bare}, {literal(p)}) then {iso}" for p, iso in cases)
    return f"case when length({text}) between 12 and 80 then case {whens} end end"


def leap_micros(text: str) -> str:
    """A second in microseconds where the time is a leap second, which most clocks know as the next second."""
    return f"case when regexp_matches({text}, ':60([^0-9]|$)|T?[0-9]{{4}}60(Z|$)') then 1000000 else 0 end"


def _group(text: str, pattern: str, number: int) -> str:
    return f"regexp_extract({text}, {literal(f'^{pattern}$')}, {number})"


def _joined(
    text: str, pattern: str, date: tuple[int, int, int], fraction: int, zone: int, *, clock: str
) -> str:
    """The parts by the numbers of their groups; a negative one is that of a month's name."""
    year, month, day = (_group(text, pattern, abs(number)) for number in date)
    year = f"case when length({year}) = 2 then '20' || {year} else {year} end"
    if date[1] < 0:
        place = f"strpos('janfebmaraprmayjunjulaugsepoctnovdec', lower({month}))"
        month = f"lpad((({place} + 2) // 3)::varchar, 2, '0')"
    digits = f"{_group(text, pattern, fraction)} || '0'"
    offset = f"coalesce(nullif({_group(text, pattern, zone)}, ''), '+00')"
    second = f"regexp_replace({clock}, ':60$', ':59')"
    return f"{year} || '-' || {month} || '-' || lpad({day}, 2, '0') || 'T' || {second} || '.' || {digits} || {offset}"


def _numeric_clock(text: str) -> str:
    hour, minute, second = (_group(text, _NUMERIC, number) for number in (4, 5, 6))
    return f"{hour} || ':' || {minute} || ':' || coalesce(nullif({second}, ''), '00')"
