"""The quality gate, which says whether what was loaded may go on to gold."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass

from loglode.batches.quality_counts import ACCEPTED
from loglode.context import open_lake
from loglode.gold.plan import gold_version
from loglode.reports.query import query
from loglode.settings import Settings
from loglode.sql import literal

_log = logging.getLogger(__name__)
# Blank lines and those sent again are read, but no rule is asked about them: ops.runs alone counts them. A
# load without any other has no rows in ops.quality, nor has one from before there was that table.
_LINES = """
    select
        coalesce(sum(lines_read), 0)::bigint,
        coalesce(sum(coalesce(refused, lines_quarantined)), 0)::bigint
    from runs
    left join (
        select silver_version, sum(refused) as refused
        from quality
        where rule = {whole}
        group by silver_version
    ) using (silver_version)
    where {chosen}
"""


@dataclass(frozen=True, slots=True)
class GateReport:
    """Lines of the loads asked for, and the share of them that was refused, against its limit."""

    lines_read: int
    lines_quarantined: int
    limit: float

    @property
    def refused_share(self) -> float:
        """Refused lines / lines read, 0 to 1; 0 where nothing was read."""
        return self.lines_quarantined / self.lines_read if self.lines_read else 0.0

    @property
    def is_acceptable(self) -> bool:
        """Whether the share is not above the limit."""
        return self.refused_share <= self.limit


def quality_gate(settings: Settings, correlation_id: str) -> GateReport:
    """All that was loaded under a correlation id, in however many attempts, against the contract's
    maxRefusedShare (or what the settings say instead). Raises LakeError where there is no lake.

    If other executions have loaded all of its objects, it has no rows of its own. The gate then judges
    everything that gold still lacks, so that restarting a stopped batch does not bring it to gold.
    """
    read, refused = _lines(settings, "kind = 'load' and correlation_id = $value", correlation_id)
    if not read:
        behind = gold_version(open_lake(settings))
        read, refused = _lines(settings, "kind = 'load' and silver_version > $value", behind)
    found = GateReport(read, refused, settings.refused_limit)
    counts = {**asdict(found), "refused_share": found.refused_share}
    facts = {"step": "quality_gate", "correlation_id": correlation_id, "counts": counts}
    if found.is_acceptable:
        _log.info("quality gate passed", extra=facts)
    else:
        _log.warning("quality gate stopped what was loaded", extra=facts)
    return found


def _lines(settings: Settings, condition: str, value: str | int) -> tuple[int, int]:
    """Lines read and lines refused, summed over the loads that a condition on `$value` selects."""
    sql = _LINES.format(chosen=condition, whole=literal(ACCEPTED))
    ((read, refused),) = query(settings, sql, {"value": value}, only=("runs", "quality"))
    return read, refused
