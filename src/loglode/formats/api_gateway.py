"""AWS API Gateway, the console's template for CLF."""

from __future__ import annotations

from typing import ClassVar

from loglode.formats.positional import NUMBER, Declaration, PositionalFormat
from loglode.formats.registry import register
from loglode.formats.written import REQUEST, STAMP, template

_METHOD = "split_part(p_request, ' ', 1)"


@register
class ApiGatewayFormat(PositionalFormat):
    """`address caller user [time] "request" status bytes id`."""

    title = "AWS API Gateway, access logs after the template CLF (its JSON template is read as `json`)"
    rank = 2
    source = "https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html"
    units: ClassVar = {"bytes_sent": "bytes of the body"}
    traps = (
        "The path is that of the resource, such as `/pets/{id}`.",
        "HTTP APIs write the method twice, `GET GET /pets HTTP/1.1`; it is read once.",
    )
    templates: ClassVar = {
        "api-gateway": template(
            f"""addr, ' - ', coalesce(user_id, '-'), ' [', {STAMP}, '] "', {REQUEST}, '" ', status, ' ', bytes, ' ', request_id""",
            line_bytes=150,
            has_agent=False,
        )
    }
    declared = Declaration(
        'client caller user [time:2] "request" status sent id',
        {"sent": NUMBER, "id": "[0-9a-f]{8}-[0-9a-f-]{27}|[A-Za-z0-9_-]{15}=?"},
    )
    values: ClassVar = {
        "event_ts": "p_time",
        "source_event_id": "p_id",
        "client_ip": "p_client",
        "user_id": "coalesce(p_user, p_caller)",
        "request": f"case when starts_with(p_request, {_METHOD} || ' ' || {_METHOD} || ' ')"
        f" then substr(p_request, length({_METHOD}) + 2) else p_request end",
        "status": "p_status",
        "bytes_sent": "p_sent",
    }
