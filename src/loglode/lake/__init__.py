"""The lake: Delta tables, their logs, and the one committer."""

from loglode.lake.committer import Commit
from loglode.lake.layout import Lake
from loglode.lake.state import ActiveFile
from loglode.lake.table import Snapshot, Table

__all__ = ["ActiveFile", "Commit", "Lake", "Snapshot", "Table"]
