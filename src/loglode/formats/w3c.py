"""The W3C extended log format, as IIS and many others write it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from loglode.formats.base import LineTemplate, sample_lines
from loglode.formats.columns import DIRECTIVE, ColumnFormat
from loglode.formats.positional import milliseconds
from loglode.formats.registry import register
from loglode.formats.written import REFERRER

_NAMES = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status"
    " sc-substatus sc-win32-status time-taken"
)
# Columns that IIS alone writes; it counts milliseconds.
_OF_IIS = ("sc-substatus", "sc-win32-status", "s-computername", "s-sitename")
_LINE = re.compile(
    rb'"?[0-9]{4}-[0-9]{2}-[0-9]{2}"?[ \t]"?[0-9]{2}:[0-9]{2}:[0-9]{2}[^ \t]*[ \t][^ \t]+[ \t][^ \t]+[ \t][^ \t]+'
)
_UNSURE = 0.4


@register
class W3CFormat(ColumnFormat):
    """`#Fields: date time ...`, separated by spaces or tabs."""

    title = "W3C extended logs with `#Fields` directives, as of IIS"
    rank = 2
    source = "https://www.w3.org/TR/WD-logfile.html"
    units: ClassVar = {
        "response_time_ms": "`time-taken`: milliseconds where the columns are those of IIS, else seconds where it has a"
        " fraction; otherwise the unit is unknown, and the value null with a warning",
        "bytes_sent": "bytes with headers (`sc-bytes`)",
    }
    traps = (
        "Columns may change in mid-file, where a server was started again; each line is read by the directive above it.",
        "Times are UTC and say so nowhere.",
        "IIS writes `+` for spaces in agents and referrers.",
        "Behind a proxy `c-ip` is the proxy.",
    )
    templates: ClassVar = {
        "w3c": LineTemplate(
            line=f"""concat_ws(' ', coalesce(stamp, '- -'), '10.0.2.10', method, path, coalesce(query, '-'), '80',
                coalesce(user_id, '-'), addr, replace(agent, ' ', '+'), {REFERRER}, status, '0', '0', round(took_ms)::bigint)""",
            line_bytes=260,
            time_format="%Y-%m-%d %H:%M:%S",
            bad_times=("2026-13-05 10:00:00", "2026-02-30 08:15:00", "2026-10-05 25:61:00"),
            cut="30",
            carries=frozenset({"user_agent"}),
            header=f"#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n{DIRECTIVE} {_NAMES}\n",
        )
    }
    columns = (
        "date", "time", "cs-method", "cs-uri", "cs-uri-stem", "cs-uri-query", "cs-username", "c-ip", "cs(User-Agent)", "cs(Referer)",
        "cs(Referrer)", "sc-status", "sc-bytes", "time-taken", "cs-host", "cs(Host)", *_OF_IIS,
    )  # fmt: skip
    separator = "case when contains(body, chr(9)) then chr(9) else ' ' end"

    def sniff(self, sample: bytes) -> float:
        lines = sample_lines(sample)
        if any(line.startswith(DIRECTIVE.encode()) for line in lines):
            return 1.0
        # Without a directive nothing can be read; the reason will say so.
        return _UNSURE * sum(bool(_LINE.match(line)) for line in lines) / max(len(lines), 1)

    def values(self, names: frozenset[str]) -> Mapping[str, str]:
        del names
        column = self.column
        is_iis = " or ".join(f"coalesce(at_{column(name)}, 0) > 0" for name in _OF_IIS)
        taken = column("time-taken")
        return {
            "event_ts": f"{column('date')} || 'T' || {column('time')} || 'Z'",
            "client_ip": column("c-ip"),
            "user_id": column("cs-username"),
            "method": column("cs-method"),
            "host": f"coalesce({column('cs-host')}, {column('cs(Host)')})",
            "path": f"coalesce({column('cs-uri-stem')}, {_absolute(column('cs-uri'))})",
            "query": column("cs-uri-query"),
            "status": column("sc-status"),
            "response_time_ms": f"case when {is_iis} then {taken} when contains({taken}, '.') then"
            f" {milliseconds(taken, '1000.0')} else {taken} || ' of an unknown unit' end",
            "bytes_sent": column("sc-bytes"),
            "referrer": _spaced(f"coalesce({column('cs(Referer)')}, {column('cs(Referrer)')})"),
            "user_agent": _spaced(column("cs(User-Agent)")),
        }


def _spaced(text: str) -> str:
    # Of two, the second is the text's own: `; +http://`.
    plain = f"replace(replace(replace({text}, '++', chr(1)), '+', ' '), chr(1), ' +')"
    return f"case when contains({text}, ' ') then {text} else {plain} end"


def _absolute(uri: str) -> str:
    """A URI, which some write without its scheme."""
    return (
        f"case when starts_with({uri}, '/') or contains({uri}, '://') then {uri} else 'http://' || {uri} end"
    )
