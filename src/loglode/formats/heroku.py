"""Heroku's router."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from loglode.formats.base import NO_TEXT, Format, sample_lines, without_ending
from loglode.formats.registry import register
from loglode.formats.written import ISO, STAMP, TARGET, template
from loglode.sql import literal

if TYPE_CHECKING:
    from loglode.contract import Contract

_TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9T:.]+(?:Z|[+-][0-9:]+)"
_FRONT: Final = rf"^(?:[0-9]+ )?(?:<[0-9]+>1 )?({_TIME}|-)? ?(?:[^ ]+ )?heroku(?:\[router\]: | router - )(?:- )?at=[a-z]+ "
_PAIR: Final = r'(?:^| )([a-z_]+)=("[^"]*"|[^ ]*)'
_COMPILED = re.compile(_FRONT.encode())
_KEYS: Final = ("method", "path", "host", "request_id", "fwd", "connect", "service", "status", "bytes")


def _milliseconds(name: str) -> str:
    return f"try_cast(replace(p_{name}, 'ms', '') as double)"


@register
class HerokuFormat(Format):
    """`time heroku[router]: at=info method=GET path="/" host=... status=200 ...`, the pairs in any order."""

    title = "Heroku router"
    rank = 3
    source = "https://devcenter.heroku.com/articles/http-routing#heroku-router-log-format"
    units: ClassVar = {
        "response_time_ms": "milliseconds, `connect` and `service` together, written as `12ms`"
    }
    traps = (
        "The time is before the pairs. Lines without it are rejected (`event_ts_missing`).",
        "Other lines of the app, such as `app[web.1]`, are rejected.",
    )
    templates: ClassVar = {
        "heroku": template(
            f"""{STAMP}, ' heroku[router]: at=info method=', method, ' path="', {TARGET}, '" host=', host, ' request_id=', request_id,"""
            """ ' fwd="', addr, '" dyno=web.1 connect=0ms service=', round(took_ms)::bigint, 'ms status=', status, ' bytes=', bytes,"""
            " ' protocol=https'",
            line_bytes=260,
            time_format=ISO,
            cut="40",
            has_agent=False,
        )
    }

    def sniff(self, sample: bytes) -> float:
        lines = sample_lines(sample)
        return sum(bool(_COMPILED.match(line[:512])) for line in lines) / max(len(lines), 1)

    def looks_like(self) -> str:
        return f"regexp_matches(line, {literal(_FRONT)})"

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        del contract, known_keys
        return [
            {"body": without_ending("line")},
            {
                "stamp": f"regexp_extract(body, {literal(_FRONT)}, 1)",
                "is_router": self.looks_like(),
                "pair_keys": f"regexp_extract_all(body, {literal(_PAIR)}, 1)",
                "pair_values": f"regexp_extract_all(body, {literal(_PAIR)}, 2)",
            },
            {
                f"p_{key}": f"nullif(trim(pair_values[list_position(pair_keys, {literal(key)})], {literal(chr(34))}), '')"
                for key in _KEYS
            },
        ]

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        del known_keys
        values = {
            "event_ts": "nullif(nullif(stamp, ''), '-')",
            "source_event_id": "p_request_id",
            "client_ip": "p_fwd",
            "method": "p_method",
            "host": "p_host",
            "path": "p_path",
            "status": "p_status",
            "bytes_sent": "p_bytes",
            "response_time_ms": f"(coalesce({_milliseconds('connect')}, 0) + {_milliseconds('service')})::varchar",
        }
        return {f.name: values.get(f.name, NO_TEXT) for f in contract.read_fields}

    def invalid(self) -> str:
        return "not is_router"

    def invalid_reason(self) -> str:
        return "'heroku_invalid'"
