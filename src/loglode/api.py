"""A lake as an object: everything that Loglode does, for Python programs and notebooks.

The command line is a thin layer over this class: each command parses, makes one call and prints the result.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

from loglode import operations
from loglode.engines.base import Progress
from loglode.engines.duckdb.query import Parameters
from loglode.maintenance.maintain import KEEP_HOURS, QUARANTINE_DAYS, TARGET_BYTES
from loglode.operations import (
    ColumnLineage,
    GoldReport,
    MaintenanceReport,
    PageReport,
    QualityReport,
    QueryResult,
    RunReport,
    StatusReport,
    VerifyReport,
)
from loglode.settings import Settings


class Lake:
    """A lake and its settings. Nothing is read or written until a method is called.

    Every method raises LoglodeError: UsageError for a wrong call, LakeError for a lake that does not exist
    or is damaged, StorageError for S3. Nothing is printed; warnings go to the logger `loglode`.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __repr__(self) -> str:
        """The lake's place."""
        return f"Lake({str(self.settings.lake)!r})"

    def load(
        self,
        *sources: str | Path,
        format: str = "auto",
        follow_links: bool = False,
        progress: Progress | None = None,
    ) -> RunReport:
        """Load files, folders, globs or S3 URIs, and bring gold up to date.

        Objects that were loaded before are skipped. Objects that cannot be read do not stop the others:
        check `failed` of the report. Symbolic links that are found in folders are followed only with
        `follow_links`.
        """
        names = [str(source) for source in sources]
        return operations.run(
            self.settings, names, format=format, follow_links=follow_links, progress=progress
        )

    def query(self, sql: str, parameters: Parameters = (), *, as_of: datetime | None = None) -> QueryResult:
        """Run one SELECT over the lake's tables. Raises QueryError.

        `parameters` are bound to `$name` (a mapping) or `?` (a sequence). `as_of`, with a time zone, reads
        the tables as they were at that moment.
        """
        return operations.query(self.settings, sql, parameters, as_of=as_of)

    def status(self) -> StatusReport:
        """Tables with rows, files and bytes, totals, and the last runs."""
        return operations.status(self.settings)

    def verify(self) -> VerifyReport:
        """Prove from the tables alone that nothing is lost or doubled: check `is_ok` of the report."""
        return operations.verify(self.settings)

    def quality(self, day: date | None = None) -> QualityReport:
        """What the contract's rules found: rejected lines, volume, delay and schema drift, by day."""
        return operations.quality(self.settings, day)

    def report(self, out: str | Path) -> PageReport:
        """Write gold as one HTML page to `out`, a file of this machine; it needs no network to be read."""
        return operations.write_report(self.settings, Path(out))

    def metrics(self) -> dict[str, float]:
        """The figures that `loglode status --metrics` prints, by name."""
        return operations.measurements(self.settings)

    def history(self, table: str) -> list[dict[str, Any]]:
        """Commits of a table, newest first."""
        return operations.history(self.settings, table)

    def restore(self, table: str, version: int) -> int:
        """Make a gold table what it was at a version; returns the new version."""
        return operations.restore(self.settings, table, version)

    def rebuild_gold(self, *tables: str, progress: Progress | None = None) -> GoldReport:
        """Compute gold tables from all of silver: the named ones, or every one."""
        return operations.rebuild_gold(self.settings, tables, progress=progress)

    def quarantine(self, *, limit: int = 20, reason: str | None = None) -> QueryResult:
        """Rejected lines with their reasons, newest first."""
        return operations.list_quarantine(self.settings, limit=limit, reason=reason)

    def replay(self, *, reason: str | None = None, progress: Progress | None = None) -> RunReport:
        """Read rejected lines again, after the contract has changed; those that pass move to silver."""
        return operations.replay_quarantine(self.settings, reason=reason, progress=progress)

    def maintain(
        self,
        *,
        target_bytes: int = TARGET_BYTES,
        keep_hours: int = KEEP_HOURS,
        quarantine_days: int = QUARANTINE_DAYS,
        is_dry_run: bool = False,
        is_forced: bool = False,
        progress: Progress | None = None,
    ) -> MaintenanceReport:
        """Merge small files, delete files that no table needs, and empty old rejected lines."""
        return operations.maintain(
            self.settings,
            target_bytes=target_bytes,
            keep_hours=keep_hours,
            quarantine_days=quarantine_days,
            is_dry_run=is_dry_run,
            is_forced=is_forced,
            progress=progress,
        )

    def lineage(self, target: str) -> list[ColumnLineage]:
        """Where the columns of a `table`, or one `table.column`, come from. Needs no lake."""
        return operations.lineage(self.settings.contract, target)

    def row_lineage(self, event_id: str) -> dict[str, Any]:
        """The bronze object and line that a silver row was read from."""
        return operations.row_lineage(self.settings, event_id)
