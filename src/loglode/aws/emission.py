"""Which values of metrics leave for CloudWatch: each batch once, however often a step is repeated."""

from __future__ import annotations

from loglode.context import open_lake
from loglode.lake import Commit, Snapshot
from loglode.lake.committer import commit_when
from loglode.metrics import Step
from loglode.reports.measurements import measurements
from loglode.reports.query import query
from loglode.settings import Settings


def new_measurements(settings: Settings, step: Step) -> dict[str, float]:
    """Values of the batches of this execution that no earlier call has taken for this step; else nothing.

    A commit of ops.runs records how far the execution's batches were taken, before the caller emits them:
    CloudWatch adds up what it receives, so a repeated step (a retry, a redrive) must not send a batch twice.
    Should the process die between the commit and the line that it writes, these values are missing.
    Raises LakeError, CommitConflictError.
    """
    lake = open_lake(settings)
    lake.require()
    newest = _newest_batch(settings)
    name = f"emitted/{step}/{settings.correlation_id}"

    def decide(snapshot: Snapshot) -> Commit | None:
        return Commit(transactions={name: newest}) if newest > (snapshot.transaction(name) or 0) else None

    taken = commit_when(lake.runs, decide).transaction(name) or 0
    if newest <= taken:
        return {}
    return measurements(settings, correlation_id=settings.correlation_id, step=step, after=taken)


def _newest_batch(settings: Settings) -> int:
    """Newest version of silver that this execution has committed; 0 for none."""
    sql = "select coalesce(max(silver_version), 0) from runs where correlation_id = $correlation_id"
    found = query(settings, sql, {"correlation_id": settings.correlation_id}, only=("runs",))
    return int(found.rows()[0][0])
