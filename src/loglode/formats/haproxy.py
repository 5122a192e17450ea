"""HAProxy's HTTP log format (`option httplog`)."""

from __future__ import annotations

from typing import ClassVar

from loglode.formats.base import LineTemplate
from loglode.formats.positional import Declaration, PositionalFormat, port_cut
from loglode.formats.registry import register
from loglode.formats.written import REQUEST, STAMP
from loglode.sql import literal

_TIME = "%d/%b/%Y:%H:%M:%S.%g"
_MOMENT = f"strftime(try_strptime(p_time, {literal(_TIME)}), {literal('%Y-%m-%dT%H:%M:%S.%gZ')})"
_NUMBER = "[+]?-?[0-9]+"


@register
class HaproxyFormat(PositionalFormat):
    """`client:port [time] frontend backend/server times status bytes - - state counts queues {captured} "request"`."""

    title = "HAProxy HTTP logs (`option httplog`, `option httpslog`)"
    rank = 3
    source = "https://docs.haproxy.org/3.0/configuration.html#8.2.3"
    units: ClassVar = {
        "response_time_ms": "milliseconds, the last of the times (`%Ta`, or `%Tt` before 1.7)",
        "bytes_sent": "bytes with headers",
    }
    traps = (
        "The time has no zone: HAProxy writes the server's local time, and Loglode reads it as UTC.",
        "Captured headers, `{first|second}`, are skipped: the line does not say which headers they are.",
        "With `option logasap` times and bytes begin with `+`, because the request goes on: both are then null.",
        "A request that could not be read is `<BADREQ>`; method and path are then null.",
    )
    templates: ClassVar = {
        "haproxy": LineTemplate(
            line=f"""concat(addr, ':51234 [', {STAMP}, '] http-in~ shop/web1 0/0/1/2/', round(took_ms)::bigint, ' ', status, ' ',
                bytes, ' - - ---- 2/1/0/0/0 0/0 {{', host, '|', left(agent, 20), '}} {{}} "', {REQUEST}, '"')""",
            line_bytes=190,
            time_format=_TIME,
            bad_times=("32/Oct/2026:10:00:00.000", "30/Feb/2026:08:15:00.000", "05/Oct/2026:25:61:00.000"),
            cut="60",
        )
    }
    declared = Declaration(
        'client [time] frontend backend times status sent request_cookie response_cookie state counts queues * "request"',
        {
            "time": "-|[0-9]{2}/[A-Za-z]{3}/[0-9:.]+",
            "backend": '[^ /\\"]+/[^ \\"]+',
            "times": f"(?:{_NUMBER}/){{4}}{_NUMBER}",
            "sent": _NUMBER,
            "counts": "[0-9/+]+",
            "queues": "[0-9]+/[0-9]+",
        },
    )
    values: ClassVar = {
        "event_ts": f"coalesce({_MOMENT}, p_time)",
        "client_ip": port_cut("p_client"),
        "request": "p_request",
        "status": "p_status",
        "response_time_ms": "nullif(regexp_extract(p_times, '/([0-9]+)$', 1), '')",
        "bytes_sent": "case when not starts_with(p_sent, '+') then p_sent end",
    }
