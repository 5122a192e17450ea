"""Apache and nginx access logs: common, combined, and both with the virtual host in front.

Format: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html. Split on quotes and spaces; a
regular expression for the whole line costs ten times as much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from loglode.formats.base import NO_TEXT, Format, LineTemplate, sample_lines, without_ending
from loglode.formats.registry import register

if TYPE_CHECKING:
    from loglode.contract import Contract

# Escaped quotes inside a quoted part are hidden from the split and put back afterwards.
_MARK = "chr(1)"
_HIDDEN_QUOTE, _HIDDEN_SLASH = f"{_MARK} || 'q'", f"{_MARK} || 's'"


def _shown(part: str) -> str:
    return (
        "case when is_escaped"
        f" then replace(replace({part}, {_HIDDEN_QUOTE}, '\"'), {_HIDDEN_SLASH}, '\\') else {part} end"
    )


# The contract's fields that a line carries, over the parts of the line.
_FIELDS = {
    "event_ts": "stamp",
    "client_ip": "head[1 + first]",
    "host": "case when first = 1 then head[1] end",
    "user_id": "head[3 + first]",
    "request": _shown("part_2"),
    "status": "numbers[2]",
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
        bad_statuses=("999", "abc", "0", "20"),
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
        lines = sample_lines(sample)
        return sum(_has_front(line) for line in lines) / max(len(lines), 1)

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        del contract, known_keys
        hidden = f"replace(replace(line, '\\\\', {_HIDDEN_SLASH}), '\\\"', {_HIDDEN_QUOTE})"
        return [
            {"is_escaped": "contains(line, '\\\"')"},
            {"parts": f"string_split(case when is_escaped then {hidden} else line end, '\"')"},
            {f"part_{n}": f"parts[{n}]" for n in (1, 2, 3, 4, 6)},
            {
                "head": "string_split(split_part(part_1, '[', 1), ' ')",
                "stamp": "split_part(split_part(part_1, '[', 2), ']', 1)",
                "numbers": f"string_split({without_ending('part_3')}, ' ')",
            },
            # With the virtual host in front there is one word more before the time.
            {"first": "case when len(head) > 4 and head[3] = '-' then 1 else 0 end"},
            {f"clf_{name}": expression for name, expression in _FIELDS.items()},
        ]

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        del known_keys
        return {
            f.name: f"case when clf_{f.name} not in ('', '-') then clf_{f.name} end"
            if f.name in _FIELDS
            else NO_TEXT
            for f in contract.read_fields
        }

    def invalid(self) -> str:
        """Only the last line of an object may lack its newline: one that stops short was caught half
        written. One that stops within the number of bytes looks like a whole common line."""
        short = "len(parts) % 2 = 0 or len(parts) = 5 or coalesce(numbers[3], '') = '' or len(numbers) > 3"
        is_cut = f"not ends_with(line, chr(10)) and ({short})"
        # The rule for whole lines comes first: nothing more is evaluated for them.
        return (
            "(not contains(part_1, '[') or"
            f" case when len(parts) = 7 then false when len(parts) < 3 then true else {is_cut} end)"
        )

    def invalid_reason(self) -> str:
        return "'combined_invalid'"


def _has_front(line: bytes) -> bool:
    """Whether a line begins like `host ident user [time] "`."""
    front, quote, _ = line.replace(b'\\"', b"").partition(b'"')
    words, bracket, stamp = front.partition(b"[")
    # At least two words before the bracket: users may be missing, and may contain spaces.
    is_front = quote and bracket and words.endswith(b" ") and stamp.endswith(b"] ")
    return bool(is_front) and stamp.index(b"]") > 0 and len(words.split(b" ", 3)) >= 3
