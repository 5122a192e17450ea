"""Templates of test lines: what those of most formats have in common."""

from __future__ import annotations

from typing import Final

from loglode.formats.base import LineTemplate

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
        bad_statuses=("999", "abc", "20"),
        cut=cut,
        carries=frozenset({"user_agent"} if has_agent else ()),
        header=header,
    )
