"""Formats whose lines are read by header lines, and a format inside a container: for tests alone."""

from __future__ import annotations

from typing import ClassVar

from loglode.contract import Contract
from loglode.formats import Format, LineTemplate
from loglode.formats.base import NO_TEXT, sample_lines, without_ending

# Names of columns, as W3C extended logs have them, for fields of the contract.
COLUMNS = {
    "client_ip": "c-ip", "method": "cs-method", "path": "cs-uri-stem", "query": "cs-uri-query", "status": "sc-status",
    "bytes_sent": "sc-bytes", "user_agent": "cs(User-Agent)",
}  # fmt: skip


class W3CFormat(Format):
    """`#Fields: date time cs-method ...`, which may come again with other columns."""

    title = "W3C extended logs"
    templates: ClassVar = {
        "w3c": LineTemplate(
            line="concat_ws(' ', coalesce(stamp, '- -'), method, path, status)",
            line_bytes=60,
            time_format="%Y-%m-%d %H:%M:%S",
            bad_times=("2026-13-05 10:00:00",),
            cut="5",
            header="#Version: 1.0\n#Fields: date time cs-method cs-uri-stem sc-status\n",
        )
    }
    header_prefix = b"#Fields:"

    def sniff(self, sample: bytes) -> float:
        return float(any(line.startswith(b"#Fields:") for line in sample_lines(sample)))

    def skipped(self) -> str:
        return "starts_with(line, '#')"

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        del contract, known_keys
        return [
            {
                "names": f"string_split({without_ending('header')}, ' ')[2:]",
                "parts": f"string_split({without_ending('line')}, ' ')",
            }
        ]

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        del known_keys
        date, time = self.value("date"), self.value("time")
        found = {name: self.value(column) for name, column in COLUMNS.items()}
        found["event_ts"] = f"{date} || 'T' || {time} || 'Z'"
        return {f.name: found.get(f.name, NO_TEXT) for f in contract.read_fields}

    def invalid(self) -> str:
        return "(header is null or len(names) <> len(parts))"

    def invalid_reason(self) -> str:
        return "case when header is null then 'w3c_no_header' else 'w3c_columns' end"

    @staticmethod
    def value(column: str) -> str:
        """The text of a column, or null."""
        return f"nullif(parts[list_position(names, '{column}')], '-')"


class CsvFormat(W3CFormat):
    """The first line names the columns."""

    templates: ClassVar = {"columns": W3CFormat.templates["w3c"]}
    header_prefix = b""

    def sniff(self, sample: bytes) -> float:
        return float(sample.startswith(b"date,time"))

    def skipped(self) -> str:
        return "source_line = 1"

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        del contract, known_keys
        return [{name: f"string_split({without_ending(text)}, ',')"} for name, text in
                {"names": "header", "parts": "line"}.items()]  # fmt: skip
