"""AWS application load balancers (ALB)."""

from __future__ import annotations

from typing import ClassVar, Final

from loglode.formats.positional import NUMBER, Declaration, PositionalFormat, port_cut, unless_negative
from loglode.formats.registry import register
from loglode.formats.written import AGENT, ISO, REQUEST, STAMP, template
from loglode.sql import literal

# What the classic load balancer writes, and the application load balancer behind its type.
SHARED_PARTS: Final = (
    "time balancer client target request_s target_s response_s status target_status received sent"
    ' "request" "agent" | cipher protocol'
)
_SECONDS = "-|-?[0-9.]+"
SHARED_SHAPES: Final = {
    "time": r"-|[0-9]{4}-[0-9]{2}-[0-9:.TZ-]+",
    "request_s": _SECONDS,
    "target_s": _SECONDS,
    "response_s": _SECONDS,
    "received": NUMBER,
    "sent": NUMBER,
}
_TIMES = ("p_request_s", "p_target_s", "p_response_s")
SHARED_VALUES: Final = {
    "event_ts": "p_time",
    "client_ip": port_cut("p_client"),
    "request": "p_request",
    "status": "p_status",
    # A part of -1 was not measured, and then the whole is not known: 1 ms would be wrong for a target that timed out.
    "response_time_ms": "round(("
    + " + ".join(f"try_cast({unless_negative(text)} as double)" for text in _TIMES)
    + ") * 1000, 6)::varchar",
    "bytes_sent": "p_sent",
    "user_agent": "p_agent",
}
SHARED_UNITS: Final = {
    "response_time_ms": "sum of the request, target and response times, in seconds; null if one is -1",
    "bytes_sent": "bytes with headers",
}
SHARED_LINE: Final = (
    f"{STAMP}, ' app/shop/50dc6c495c0c9188 ', CASE WHEN contains(addr, ':') THEN '[' || addr || ']' ELSE addr END,"
    " ':34567 10.0.0.1:80 0.000 ', took_ms / 1000, ' 0.000 ', status, ' ', status, ' 34 ', bytes,"
    f""" ' "', method, ' https://', host, ':443', substr(concat({REQUEST}), length(method) + 2), '" "', {AGENT}, '" - -'"""
)


@register
class AlbFormat(PositionalFormat):
    """Fields 16 and later are optional, because AWS adds new ones at the end."""

    title = "AWS application load balancers (ALB)"
    rank = 3
    source = (
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html"
    )
    units = SHARED_UNITS
    traps = (
        "The request began at `request_creation_time`; `time` is when the response was sent.",
        "Requests that no target got have the target `-` and times of `-1`; they are kept.",
        "An IPv6 client is followed by its port, with or without brackets.",
        "A request without a valid request line reads `- http://host:80- -`; method and path are then null.",
    )
    templates: ClassVar = {
        "alb": template(f"'https ', {SHARED_LINE}", line_bytes=380, time_format=ISO, cut="100")
    }
    declared = Declaration(
        f'type {SHARED_PARTS} target_group "trace" "domain" "certificate" priority created',
        {"type": "https?|h2|grpcs?|wss?", **SHARED_SHAPES},
    )
    values: ClassVar = {
        **SHARED_VALUES,
        "event_ts": f"case when regexp_full_match(p_created, {literal(SHARED_SHAPES['time'])}) then p_created else p_time end",
    }
