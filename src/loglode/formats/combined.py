"""Apache and nginx access logs: common, combined, and both with the virtual host in front.

Format: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html. Split on quotes and spaces; a
regular expression for the whole line costs ten times as much.
"""

from __future__ import annotations

from loglode.contract import Contract
from loglode.formats.base import NO_TEXT, without_ending

# Escaped quotes inside a quoted part are hidden from the split and put back afterwards.
_MARK = "chr(1)"
_CARRIED = (
    "event_ts",
    "client_ip",
    "host",
    "user_id",
    "request",
    "status",
    "bytes_sent",
    "referrer",
    "user_agent",
)
_HIDDEN_QUOTE, _HIDDEN_SLASH = f"{_MARK} || 'q'", f"{_MARK} || 's'"


class CombinedFormat:
    """`host ident user [time] "request" status bytes "referrer" "agent"`; the last two may be absent."""

    name = "combined"
    counts_keys = False

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        del contract, known_keys
        hidden = f"replace(replace(text, '\\\\', {_HIDDEN_SLASH}), '\\\"', {_HIDDEN_QUOTE})"
        return [
            {"is_escaped": "contains(text, '\\\"')"},
            {"parts": f"string_split(case when is_escaped then {hidden} else text end, '\"')"},
            {f"part_{n}": f"parts[{n}]" for n in (1, 2, 3, 4, 6)},
            {
                "head": "string_split(split_part(part_1, '[', 1), ' ')",
                "stamp": "split_part(split_part(part_1, '[', 2), ']', 1)",
                "numbers": f"string_split({without_ending('part_3')}, ' ')",
            },
            # With the virtual host in front there is one word more before the time.
            {"first": "case when len(head) > 4 and head[3] = '-' then 1 else 0 end"},
            {
                "clf_event_ts": "stamp",
                "clf_client_ip": "head[1 + first]",
                "clf_host": "case when first = 1 then head[1] end",
                "clf_user_id": "head[3 + first]",
                "clf_request": _shown("part_2"),
                "clf_status": "numbers[2]",
                "clf_bytes_sent": "case when numbers[3] = '-' then '0' else numbers[3] end",
                "clf_referrer": _shown("part_4"),
                "clf_user_agent": _shown("part_6"),
            },
        ]

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        del known_keys
        return {
            f.name: f"case when clf_{f.name} not in ('', '-') then clf_{f.name} end"
            if f.name in _CARRIED
            else NO_TEXT
            for f in contract.read_fields
        }

    def invalid(self) -> str:
        """Only the last line of an object may lack its newline: one that stops short was caught half
        written. One that stops within the number of bytes cannot be told from a whole common line."""
        short = "len(parts) % 2 = 0 or len(parts) = 5 or coalesce(numbers[3], '') = '' or len(numbers) > 3"
        is_cut = f"not ends_with(text, chr(10)) and ({short})"
        # The rule for whole lines stands first: nothing more is asked of them.
        return (
            "(not contains(part_1, '[') or"
            f" case when len(parts) = 7 then false when len(parts) < 3 then true else {is_cut} end)"
        )

    def invalid_reason(self) -> str:
        return "'combined_invalid'"


def _shown(part: str) -> str:
    return (
        "case when is_escaped"
        f" then replace(replace({part}, {_HIDDEN_QUOTE}, '\"'), {_HIDDEN_SLASH}, '\\') else {part} end"
    )
