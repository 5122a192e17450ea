"""CSV and TSV with a header, under the names that JSON logs have."""

from __future__ import annotations

import csv
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Final

from loglode.contract import load_contract
from loglode.formats.base import LINES, LineTemplate, without_ending
from loglode.formats.json_lines import JsonFormat
from loglode.formats.registry import register
from loglode.formats.written import ISO
from loglode.sql import literal

if TYPE_CHECKING:
    from loglode.contract import Contract

_SEPARATORS: Final = (",", "\t", ";", "|")
_NEEDED: Final = ("event_ts", "status")
_FEWEST = 3
_BETWEEN: Final = '":"'
_HEADER_BYTES = 8192
# Characters, one for each separator, that no field of a line without quotes holds.
_QUOTED = r'(?:^|[%s])("(?:[^"]|"")*"|[^%s"]*)'


@cache
def _names() -> dict[str, frozenset[str]]:
    """Names of columns, in lower case, by the contract's field."""
    return {f.name: frozenset(alias.name.lower() for alias in f.aliases) for f in load_contract().read_fields}


def _header(sample: bytes) -> list[str]:
    """The names of a header; nothing where the first line is none."""
    first = sample[:_HEADER_BYTES].split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r")
    separator = max(_SEPARATORS, key=first.count)
    try:
        found = next(csv.reader([first], delimiter=separator), [])
    except csv.Error:
        return []
    lower = [name.strip().lower() for name in found]
    has_needed = all(_names()[field].intersection(lower) for field in _NEEDED)
    is_header = len(found) >= _FEWEST and len(set(lower)) == len(lower) and has_needed
    return [name.strip() for name in found] if is_header else []


@register
class CsvFormat(JsonFormat):
    """Lines become JSON objects, and names and units are those of JSON."""

    title = "CSV and TSV with a header, under the names that JSON logs have"
    rank = 2
    counts_keys = False
    header_prefix = b""
    source = "https://www.rfc-editor.org/rfc/rfc4180"
    units: ClassVar = {}
    traps = (
        "The header must name a time and a status; values with line breaks are not read.",
        "A line with more or fewer values than the header is rejected (`csv_columns`).",
    )
    templates: ClassVar = {
        "csv": LineTemplate(
            line="""concat_ws(',', coalesce(stamp, ''), addr, method, host, '"' || path || '"', coalesce(query, ''), status, bytes,
                took_ms, '"' || replace(agent, '"', '""') || '"')""",
            line_bytes=230,
            time_format=ISO,
            bad_times=("2026-13-05T10:00:00.000Z", "2026-02-30T08:15:00.000Z", "2026-10-05T25:61:00.000Z"),
            cut="30",
            carries=frozenset({"user_agent"}),
            header="timestamp,remote_addr,method,host,path,query,status,bytes,response_time_ms,user_agent\n",
        )
    }

    def sniff(self, sample: bytes) -> float:
        return float(bool(_header(sample)))

    def looks_like(self) -> str:
        return "false"

    def layout(self, sample: bytes) -> str:
        del sample
        return LINES

    def keys(self, sample: bytes) -> frozenset[str]:
        return frozenset(_header(sample))

    def skipped(self) -> str:
        return "source_line = 1"

    def line(self) -> str:
        head, body = without_ending("header"), without_ending("text")
        cases = " ".join(
            f"when contains({head}, {literal(separator)}) then {self._object(head, body, separator)}"
            for separator in ("\t", ";", "|", ",")
        )
        return f"coalesce(case when header is null then '' {cases} end, '')"

    @staticmethod
    def _object(head: str, body: str, separator: str) -> str:
        def cells(text: str) -> str:
            ends = {"\t": r"\t", "|": r"|"}.get(separator, separator)
            split = f"string_split({text}, {literal(separator)})"
            quoted = f"regexp_extract_all({text}, {literal(_QUOTED % (ends, ends))}, 1)"
            return f"case when contains({text}, '\"') then {quoted} else {split} end"

        def plain(text: str) -> str:
            return f"case when starts_with({text}, '\"') then replace(substr({text}, 2, length({text}) - 2), '\"\"', '\"') else {text} end"

        names, values = cells(head), cells(body)
        member = f"to_json(trim({plain('pair[1]')})) || ':' || to_json({plain('pair[2]')})"
        members = f"list_transform(list_zip({names}, {values}), lambda pair: {member})"
        return (
            f"case when len({names}) = len({values}) then '{{' || array_to_string({members}, ',') || '}}' end"
        )

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        counted = {"key_count": f"(len(string_split(line, {literal(_BETWEEN)})) - 1)::integer"}
        return [counted, *super().steps(contract, known_keys)]

    def invalid_reason(self) -> str:
        return "'csv_columns'"
