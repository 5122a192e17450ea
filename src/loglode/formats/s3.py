"""Server access logs of S3."""

from __future__ import annotations

from typing import ClassVar

from loglode.formats.positional import NUMBER, Declaration, PositionalFormat
from loglode.formats.registry import register
from loglode.formats.written import AGENT, REFERRER, REQUEST, STAMP, template


@register
class S3Format(PositionalFormat):
    """`owner bucket [time] address requester id operation key "request" status ...`."""

    title = "S3 server access logs"
    rank = 3
    source = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html"
    units: ClassVar = {"response_time_ms": "milliseconds (total time)", "bytes_sent": "bytes without headers"}
    traps = (
        "Records of lifecycle rules and batch jobs have no request and no status; they are rejected (`request_missing`).",
        "A copy writes two records with one request id; both are kept.",
        "The requester is an ARN or a canonical id, stored as a pseudonym in `user_id`.",
    )
    templates: ClassVar = {
        "s3": template(
            f"repeat('79a59df900b949e5', 4), ' shop-assets [', {STAMP}, '] ', addr, ' ', coalesce(user_id, '-'), ' ',"
            f""" upper(left(replace(request_id, '-', ''), 16)), ' REST.GET.OBJECT key "', {REQUEST}, '" ', status, ' - ', bytes,"""
            f""" ' ', bytes, ' ', took_ms, ' 7 "', {REFERRER}, '" "', {AGENT}, '" - s9lz= SigV4 - AuthHeader ', host,"""
            " ' TLSv1.3 - -'",
            line_bytes=420,
            cut="140",
        )
    }
    declared = Declaration(
        'owner bucket [time:2] address requester id operation key "request" status error sent size total_ms'
        ' turn_around_ms "referrer" "agent" | version host_id signature cipher authentication host',
        {
            "owner": "-|[0-9a-f]{64}",
            "operation": r"[A-Z][A-Z0-9]*\.[A-Za-z_.]+",
            "sent": NUMBER,
            "size": NUMBER,
        },
    )
    values: ClassVar = {
        "event_ts": "p_time",
        "source_event_id": "p_id",
        "client_ip": "p_address",
        "user_id": "p_requester",
        "request": "p_request",
        "host": "p_host",
        "status": "p_status",
        "response_time_ms": "p_total_ms",
        "bytes_sent": "coalesce(p_sent, case when p_status is not null then '0' end)",
        "referrer": "p_referrer",
        "user_agent": "p_agent",
    }
