"""Durations as logs write them, to milliseconds, as SQL: with a unit of their own, in lists, or of no known unit."""

from __future__ import annotations

from loglode.sql import literal

UNKNOWN = "?"  # the unit of a name under which programs write different ones
# Behind a number of which nothing says the unit: no number, so that it becomes null with a warning of its own.
UNKNOWN_MARK = " (unit unknown)"
# Before a text that stood under a name with a unit; the first character of the unit follows.
_MARK = "chr(31)"
_FACTORS = {"s": "1000.0", "us": "0.001", "ns": "0.000001"}
_PARTS = 8
# As Go and others print it: 1h2m3.5s, 12.5ms, 850µs.
_PRINTED = {
    "h": "3600000.0", "(?:m|min)": "60000.0", "(?:s|sec|seconds?)": "1000.0", "(?:ms|msec|milliseconds?)": "1.0",
    "(?:us|[µμ]s)": "0.001", "ns": "0.000001",
}  # fmt: skip
_PATTERN = "^" + "".join(f"(?:([0-9]+(?:[.][0-9]+)?) ?{unit})?" for unit in _PRINTED) + "$"
_GROUPS = "~".join(rf"\{n}" for n in range(1, len(_PRINTED) + 1))


def with_unit(text: str, unit: str | None) -> str:
    """A duration beside the unit of its name, for `milliseconds`; null where it says nothing."""
    if unit not in (*_FACTORS, UNKNOWN):
        # What begins like a mark is no duration.
        return f"case when starts_with({text}, {_MARK}) then ' ' || {text} else {text} end"
    says_nothing = f"{text} in ('', '-') or starts_with({text}, '{{')"
    return f"case when not ({says_nothing}) then {_MARK} || {literal(unit[0])} || {text} end"


def milliseconds(text: str, *, is_marked: bool = True) -> str:
    """Milliseconds, as text, of a duration that carries its unit, or, if marked, is one of `with_unit`'s. A unit that
    a text carries counts more than that of the name; what is no duration stays as it is and becomes null later."""
    unit, bare = f"substr({text}, 2, 1)", f"substr({text}, 3)"
    number = f"try_cast({bare} as double)"
    factors = " ".join(f"when {literal(name[0])} then {by}" for name, by in _FACTORS.items())
    factor = f"case {unit} {factors} end"
    # What is rare has a name, x, in a list of one: otherwise it would be written out many times.
    sum_ = f"list_transform([{bare}], lambda x: coalesce(round({_sum('x')} * {factor}, 6)::varchar, {_printed('x')}))[1]"
    printed = f"list_transform([{text}], lambda x: {_printed('x')})[1]"
    plain = f"case when right({text}, 1) between 'a' and 'z' then {printed} else {text} end"
    if not is_marked:
        return plain
    return (
        f"case when not starts_with({text}, {_MARK}) then {plain}"
        f" when {number} is null or contains({bare}, '_') then {sum_}"
        f" when {unit} = {literal(UNKNOWN)} then {bare} || {literal(UNKNOWN_MARK)}"
        f" else round({number} * {factor}, 6)::varchar end"
    )


def _sum(text: str) -> str:
    """Of a list, as nginx writes the times of several upstreams: `0.001, 0.003 : -`, where `-` was not asked."""
    plain = f"replace({text}, ' : ', ', ')"
    parts = [f"split_part({plain}, ', ', {n})" for n in range(1, _PARTS + 1)]
    total = " + ".join(f"coalesce(try_cast({part} as double), 0)" for part in parts)
    number = "(?:[0-9]+(?:[.][0-9]+)?|-)"
    is_list = f"regexp_full_match({plain}, '{number}(?:, {number}){{1,{_PARTS - 1}}}') and regexp_matches({plain}, '[0-9]')"
    return f"case when contains({plain}, ', ') and {is_list} then {total} end"


def _printed(text: str) -> str:
    """Milliseconds of a duration as it is printed, with a unit; any other text as it is."""
    parts = f"string_split(regexp_replace({text}, {literal(_PATTERN)}, {literal(_GROUPS)}), '~')"
    terms = [
        f"coalesce(try_cast(y[{n}] as double), 0) * {factor}" for n, factor in enumerate(_PRINTED.values(), 1)
    ]
    value = f"round({' + '.join(terms)}, 6)::varchar"
    return (
        f"case when not contains({text}, '~') then list_transform([{parts}],"
        f" lambda y: case when len(y) = {len(_PRINTED)} then {value} else {text} end)[1] else {text} end"
    )
