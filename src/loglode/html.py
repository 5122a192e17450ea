"""HTML for notebooks. Attackers write log lines: every text is escaped, and every size is bounded."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from loglode.text import visible

MAX_ROWS = 50
MAX_COLUMNS = 60
MAX_CELL = 200
"""Characters of a cell."""

# A notebook renders what it finds between dollar signs as a formula.
_NO_FORMULA = {ord("$"): "&#36;"}


def html_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, note: str = "") -> str:
    """Rows as an HTML table of at most MAX_ROWS rows and MAX_COLUMNS columns; `note` goes below it."""
    head = "".join(f"<th>{_cell(name)}</th>" for name in columns[:MAX_COLUMNS])
    body = "".join(
        f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row[:MAX_COLUMNS])}</tr>"
        for row in rows[:MAX_ROWS]
    )
    notes = [note] if note else []
    if len(rows) > MAX_ROWS:
        notes.append(f"{len(rows) - MAX_ROWS} more rows")
    if len(columns) > MAX_COLUMNS:
        notes.append(f"{len(columns) - MAX_COLUMNS} more columns")
    foot = f"<p>{_cell('; '.join(notes))}</p>" if notes else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{foot}"


class Report:
    """A report that a notebook shows as tables; `as_dict` is the object that `--json` prints."""

    __slots__ = ()

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        facts: list[tuple[str, Any]] = []
        tables: list[str] = []
        for name, value in self.as_dict().items():
            if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
                rows = [list(record.values()) for record in value]
                tables.append(f"<h4>{_cell(name)}</h4>{html_table(list(value[0]), rows)}")
            else:
                facts.append((name, value))
        return html_table((type(self).__name__, "value"), facts) + "".join(tables)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        value = ", ".join(f"{key} {count}" for key, count in value.items())
    elif isinstance(value, list | tuple | set | frozenset):
        value = ", ".join(map(str, value))
    elif isinstance(value, float):
        value = f"{value:.6g}"
    text = visible(str(value))
    text = text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"
    return html.escape(text).translate(_NO_FORMULA)
