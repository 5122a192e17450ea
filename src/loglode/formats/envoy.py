"""Envoy's default text format."""

from __future__ import annotations

from typing import ClassVar, Final

from loglode.formats.positional import NUMBER, Declaration, PositionalFormat
from loglode.formats.registry import register
from loglode.formats.written import AGENT, ISO, REQUEST, STAMP, template

SHAPES: Final = {
    "time": "-|[0-9]{4}-[0-9]{2}-[0-9:.TZ+-]+",
    "received": NUMBER,
    "sent": NUMBER,
    "duration_ms": NUMBER,
    "upstream_ms": NUMBER,
}
VALUES: Final = {
    "event_ts": "p_time",
    "source_event_id": "p_id",
    "client_ip": "p_forwarded",
    "request": "p_request",
    "host": "p_host",
    "status": "p_status",
    "response_time_ms": "p_duration_ms",
    "bytes_sent": "p_sent",
    "user_agent": "p_agent",
}
TRAPS: Final = (
    "The client is the first address of `x-forwarded-for`.",
    "The request comes from the original path, before any rewrite.",
    "A request that the client gave up has the status 0 and the flag `DC`.",
)
_COUNTS: Final = "' 0 ', bytes, ' ', round(took_ms)::bigint, ' 11 '"
_TEXTS: Final = f"""'"', addr, '" "', {AGENT}, '" "', request_id, '" "', host, '" "10.0.2.1:9080"'"""


def line(between: str) -> str:
    """SQL for the parts of a line that Envoy and Istio share."""
    return f"""'[', {STAMP}, '] "', {REQUEST}, '" ', status, ' -', {between} {_COUNTS}, {_TEXTS}"""


@register
class EnvoyFormat(PositionalFormat):
    """`[time] "request" status flags received sent duration upstream "forwarded" "agent" "id" "host" "upstream"`."""

    title = "Envoy, default text format"
    rank = 3
    source = "https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage"
    units: ClassVar = {"response_time_ms": "milliseconds (`%DURATION%`)", "bytes_sent": "bytes of the body"}
    traps = TRAPS
    templates: ClassVar = {"envoy": template(line(""), line_bytes=330, time_format=ISO, cut="20")}
    declared = Declaration(
        '[time] "request" status flags received sent duration_ms upstream_ms "forwarded" "agent" "id" "host" "upstream"',
        SHAPES,
    )
    values: ClassVar = VALUES
