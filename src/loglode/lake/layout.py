"""Where a lake keeps what: the folders of its tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from loglode.contract import Contract
from loglode.errors import LakeError
from loglode.lake import staging
from loglode.lake.facts import Facts
from loglode.lake.heads import TRANSACTION_DAYS, Heads
from loglode.lake.table import Table
from loglode.storage import Location, S3Path, require_conditional_writes
from loglode.tables import DAY, QUALITY, QUARANTINE, RUNS, TableSpec

_FOLDERS = ("silver", "quarantine", "gold", "ops", staging.FOLDER)


def folders_of(root: Location) -> tuple[Location, ...]:
    """What of a lake's folder is the lake's own. Logs may lie beside it."""
    return tuple(root / name for name in _FOLDERS)


class Lake:
    """A folder of tables. Names in SQL: web_logs, quarantine, runs, quality, and each gold model's."""

    def __init__(self, root: Location, contract: Contract, gold: tuple[str, ...] = ()) -> None:
        self.root = root
        self.heads = Heads(root)
        # The version of silver up to which this process has seen all other tables follow.
        self.settled = 0
        self.contract = contract
        self.gold_names = gold
        silver = TableSpec(
            name="web_logs",
            columns=tuple((f.name, f.sql_type, f.description) for f in contract.stored_fields),
            partition_by=contract.partition_columns,
            description="Requests: typed, valid, masked and unique.",
            forgets_after_days=TRANSACTION_DAYS,
        )
        self.silver = self._table(silver, "silver", "web_logs")
        self.quarantine = self._table(QUARANTINE, "quarantine", "web_logs")
        self.runs = self._table(RUNS, "ops", "runs")
        self.quality = self._table(QUALITY, "ops", "quality")
        self._gold = {name: self._table(TableSpec(name, (), DAY, ""), "gold", name) for name in gold}

    @property
    def facts(self) -> Facts | None:
        """What the lake records of its rows; None where there is no lake yet."""
        silver = self.silver.known()
        return None if silver is None else Facts.recorded(silver.state.properties)

    def _table(self, spec: TableSpec, *folders: str) -> Table:
        return Table(spec, self.root.joinpath(*folders), self.heads)

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables, by layer, whether they are there yet or not."""
        return (self.silver, self.quarantine, self.runs, self.quality, *self._gold.values())

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all tables, whether they are there yet or not."""
        return tuple(table.spec.name for table in self.tables)

    def gold_root(self, name: str) -> Location:
        """Folder of a gold table."""
        return self.root / "gold" / name

    def gold(self, name: str) -> Table:
        """A gold table, to look at; its columns are its model's."""
        return self._gold[name]

    def existing(self, only: Collection[str] | None = None) -> Iterator[tuple[str, Location]]:
        """(name, folder) of each table that is there, or of some, by layer."""
        for table in self.tables:
            if (only is None or table.spec.name in only) and table.exists:
                yield table.spec.name, table.root

    def check_store(self) -> None:
        """Before a lake is made on S3, raise StorageError if the store ignores conditional writes."""
        if isinstance(self.root, S3Path) and not self.silver.exists:
            require_conditional_writes(self.root / "ops" / "_conditional_writes")

    def require(self) -> None:
        """Raise LakeError unless there is a lake here, LakeFormatError for one of a later release."""
        if self.silver.newest() is None:
            raise LakeError(f"no lake at {self.root}", hint="`loglode run SOURCE --lake DIR` makes one")
