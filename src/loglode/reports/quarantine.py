"""List quarantined lines."""

from __future__ import annotations

import logging

from loglode.engines.duckdb.result import QueryResult
from loglode.reports.query import query
from loglode.settings import Settings
from loglode.text import visible

_log = logging.getLogger(__name__)
_LINES = """
    select source_object, source_line, array_to_string(reasons, ', ') as reasons, raw_bytes,
        substr(raw, 1, 300) as raw, batch_id, processed_at::varchar as processed_at
    from quarantine
    where $reason is null or list_contains(reasons, $reason)
    order by quarantine.processed_at desc, source_object, source_line
    limit $limit
"""
_REASONS = "select distinct unnest(reasons) as reason from quarantine order by reason"


def list_quarantine(settings: Settings, *, limit: int = 20, reason: str | None = None) -> QueryResult:
    """Refused lines, newest first: all of them, or those refused for one reason. Raises LakeError.

    Warns if no line was refused for this reason.
    """
    if reason is not None:
        known = [code for (code,) in query(settings, _REASONS, only=["quarantine"])]
        if reason not in known:
            hint = f"reasons there: {', '.join(known)}" if known else "it is empty"
            _log.warning("no line in quarantine was refused for %s", visible(reason), extra={"hint": hint})
    return query(settings, _LINES, {"reason": reason, "limit": limit}, only=["quarantine"])
