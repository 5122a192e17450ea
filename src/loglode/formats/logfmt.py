"""logfmt: `key=value key="a value"`, as Go programs and Rails' lograge write it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from loglode.formats.base import LINES, LineTemplate, sample_lines, without_ending
from loglode.formats.json_lines import JsonFormat
from loglode.formats.positional import SNIFFED_BYTES
from loglode.formats.registry import register
from loglode.formats.wrapping import unwrapped
from loglode.formats.written import ISO
from loglode.sql import literal

if TYPE_CHECKING:
    from loglode.contract import Contract

_PAIR: Final = r'([^ \t="\\{}]+)=(?:"((?:[^"\\]|\\.)*)"|([^ \t"\\]*))(?:[ \t]+|$)'
_BETWEEN: Final = '":"'
_MEMBER: Final = r'"\1":"\2\3",'
_LINE = re.compile(rb'(?:[^ \t="\\{}]+=(?:"[^"\\]*(?:\\.[^"\\]*)*"|[^ \t"\\]*)(?:[ \t]+|$)){3,}')
_KEY = re.compile(rb'(?:^|[ \t])([^ \t="\\{}]+)=')
# A key that says that a line is about a request.
_OF_A_REQUEST = re.compile(rb"(?:^|[ \t])[A-Za-z_.]*(?:status|code)[A-Za-z_.]*=", re.IGNORECASE)


@register
class LogfmtFormat(JsonFormat):
    """Pairs become the members of a JSON object, and names and units are those of JSON."""

    title = "logfmt: pairs of `key=value`, under the names that JSON logs have"
    rank = 1
    counts_keys = False
    source = "https://brandur.org/logfmt"
    units: ClassVar = {}
    traps = ("A line with a word that is not a pair is rejected.",)
    templates: ClassVar = {
        "logfmt": LineTemplate(
            line=r"""concat(CASE WHEN stamp IS NOT NULL THEN concat('time="', stamp, '" ') END, 'method=', method, ' host=', host,
                ' path="', path, CASE WHEN query IS NOT NULL THEN '?' || query END, '" status=', status, ' bytes=', bytes,
                ' remote_addr=', addr, ' user_agent="', replace(agent, '"', '\"'), '" response_time_ms=', took_ms)""",
            line_bytes=250,
            time_format=ISO,
            bad_times=("2026-13-05T10:00:00.000Z", "2026-02-30T08:15:00.000Z", "2026-10-05T25:61:00.000Z"),
            cut="20",
            carries=frozenset({"user_agent"}),
        )
    }

    def sniff(self, sample: bytes) -> float:
        lines = [line.strip()[:SNIFFED_BYTES] for line in sample_lines(sample)]
        return sum(bool(_LINE.fullmatch(line) and _OF_A_REQUEST.search(line)) for line in lines) / max(
            len(lines), 1
        )

    def looks_like(self) -> str:
        return "false"

    def layout(self, sample: bytes) -> str:
        del sample
        return LINES

    def keys(self, sample: bytes) -> frozenset[str]:
        lines = [line[:SNIFFED_BYTES] for line in sample_lines(sample)]
        return frozenset(key.decode("utf-8", "replace") for line in lines for key in _KEY.findall(line))

    def line(self) -> str:
        body = f"trim({without_ending(unwrapped('text'))})"
        pairs = f"regexp_replace({body}, {literal(_PAIR)}, {literal(_MEMBER)}, 'g')"
        return f"'{{' || rtrim({pairs}, ',') || '}}'"

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        counted = {"key_count": f"(len(string_split(line, {literal(_BETWEEN)})) - 1)::integer"}
        return [counted, *super().steps(contract, known_keys)]

    def invalid_reason(self) -> str:
        return "'logfmt_invalid'"
