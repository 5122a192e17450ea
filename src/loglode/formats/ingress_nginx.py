"""ingress-nginx: the controller's own log format, now and before version 0.22."""

from __future__ import annotations

from typing import ClassVar

from loglode.formats.positional import NUMBER, Declaration, PositionalFormat, milliseconds
from loglode.formats.registry import register
from loglode.formats.traefik import FRONT, FRONT_LINE, FRONT_SHAPES, FRONT_VALUES
from loglode.formats.written import template

_REST = "length duration_s [upstream]"
_SHAPES = {**FRONT_SHAPES, "length": "[0-9]+", "duration_s": NUMBER}
_VALUES = {**FRONT_VALUES, "response_time_ms": milliseconds("p_duration_s", "1000.0")}
_TAIL = (
    "'412 ', took_ms / 1000, ' [default-web-80] [] 10.1.0.6:8080 61 0.032 200 ', replace(request_id, '-', '')"
)


class _IngressNginx(PositionalFormat):
    rank = 2
    source = "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/"
    units: ClassVar = {"response_time_ms": "seconds (`$request_time`, with the time of sending)"}
    traps = ("Lists of upstreams, such as `10.1.0.6:80, 10.1.0.7:80`, follow; they are not read.",)


@register
class IngressNginxFormat(_IngressNginx):
    """Combined, length and time of the request, and the upstream."""

    title = "ingress-nginx (Kubernetes)"
    templates: ClassVar = {"ingress-nginx": template(f"{FRONT_LINE}, {_TAIL}", line_bytes=330)}
    declared = Declaration(f"{FRONT} {_REST}", _SHAPES)
    values: ClassVar = _VALUES


@register
class OldIngressNginxFormat(_IngressNginx):
    """The client is there twice: `client - [client] - user [time] ...`."""

    title = "ingress-nginx before 0.22, with the client in brackets"
    templates: ClassVar = {
        "ingress-nginx-old": template(
            "addr, ' - [', addr, '] - ', substr(concat(" + FRONT_LINE + "), length(addr) + 4), " + _TAIL,
            line_bytes=350,
        )
    }
    declared = Declaration(
        FRONT.replace("client ident", "client dash [real] ident") + f" {_REST}", {**_SHAPES, "dash": "-"}
    )
    values: ClassVar = _VALUES
