"""Lines of logs, lakes by their settings, and what became of the lines of one object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.helpers.lakes import ask as rows
from tests.helpers.lakes import verify as assert_verified
from tests.helpers.lakes import write

from loglode import operations
from loglode.operations import RunReport
from loglode.settings import Settings

__all__ = [
    "EVENT",
    "accepted",
    "assert_verified",
    "line",
    "load",
    "one",
    "paths_of",
    "reasons_of",
    "refused",
    "rows",
    "settings_for",
    "write",
]
EVENT = {"timestamp": "2026-03-04T05:06:07Z", "method": "GET", "path": "/", "status": 200}


def line(**fields: Any) -> str:
    """A valid log line with these fields changed or added; None leaves one out."""
    chosen = {key: value for key, value in {**EVENT, **fields}.items() if value is not None}
    return json.dumps(chosen)


def settings_for(folder: Path, **options: Any) -> Settings:
    """Settings of a small lake in a folder."""
    return Settings.build(lake=folder / "lake", threads=2, **options)


def load(settings: Settings, *sources: Path | str, **options: Any) -> RunReport:
    """Run the pipeline; the report's books are checked."""
    report = operations.run(settings, [str(source) for source in sources], **options)
    found = report.rows_silver + report.lines_quarantined + report.duplicates + report.blank_lines
    assert report.lines_read == found, report.as_dict()
    return report


def one(settings: Settings, sql: str) -> Any:
    """The only value of a query's only row."""
    ((value,),) = rows(settings, sql)
    return value


def refused(settings: Settings, name: str) -> list[tuple[int, Sequence[str], str]]:
    """(line number, reasons, raw text) of an object's refused lines, in order; `name` is its file's."""
    found = rows(
        settings, "select source_object, source_line, reasons, raw from quarantine order by source_line"
    )
    return [(number, reasons, raw) for source, number, reasons, raw in found if source.endswith(f"/{name}")]


def accepted(settings: Settings, name: str, columns: str = "path") -> list[tuple[Any, ...]]:
    """Columns of an object's silver rows, in the order of its lines; `name` is its file's."""
    found = rows(settings, f"select source_object, {columns} from web_logs order by source_line")
    return [tuple(row[1:]) for row in found if row[0].endswith(f"/{name}")]


def reasons_of(settings: Settings, name: str) -> list[str]:
    """Reasons of an object's rejected lines, joined by commas, in the order of its lines."""
    return [",".join(found) for _, found, _ in refused(settings, name)]


def paths_of(settings: Settings, name: str) -> list[str]:
    """Paths of an object's silver rows, in the order of its lines."""
    return [path for (path,) in accepted(settings, name)]
