"""Every operation on a lake, over `Settings`: called by the Python API, Lambda functions and Glue jobs."""

from loglode.aws.emission import new_measurements
from loglode.aws.executions import replay_batch
from loglode.aws.gate import GateReport, quality_gate
from loglode.engines.duckdb.result import QueryResult
from loglode.gold.rebuild import rebuild_gold
from loglode.gold.restore import restore
from loglode.gold.silver_to_gold import GoldReport
from loglode.loading.report import RunReport
from loglode.maintenance.maintain import MaintenanceReport, maintain
from loglode.pipeline.replay import replay_quarantine
from loglode.pipeline.run import load_objects, run, update_gold
from loglode.reports.explain import Explanation, explain, formats
from loglode.reports.lineage import ColumnLineage, lineage, row_lineage
from loglode.reports.measurements import measurements
from loglode.reports.quality import QualityReport, quality
from loglode.reports.quarantine import list_quarantine
from loglode.reports.query import columns, query
from loglode.reports.report import PageReport, write_report
from loglode.reports.status import StatusReport, history, status
from loglode.reports.verify import Check, VerifyReport, verify

__all__ = [
    "Check",
    "ColumnLineage",
    "Explanation",
    "GateReport",
    "GoldReport",
    "MaintenanceReport",
    "PageReport",
    "QualityReport",
    "QueryResult",
    "RunReport",
    "StatusReport",
    "VerifyReport",
    "columns",
    "explain",
    "formats",
    "history",
    "lineage",
    "list_quarantine",
    "load_objects",
    "maintain",
    "measurements",
    "new_measurements",
    "quality",
    "quality_gate",
    "query",
    "rebuild_gold",
    "replay_batch",
    "replay_quarantine",
    "restore",
    "row_lineage",
    "run",
    "status",
    "update_gold",
    "verify",
    "write_report",
]
