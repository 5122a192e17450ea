"""The state of a lake: its tables, its last runs, the commits of a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from loglode.context import open_lake
from loglode.errors import UsageError
from loglode.gold.plan import gold_is_current
from loglode.html import Report
from loglode.lake.history import history as read_history
from loglode.lake.table import as_it_stands
from loglode.reports.query import query
from loglode.settings import Settings

RECENT_RUNS = 10
_COUNTS = ("lines_read", "rows_silver", "lines_quarantined", "duplicates", "blank_lines")
_SUMS = ", ".join(f"coalesce(sum({column}), 0)::bigint as {column}" for column in _COUNTS)
_TOTALS = f"select count(*) as batches, {_SUMS} from runs"
_RUNS = (
    f"select batch_id, kind, started_at::varchar as started_at, objects, {', '.join(_COUNTS)}, read_seconds"
    f" from runs order by runs.started_at desc limit {RECENT_RUNS}"
)


@dataclass(slots=True)
class StatusReport(Report):
    """The state of a lake. `tables` and `runs` are rows as dictionaries."""

    lake: str
    tables: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    is_gold_current: bool
    totals: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "lake": self.lake,
            "gold_is_current": self.is_gold_current,
            "totals": self.totals,
            "tables": self.tables,
            "runs": self.runs,
        }


def status(settings: Settings) -> StatusReport:
    """Tables with rows, files and bytes, the last runs, and totals. Raises LakeError."""
    lake = open_lake(settings)
    lake.require()
    found = []
    for name, root in lake.existing():
        snapshot = as_it_stands(name, root)
        files = snapshot.files()
        found.append(
            {
                "name": name,
                "version": snapshot.version,
                "rows": sum(f.rows for f in files),
                "files": len(files),
                "bytes": sum(f.bytes for f in files),
            }
        )
    report = StatusReport(str(lake.root), found, [], gold_is_current(lake))
    if lake.runs.exists:
        report.totals = query(settings, _TOTALS, only=["runs"]).dicts()[0]
        report.runs = query(settings, _RUNS, only=["runs"]).dicts()
    return report


def history(settings: Settings, table: str) -> list[dict[str, Any]]:
    """Commits of a table, newest first, as far back as its log reaches. Raises LakeError, UsageError."""
    lake = open_lake(settings)
    lake.require()
    roots = dict(lake.existing())
    if table not in roots:
        raise UsageError(f"no table {table} in {lake.root}", hint=f"tables: {', '.join(roots)}")
    return [asdict(entry) for entry in read_history(roots[table])]
