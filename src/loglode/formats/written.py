"""Templates of test lines: what those of most formats have in common."""

from __future__ import annotations

from typing import Final

from loglode.formats.base import LineTemplate
from loglode.sql import literal

ISO: Final = "%Y-%m-%dT%H:%M:%S.%gZ"
CLF: Final = "%d/%b/%Y:%H:%M:%S +0000"
_BAD_TIMES: Final = {
    ISO: ("2026-13-05T10:00:00.000Z", "2026-02-30T08:15:00.000Z", "2026-10-05T25:61:00.000Z"),
    CLF: ("32/Oct/2026:10:00:00 +0000", "30/Feb/2026:08:15:00 +0000", "05/Oct/2026:25:61:00 +0000"),
}
# SQL over the columns of a request. A quote in an agent is written as nginx and AWS do.
TARGET: Final = "path, CASE WHEN query IS NOT NULL THEN '?' || query END"
REQUEST: Final = f"""method, ' ', {TARGET}, ' HTTP/1.1'"""
AGENT: Final = r"""replace(agent, '"', '\x22')"""
REFERRER: Final = "coalesce(referrer, '-')"
STAMP: Final = "coalesce(stamp, '-')"

_EXAMPLE: Final = """
    select {stamp} as stamp, '7b0c5a9e-7a33-4f5e-9c0f-0d8f3c1b2a10' as request_id, '192.0.2.1' as addr,
      'u17' as user_id, 'GET' as method, 'shop.example.com' as host, '/a' as path, 'q=1' as query, '200' as status,
      12.5 as took_ms, 512 as bytes, 'https://example.com/' as referrer, 'curl/8.5.0' as agent, 'NL' as country
"""


def example(written: LineTemplate, **columns: str) -> str:
    """A SELECT that gives a line of a template, as `line`; `columns` of its request are replaced, by SQL."""
    stamp = f"strftime(timestamp '2026-10-05 08:15:00', {literal(written.time_format)})"
    request = _EXAMPLE.format(stamp=stamp)
    if columns:
        replaced = ", ".join(f"{sql} as {name}" for name, sql in columns.items())
        request = f"select * replace ({replaced}) from ({request})"
    return f"select {written.line} as line from ({request})"


def template(
    line: str,
    *,
    line_bytes: int,
    time_format: str = CLF,
    cut: str = "20",
    has_agent: bool = True,
    header: str = "",
) -> LineTemplate:
    """A template; `line` is a list of SQL expressions, which are joined."""
    return LineTemplate(
        line=f"concat({line})",
        line_bytes=line_bytes,
        time_format=time_format,
        bad_times=_BAD_TIMES[time_format],
        cut=cut,
        carries=frozenset({"user_agent"} if has_agent else ()),
        header=header,
    )
