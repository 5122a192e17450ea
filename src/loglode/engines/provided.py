"""The rows of the relations that models read besides tables (see `INPUTS`), the same for every engine."""

from __future__ import annotations

from loglode.contract import Contract

# The middle of a bucket by ratio is within sqrt(gamma) - 1 of each of its values: 1 %.
HISTOGRAM_GAMMA = 1.02
Scalar = str | int | float | None

# Columns of a table with a row for each batch, which say when gold first counted the batch.
COUNTED = {
    "batch_id": "VARCHAR",
    "started_at": "TIMESTAMP WITH TIME ZONE",
    "bronze_to_gold_seconds": "DOUBLE",
}
CLOCK = {"started_at": "TIMESTAMP WITH TIME ZONE"}
# `gold_starts`, in DuckDB's dialect. A rebuilt table keeps the times that it had: `counted` is what it held, and
# `clock` the start of the present run.
GOLD_STARTS = """
select
    runs.batch_id,
    runs.started_at,
    coalesce(
        max(
            make_timestamptz(
                epoch_us(counted.started_at) + cast(round(counted.bronze_to_gold_seconds * 1000000) as bigint)
            )
        ),
        max(clock.started_at)
    ) as gold_started_at
from runs
cross join clock
left join counted on runs.batch_id = counted.batch_id and runs.started_at = counted.started_at
group by runs.batch_id, runs.started_at
"""


def settings_row(contract: Contract) -> tuple[Scalar, ...]:
    """The one row of `settings`."""
    return (contract.session_gap_seconds, contract.source_session_gap_seconds, HISTOGRAM_GAMMA)


def goal_rows(contract: Contract) -> list[tuple[Scalar, ...]]:
    """The rows of `goals`."""
    return [(g.goal, g.method, g.path_pattern, g.min_status, g.max_status) for g in contract.goals]
