"""Istio's default text format."""

from __future__ import annotations

from typing import ClassVar

from loglode.formats.envoy import SHAPES, TRAPS, VALUES, line
from loglode.formats.positional import Declaration, PositionalFormat
from loglode.formats.registry import register
from loglode.formats.written import ISO, template


@register
class IstioFormat(PositionalFormat):
    """Envoy's, with details of the response, and addresses at the end."""

    title = "Istio, default text format"
    rank = 3
    source = "https://istio.io/latest/docs/tasks/observability/logs/access-log/"
    units: ClassVar = {"response_time_ms": "milliseconds (`%DURATION%`)", "bytes_sent": "bytes of the body"}
    traps = (*TRAPS, "Without `x-forwarded-for` the client is the downstream's address.")
    templates: ClassVar = {
        "istio": template(
            line("""' via_upstream - "-"',""")
            + ", ' outbound|80||shop 10.0.1.1:1 10.0.1.2:80 10.0.1.3:2 - default'",
            line_bytes=400,
            time_format=ISO,
            cut="20",
        )
    }
    declared = Declaration(
        '[time] "request" status flags details termination "failure" received sent duration_ms upstream_ms "forwarded"'
        ' "agent" "id" "host" "upstream" | cluster upstream_local downstream_local downstream server route',
        SHAPES,
    )
    values: ClassVar = {**VALUES, "client_ip": "coalesce(p_forwarded, p_downstream)"}
