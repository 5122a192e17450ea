"""Apache and nginx access logs: common, combined, and both with the virtual host in front.

Format: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html. Split on quotes and spaces; a
regular expression for the whole line costs ten times as much.
"""

from __future__ import annotations

from loglode.contract import Contract

# Escaped quotes inside a quoted part are hidden from the split and put back afterwards.
_MARK = "chr(1)"
_HIDDEN_QUOTE, _HIDDEN_SLASH = f"{_MARK} || 'q'", f"{_MARK} || 's'"


class CombinedFormat:
    """`host ident user [time] "request" status bytes "referrer" "agent"`; the last two may be absent."""

    name = "combined"

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        del contract, known_keys
        hidden = f"replace(replace(text, '\\\\', {_HIDDEN_SLASH}), '\\\"', {_HIDDEN_QUOTE})"
        return [
            {"parts": f"string_split(case when contains(text, '\\\"') then {hidden} else text end, '\"')"},
            {
                "head": "string_split(split_part(parts[1], '[', 1), ' ')",
                "stamp": "split_part(split_part(parts[1], '[', 2), ']', 1)",
                "numbers": "string_split(rtrim(parts[3], chr(13) || chr(10)), ' ')",
            },
        ]

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        del known_keys
        # With the virtual host in front there is one word more before the time.
        first = "case when len(head) > 4 and head[3] = '-' then 1 else 0 end"
        known = {
            "event_ts": "stamp",
            "client_ip": f"head[1 + {first}]",
            "host": f"case when {first} = 1 then head[1] end",
            "user_id": f"head[3 + {first}]",
            "request": _shown("parts[2]"),
            "status": "numbers[2]",
            "bytes_sent": "case when numbers[3] = '-' then '0' else numbers[3] end",
            "referrer": _shown("parts[4]"),
            "user_agent": _shown("parts[6]"),
        }
        return {
            f.name: f"nullif(nullif({known[f.name]}, ''), '-')" if f.name in known else "null::varchar"
            for f in contract.read_fields
        }

    def invalid(self) -> str:
        return "(len(parts) < 3 or not contains(parts[1], '['))"

    def invalid_reason(self) -> str:
        return "'combined_invalid'"


def _shown(part: str) -> str:
    return (
        f"case when contains({part}, {_MARK})"
        f" then replace(replace({part}, {_HIDDEN_QUOTE}, '\"'), {_HIDDEN_SLASH}, '\\') else {part} end"
    )
