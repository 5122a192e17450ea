"""CloudFront's standard access logs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from loglode.formats.base import LineTemplate, sample_lines
from loglode.formats.columns import DIRECTIVE, ColumnFormat
from loglode.formats.positional import milliseconds
from loglode.formats.registry import register
from loglode.formats.written import REFERRER
from loglode.sql import literal

_NAMES = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent)"
    " cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken"
    " x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status"
    " fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len"
    " sc-range-start sc-range-end"
)
_FEWEST = 19  # columns, in logs of 2014
_LINE = re.compile(rb"^[0-9]{4}-[0-9]{2}-[0-9]{2}\t[0-9:]{8}\t[A-Z0-9-]+\t[0-9]+\t[0-9A-Fa-f.:]+\t[A-Z]+\t")


@register
class CloudFrontFormat(ColumnFormat):
    """Columns separated by tabs, after the directive or, above one, in the documented order."""

    title = "AWS CloudFront standard logs (its JSON is read as `json`)"
    rank = 3
    source = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html"
    units: ClassVar = {"response_time_ms": "seconds (`time-taken`)", "bytes_sent": "bytes with headers"}
    traps = (
        "Agents and referrers are encoded, `%20`, and in older logs twice, `%2520`; both are decoded.",
        "The status 000 means that the viewer closed the connection before the response.",
        "The host is `x-host-header`, the site's name; `cs(Host)` is the distribution's.",
        "Records are not in the order of time.",
    )
    templates: ClassVar = {
        "cloudfront": LineTemplate(
            line=f"""concat_ws(chr(9), coalesce(stamp, '-' || chr(9) || '-'), 'LAX1', bytes, addr, method, 'd1.cloudfront.net', path,
                status, {REFERRER}, replace(agent, ' ', '%20'), coalesce(query, '-'), '-', 'Hit', request_id || '==', host, 'https',
                '23', took_ms / 1000, '-', 'TLSv1.3', 'TLS_AES_128_GCM_SHA256', 'Hit', 'HTTP/2.0', '-', '-', '11040', '0.001',
                'Hit', 'text/html', '78', '-', '-')""",
            line_bytes=420,
            time_format="%Y-%m-%d\t%H:%M:%S",
            bad_times=("2026-13-05\t10:00:00", "2026-02-30\t08:15:00", "2026-10-05\t25:61:00"),
            cut="60",
            carries=frozenset({"user_agent"}),
            header=f"#Version: 1.0\n{DIRECTIVE} {_NAMES}\n",
        )
    }
    columns = (
        "date", "time", "sc-bytes", "c-ip", "cs-method", "cs(Host)", "cs-uri-stem", "sc-status", "cs(Referer)", "cs(User-Agent)",
        "cs-uri-query", "x-edge-request-id", "x-host-header", "time-taken",
    )  # fmt: skip
    separator = "chr(9)"
    default_names = tuple(_NAMES.split())

    def sniff(self, sample: bytes) -> float:
        lines = [line for line in sample_lines(sample) if not line.startswith(b"#")]
        if any(
            line.startswith(DIRECTIVE.encode()) and b" x-edge-" in line for line in sample_lines(sample)[:2]
        ):
            return 1.0
        return sum(bool(_LINE.match(line)) for line in lines) / max(len(lines), 1)

    def values(self, names: frozenset[str]) -> Mapping[str, str]:
        del names
        column = self.column
        return {
            "event_ts": f"{column('date')} || 'T' || {column('time')} || 'Z'",
            "source_event_id": column("x-edge-request-id"),
            "client_ip": column("c-ip"),
            "method": column("cs-method"),
            "host": f"coalesce({column('x-host-header')}, {column('cs(Host)')})",
            "path": column("cs-uri-stem"),
            "query": column("cs-uri-query"),
            "status": column("sc-status"),
            "response_time_ms": milliseconds(column("time-taken"), "1000.0"),
            "bytes_sent": column("sc-bytes"),
            "referrer": _decoded(column("cs(Referer)")),
            "user_agent": _decoded(column("cs(User-Agent)")),
        }

    def invalid(self) -> str:
        """New columns come at the end. Above a header older logs have fewer columns than the documented ones,
        and a line must begin as those do: others choose their columns themselves."""
        bare = f"not regexp_matches(body, {literal(_LINE.pattern.decode())}) or len(cells) < {_FEWEST}"
        return f"(width is null or case when head is null then {bare} else len(cells) < width end)"


def _decoded(text: str) -> str:
    # What is encoded may be no text, and decoding then fails.
    once = f"coalesce(try(url_decode({text})), {text})"
    twice = f"coalesce(try(url_decode({once})), {once})"
    return f"case when contains({text}, '%25') then {twice} else {once} end"
