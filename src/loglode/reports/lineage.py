"""Where a number comes from: columns by the SQL that runs, rows by what silver records about their line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loglode.contract import Contract
from loglode.errors import UsageError
from loglode.reports.query import query
from loglode.settings import Settings
from loglode.telemetry.graph import lineage_graph

if TYPE_CHECKING:
    from loglode.lineage import Column, Graph

# The same objects may be loaded again once they were forgotten: their batch adds no rows then.
_ROW = """
    select event_id, event_ts::varchar as event_ts, source_object, source_line, w.batch_id, r.correlation_id,
        r.silver_version, w.contract_version, w.processed_at::varchar as processed_at
    from web_logs w left join (
        from runs
        qualify row_number() over (partition by batch_id order by rows_silver = 0, silver_version) = 1
    ) r on w.batch_id = r.batch_id
    where event_id = $event_id
"""


@dataclass(frozen=True, slots=True)
class ColumnLineage:
    """A column: the contract's fields in it, those that choose its rows, and its way, itself first.

    `way` holds a row per column on it: column, inputs, steps (SQL) and masking.
    """

    column: str
    fields: tuple[str, ...]
    row_fields: tuple[str, ...]
    is_masked: bool
    way: tuple[dict[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "column": self.column,
            "fields": list(self.fields),
            "row_fields": list(self.row_fields),
            "is_masked": self.is_masked,
            "way": list(self.way),
        }


def lineage(contract: Contract, target: str) -> list[ColumnLineage]:
    """Lineage of `table` or `table.column`. Raises UsageError if there is no such table or column."""
    from loglode.lineage import Column  # noqa: PLC0415

    table, dot, name = target.partition(".")
    graph = lineage_graph(contract)
    columns = graph.columns(table)
    if dot:
        if Column(table, name) not in columns:
            names = ", ".join(c.name for c in columns)
            raise UsageError(f"{table} has no column {name}", hint=f"columns: {names}")
        columns = (Column(table, name),)
    return [_column_lineage(graph, column) for column in columns]


def row_lineage(settings: Settings, event_id: str) -> dict[str, Any]:
    """The bronze object and line that a silver row was read from, and the batch that loaded it.

    Raises LakeError without a lake, UsageError if silver has no such row.
    """
    found = query(settings, _ROW, {"event_id": event_id}, only=("web_logs", "runs")).dicts()
    if not found:
        raise UsageError(
            "silver has no row with this event_id",
            hint="take one from `loglode query 'select event_id from web_logs limit 3'`",
        )
    return found[0]


def _column_lineage(graph: Graph, column: Column) -> ColumnLineage:
    way = tuple(
        {
            "column": str(node.column),
            "inputs": [str(c) for c in node.inputs],
            "steps": list(node.steps),
            "masking": node.masking,
        }
        for node in graph.way(column)
    )
    return ColumnLineage(
        str(column),
        tuple(sorted(graph.fields(column))),
        tuple(sorted(graph.row_fields(column))),
        graph.is_masked(column),
        way,
    )
