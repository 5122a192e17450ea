"""AWS network load balancers (NLB): TLS connections."""

from __future__ import annotations

from typing import ClassVar

from loglode.formats.positional import Declaration, PositionalFormat
from loglode.formats.registry import register
from loglode.formats.written import STAMP, template
from loglode.sql import literal


@register
class NlbTlsFormat(PositionalFormat):
    """Recognised, so that its lines get a reason that says what they are."""

    title = (
        "AWS network load balancers (NLB): TLS connections, which are not requests; every line is rejected"
    )
    rank = 3
    is_of_requests = False
    source = "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html"
    traps = (
        "A record is a connection, which may carry many requests or none. Load the logs of the targets instead.",
    )
    templates: ClassVar = {
        "nlb-tls": template(
            f"'tls 2.0 ', {STAMP}, ' net/shop/c6e77e28c25b2234 g3d4b5e8bb8464cd ', addr, ':51341 10.0.0.1:443 5 2 98 ',"
            " bytes, ' - arn:aws:acm:us-east-2:671290407336:certificate/2a108f19 - TLS_AES_128_GCM_SHA256 tlsv13 - ', host,"
            " ' h2 h2 - ', stamp",
            line_bytes=300,
            has_agent=False,
        )
    }
    declared = Declaration(
        "type version time balancer listener client target connection_ms handshake_ms received sent alert",
        {"type": "tls", "version": "[0-9.]+", "received": "[0-9]+|-", "sent": "[0-9]+|-"},
    )
    values: ClassVar = {}

    def invalid(self) -> str:
        return "true"

    def invalid_reason(self) -> str:
        return f"case when fits then 'connection_not_request' else {literal('nlb_tls_invalid')} end"
