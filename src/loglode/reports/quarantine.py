"""Looking at quarantined lines."""

from __future__ import annotations

import logging

from loglode.engines.duckdb.query import QueryResult
from loglode.reports.inspect import query
from loglode.settings import Settings

_log = logging.getLogger(__name__)
_REASONS = "select distinct unnest(reasons) as reason from quarantine order by reason"


def list_quarantine(settings: Settings, *, limit: int = 20, reason: str | None = None) -> QueryResult:
    """Refused lines, the newest first, all or those refused for one reason. Raises LakeError."""
    chosen = "true"
    if reason is not None:
        chosen = f"list_contains(reasons, '{reason.replace(chr(39), chr(39) * 2)}')"
        there = [code for (code,) in query(settings, _REASONS, only=["quarantine"]).rows]
        if reason not in there:
            hint = f"reasons there: {', '.join(there)}" if there else "it is empty"
            _log.warning("no line in quarantine was refused for %s", reason, extra={"hint": hint})
    return query(
        settings,
        "select source_object, source_line, array_to_string(reasons, ', ') as reasons, raw_bytes,"
        " substr(raw, 1, 300) as raw, batch_id, processed_at::varchar as processed_at"
        f" from quarantine where {chosen} order by quarantine.processed_at desc, source_object, source_line"
        f" limit {int(limit)}",
        only=["quarantine"],
    )
