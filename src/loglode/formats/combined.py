"""Apache and nginx access logs: common, combined, and both with the virtual host in front.

Format: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html. Split on quotes and spaces; a
regular expression for the whole line costs ten times as much. What is before the request is read by
`front`; of what is behind the agent, a number with three decimals is nginx's `$request_time` in seconds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from loglode.formats import front, wrapping
from loglode.formats.base import NO_TEXT, Format, LineTemplate, sample_lines, without_ending
from loglode.formats.registry import register
from loglode.sql import literal

if TYPE_CHECKING:
    from loglode.contract import Contract

_TIME = re.compile(rb" \\[?[0-9]{1,2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8}")
# Escaped quotes inside a quoted part are hidden from the split and put back afterwards.
_MARK = "chr(1)"
_HIDDEN_QUOTE, _HIDDEN_SLASH = f"{_MARK} || 'q'", f"{_MARK} || 's'"


def _shown(part: str) -> str:
    return (
        "case when is_escaped"
        f" then replace(replace({part}, {_HIDDEN_QUOTE}, '\"'), {_HIDDEN_SLASH}, '\\') else {part} end"
    )


# Seconds with nginx's three decimals, behind the bytes or behind the agent: in none of the visitor's texts.
_DECIMALS = "'(?:^|[ =])([0-9]+[.][0-9]{3})(?: |$)'"
_UNQUOTED = f"coalesce(numbers[4], '') || ' ' || coalesce({without_ending('part_7')}, '') || ' ' || coalesce({without_ending('part_9')}, '')"
_SECONDS = f"round(try_cast(regexp_extract({_UNQUOTED}, {_DECIMALS}, 1) as double) * 1000, 6)::varchar"

# Enough of a line to know that it has this format, when another format refuses it.
_WHOLE = r'^[^ "]+ [^"\[]*\[[0-9]{1,2}/[A-Za-z]{3}/[0-9]{4}:[^\]"]+\] "[^"]*" [0-9]{3} (?:-|[0-9]+)(?: "[^"]*" "[^"]*")?[ \r\n]*$'
# The contract's fields that a line carries, over the parts of the line.
_FIELDS = {
    "event_ts": "front_time",
    "client_ip": "front_client",
    "host": "front_host",
    "user_id": _shown("front_user"),
    "request": _shown("part_2"),
    "status": "numbers[2]",
    "response_time_ms": f"case when length(part_7) > 6 or len(numbers) > 3 then {_SECONDS} end",
    "bytes_sent": "case when numbers[3] = '-' then '0' else numbers[3] end",
    "referrer": _shown("part_4"),
    "user_agent": _shown("part_6"),
}


def _template(size: str, tail: str, line_bytes: int, carries: frozenset[str]) -> LineTemplate:
    return LineTemplate(
        line=f"""concat(addr, ' - ', coalesce(user_id, '-'), ' [', coalesce(stamp, '-'), '] "', method, ' ', path,
            CASE WHEN query IS NOT NULL THEN '?' || query END, ' HTTP/1.1" ', status, ' ', {size}{tail})""",
        line_bytes=line_bytes,
        time_format="%d/%b/%Y:%H:%M:%S +0000",
        bad_times=("32/Oct/2026:10:00:00 +0000", "30/Feb/2026:08:15:00 +0000", "05/Oct/2026:25:61:00 +0000"),
        cut="20",  # before the status
        carries=carries,
    )


_AGENT = """replace(replace(agent, '\\', '\\\\'), '"', '\\"')"""


@register
class CombinedFormat(Format):
    """`host ident user [time] "request" status bytes "referrer" "agent"`; the last two may be absent."""

    title = "Apache and nginx access logs, common or combined, with or without the virtual host in front"
    # `common` is `combined` without its last two parts; one reader serves both.
    templates: ClassVar = {
        "combined": _template(
            "bytes",
            f""", ' "', coalesce(referrer, '-'), '" "', {_AGENT}, '"'""",
            250,
            frozenset({"user_agent"}),
        ),
        "common": _template("CASE WHEN bytes = 0 THEN '-' ELSE bytes::VARCHAR END", "", 100, frozenset()),
    }

    def sniff(self, sample: bytes) -> float:
        lines = sample_lines(wrapping.unwrapped_sample(sample, is_loose=True))
        return sum(_has_front(line) for line in lines) / max(len(lines), 1)

    def looks_like(self) -> str:
        return f"regexp_matches(line, {literal(_WHOLE)})"

    def line(self) -> str:
        # An address begins nearly every line, and a shipper's prefix never does.
        return f"case when regexp_matches(text, '^[0-9a-f]+[.:][0-9a-f.:]* - ') then text else {wrapping.unwrapped('text', is_loose=True)} end"

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        del contract, known_keys
        hidden = f"replace(replace(line, '\\\\', {_HIDDEN_SLASH}), '\\\"', {_HIDDEN_QUOTE})"
        spaced = "case when regexp_matches(part_3, '\\s\\s.|\\t') then regexp_replace(part_3, '[ \\t]+', ' ', 'g') else part_3 end"
        return [
            {"is_escaped": "contains(line, '\\\"')"},
            {"shown": _unquoted_front(f"case when is_escaped then {hidden} else line end")},
            {"parts": "string_split(shown, '\"')"},
            {f"part_{n}": f"parts[{n}]" for n in (1, 2, 3, 4, 6, 7, 9)},
            {"numbers": f"string_split({without_ending(spaced)}, ' ')"},
            *front.steps("part_1"),
            {f"clf_{name}": expression for name, expression in _FIELDS.items()},
        ]

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        del known_keys
        return {f.name: _value(f.name) if f.name in _FIELDS else NO_TEXT for f in contract.read_fields}

    def invalid(self) -> str:
        """Only the last line of an object may lack its newline: one that stops short was caught half
        written. One that stops within the number of bytes looks like a whole common line."""
        short = "len(parts) % 2 = 0 or len(parts) = 5 or coalesce(numbers[3], '') = '' or len(numbers) > 3"
        is_cut = f"not ends_with(line, chr(10)) and ({short})"
        # The rule for whole lines comes first: nothing more is evaluated for them.
        return (
            "(front_is_odd or"
            f" case when len(parts) = 7 then false when len(parts) < 3 then true else {is_cut} end)"
        )

    def invalid_reason(self) -> str:
        return "'combined_invalid'"


def _value(name: str) -> str:
    """A field's text. An agent that the client left out is empty; one that the format lacks is null."""
    if name == "user_agent":
        return "case when clf_user_agent = '-' then '' else clf_user_agent end"
    return f"case when clf_{name} not in ('', '-') then clf_{name} end"


def _unquoted_front(line: str) -> str:
    """The line without quotes before the time, as around an empty user: the request is the first quoted part."""
    front_end = "strpos(line, '] \"')"
    return (
        f"case when contains(line, '\" [') and strpos(line, '\"') < {front_end}"
        f" then replace(substr({line}, 1, {front_end}), '\"', '') || substr({line}, {front_end} + 1) else {line} end"
    )


def _has_front(line: bytes) -> bool:
    """Whether a line begins like `host ident user [time] "`, or holds a time of that kind before a quote."""
    front, quote, _ = line.replace(b'\\"', b"").replace(b'""', b"").partition(b'"')
    words, bracket, stamp = front.rstrip(b" \t").rpartition(b"[")
    # At least two words before the bracket: users may be missing, and may contain spaces.
    is_front = quote and bracket and stamp.endswith(b"]") and len(stamp) > 1 and front[-1:].isspace()
    if is_front and len(words.split(None, 3)) >= 2:
        return words[-1:].isspace()
    return bool(quote) and _TIME.search(front) is not None
