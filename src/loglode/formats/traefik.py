"""Traefik's access log in its common format, which is not the default of combined."""

from __future__ import annotations

from typing import ClassVar, Final

from loglode.formats.positional import NUMBER, Declaration, PositionalFormat
from loglode.formats.registry import register
from loglode.formats.written import AGENT, REFERRER, REQUEST, STAMP, template

# The front of lines after nginx and Apache, where nobody is identified by the client's own word. A user may
# contain spaces.
FRONT: Final = 'client ident user [time:2] "request" status sent "referrer" "agent"'
FRONT_SHAPES: Final = {"ident": "-", "user": r"[^\[\]\"]+", "status": '[^ \\"]+', "sent": NUMBER}
FRONT_VALUES: Final = {
    "event_ts": "p_time",
    "client_ip": "p_client",
    "user_id": "p_user",
    "request": "p_request",
    "status": "p_status",
    "bytes_sent": "coalesce(p_sent, case when p_status is not null then '0' end)",
    "referrer": "p_referrer",
    "user_agent": "p_agent",
}
FRONT_LINE: Final = (
    f"""addr, ' - ', coalesce(user_id, '-'), ' [', {STAMP}, '] "', {REQUEST}, '" ', status, ' ', bytes,"""
    f""" ' "', {REFERRER}, '" "', {AGENT}, '" '"""
)


@register
class TraefikFormat(PositionalFormat):
    """Combined, the number of requests so far, router, server and duration."""

    title = "Traefik access logs in the common format (its JSON is read as `json`)"
    rank = 2
    source = "https://doc.traefik.io/traefik/observe/logs-and-access-logs/"
    units: ClassVar = {"response_time_ms": "milliseconds, written as `12ms`; nanoseconds in Traefik's JSON"}
    traps = (
        "Traefik drops headers by default, so referrer and agent may be `-` on every line; they are then unknown.",
    )
    templates: ClassVar = {
        "traefik": template(
            f"""{FRONT_LINE}, '17 "shop@docker" "http://172.17.0.3:80" ', round(took_ms)::bigint, 'ms'""",
            line_bytes=290,
        )
    }
    declared = Declaration(
        f'{FRONT} count "router" "server" duration',
        {**FRONT_SHAPES, "count": "[0-9]+", "duration": "-?[0-9.]+ms"},
    )
    values: ClassVar = {**FRONT_VALUES, "response_time_ms": "replace(p_duration, 'ms', '')"}
