"""Lakes for tests: load sources through the pipeline's own calls, and look at what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from loglode import operations
from loglode.operations import RunReport
from loglode.settings import Settings

EVENT = {"timestamp": "2026-03-04T05:06:07Z", "method": "GET", "path": "/", "status": 200}


def line(**fields: Any) -> str:
    """A valid log line with these fields changed or added; None leaves one out."""
    chosen = {key: value for key, value in {**EVENT, **fields}.items() if value is not None}
    return json.dumps(chosen)


def write(path: Path, lines: Iterable[str]) -> Path:
    """A file of lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{text}\n" for text in lines), encoding="utf-8")
    return path


def settings_for(folder: Path, **options: Any) -> Settings:
    """Settings of a small lake in a folder."""
    return Settings.build(lake=folder / "lake", threads=2, **options)


def load(settings: Settings, *sources: Path | str, **options: Any) -> RunReport:
    """Run the pipeline; the report's books are checked."""
    report = operations.run(settings, [str(source) for source in sources], **options)
    found = report.rows_silver + report.lines_quarantined + report.duplicates + report.blank_lines
    assert report.lines_read == found, report.as_dict()
    return report


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query over the lake."""
    return operations.query(settings, sql).rows()


def one(settings: Settings, sql: str) -> Any:
    """The only value of a query's only row."""
    ((value,),) = rows(settings, sql)
    return value


def assert_verified(settings: Settings) -> None:
    """Every check of the lake holds."""
    wrong = [check for check in operations.verify(settings).checks if not check.is_ok]
    assert not wrong, wrong


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
