"""The pipeline's calls, the same wherever it runs: plan, bronze_to_silver, silver_to_gold."""

from loglode.engines.duckdb.query import QueryResult
from loglode.pipeline.executions import replay_batch
from loglode.pipeline.gate import GateReport, quality_gate
from loglode.pipeline.inspect import StatusReport, columns, history, query, status
from loglode.pipeline.lineage import lineage, row_lineage
from loglode.pipeline.maintain import UpkeepReport, maintain
from loglode.pipeline.measurements import measurements
from loglode.pipeline.quality import QualityReport, quality
from loglode.pipeline.quarantine import list_quarantine, replay_quarantine
from loglode.pipeline.report import RunReport
from loglode.pipeline.restore import restore
from loglode.pipeline.run import load_objects, run, update_gold
from loglode.pipeline.verify import Check, VerifyReport, verify

__all__ = [
    "Check",
    "GateReport",
    "QualityReport",
    "QueryResult",
    "RunReport",
    "StatusReport",
    "UpkeepReport",
    "VerifyReport",
    "columns",
    "history",
    "lineage",
    "list_quarantine",
    "load_objects",
    "maintain",
    "measurements",
    "quality",
    "quality_gate",
    "query",
    "replay_batch",
    "replay_quarantine",
    "restore",
    "row_lineage",
    "run",
    "status",
    "update_gold",
    "verify",
]
