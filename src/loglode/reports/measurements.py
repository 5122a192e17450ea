"""Values of the metrics that `loglode.metrics` names, from the lake's own tables."""

from __future__ import annotations

from typing import Any

from loglode.context import open_lake
from loglode.metrics import EMITTED, METRICS, Step
from loglode.reports.query import query
from loglode.settings import Settings

_LOADS = """
    select
        count(*) filter (is_load) as BatchesLoaded,
        sum(lines_read) filter (is_load) as LinesRead,
        sum(lines_quarantined) filter (is_load) as LinesQuarantined,
        arg_max(greatest(lines_quarantined, 0) / nullif(lines_read, 0), silver_version)
            filter (is_load) as RefusedShare,
        sum(duplicates) filter (is_load) as Duplicates,
        sum(blank_lines) filter (is_load) as BlankLines,
        sum(rows_silver) as RowsSilver,
        epoch(max(finished_at) filter (is_load)) as LastLoadTimestampSeconds
    from (select *, kind = 'load' as is_load from runs)
    where {chosen}
"""
_BATCHES = """
    select
        max(bronze_to_gold_seconds) as BronzeToGoldSeconds,
        max(freshness_seconds) as FreshnessSeconds,
        max(epoch(started_at) + bronze_to_gold_seconds) as LastGoldTimestampSeconds
    from pipeline_metrics
    where batch_id in (select batch_id from runs where {chosen})
"""
_SITE = """
    select requests as SiteRequests, error_rate as SiteErrorRate, p95_response_time_ms as SiteResponseTimeP95
    from daily_metrics
    -- A wrong clock, or an attacker, makes days to come; refused lines make days without requests.
    where requests > 0 and date <= current_date
    order by date desc
    limit 1
"""
_NEEDED = {
    "runs": (Step.SILVER, _LOADS),
    "pipeline_metrics": (Step.GOLD, _BATCHES),
    "daily_metrics": (Step.GOLD, _SITE),
}


def measurements(
    settings: Settings, *, correlation_id: str | None = None, step: Step | None = None, after: int = 0
) -> dict[str, float]:
    """Values by the metric's name: of what was loaded under a correlation id, or ever; of the newest day.
    A share is the last load's. `after` leaves out batches up to that version of silver.

    Without a value (no batch, no response time) a metric is left out. Raises LakeError.
    """
    lake = open_lake(settings)
    lake.require()
    chosen = f"silver_version > {after:d}"
    chosen += "" if correlation_id is None else " and correlation_id = $correlation_id"
    parameters = {} if correlation_id is None else {"correlation_id": correlation_id}
    found: dict[str, Any] = {}
    needed = {table: sql for table, (kind, sql) in _NEEDED.items() if step in (None, kind)}
    for table, _ in lake.existing(needed):
        sql = needed[table]
        used = parameters if "{chosen}" in sql else {}
        for row in query(settings, sql.format(chosen=chosen), used, only=(table, "runs")).dicts():
            found |= row
    # For a step they go to CloudWatch.
    names = [metric.name for metric in METRICS if step is None or metric.name in EMITTED]
    return {name: float(found[name]) for name in names if found.get(name) is not None}
