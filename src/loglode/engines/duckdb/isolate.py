"""Lines for which a statement raises are found and get a fault, so that all others can be loaded.

Every expression that may raise has a guard of its own; this is for what nobody thought of. A visitor writes
the lines, so one of them must never stop a batch.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from loglode.engines.duckdb.session import is_of_data, one_thread
from loglode.sources.lines import FAULT_ENGINE

_log = logging.getLogger(__name__)
# Statements that search for lines; each takes about half a second.
_MAX_PROBES = 200

_Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Statement:
    """A SELECT over `lines`, and its parameters."""

    select: str
    parameters: dict[str, Any]


class Isolation:
    """A search for the lines of a table for which the engine raises.

    First by a statement in which every expression may fail, which finds any number of lines at once. What
    that does not see (it cannot contain every function) is found by halving. After `_MAX_PROBES` statements
    the parts that still fail are refused as a whole, so that time is bounded whatever the lines contain.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._probes = 0

    def marked(self, lines: pa.Table, statement: Statement, guarded: Statement) -> pa.Table:
        """The lines, with a fault for those on which the statement fails; `guarded` names them if it can."""
        found = _marked(lines, self._named(lines, guarded))
        found = _marked(found, self._halved(found, statement))
        count = lines.column("fault").null_count - found.column("fault").null_count
        counts = {"lines": count, "statements": self._probes}
        _log.warning("the engine failed on lines; they were refused", extra={"counts": counts})
        return found

    def _named(self, lines: pa.Table, guarded: Statement) -> set[_Place]:
        try:
            # A guarded statement has twice as many layers as others.
            with _registered(self._connection, lines), one_thread(self._connection):
                return set(self._connection.execute(guarded.select, guarded.parameters).fetchall())
        except duckdb.BinderException:
            return set()  # the contract uses a function that cannot be tried
        except duckdb.Error as error:
            if not is_of_data(error):
                raise
            return set()

    def _halved(self, lines: pa.Table, statement: Statement) -> set[_Place]:
        """Places of the lines for which the statement raises."""
        found: set[_Place] = set()
        failing = [lines] if self._fails(lines, statement) else []
        while failing:
            part = failing.pop()
            if part.num_rows == 1 or self._probes >= _MAX_PROBES:
                found |= set(_places(part))
                continue
            left, right = part.slice(0, part.num_rows // 2), part.slice(part.num_rows // 2)
            is_left = self._fails(left, statement)
            failing += [left] if is_left else []
            failing += [right] if not is_left or self._fails(right, statement) else []
        return found

    def _fails(self, lines: pa.Table, statement: Statement) -> bool:
        self._probes += 1
        every = f"select bit_xor(hash(r)) from ({statement.select}) r"  # so that no column is left out
        try:
            with _registered(self._connection, lines):
                self._connection.execute(every, statement.parameters or None)
        except duckdb.Error as error:
            if not is_of_data(error):
                raise
            return True
        return False


@contextlib.contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, lines: pa.Table) -> Iterator[None]:
    connection.register("lines", lines)
    try:
        yield
    finally:
        connection.unregister("lines")


def _places(lines: pa.Table) -> list[_Place]:
    return list(
        zip(lines.column("source_object").to_pylist(), lines.column("source_line").to_pylist(), strict=True)
    )


def _marked(lines: pa.Table, found: Collection[_Place]) -> pa.Table:
    if not found:
        return lines
    flags = pa.array([place in found for place in _places(lines)])
    faults = pc.if_else(flags, FAULT_ENGINE, lines.column("fault"))
    return lines.set_column(lines.schema.get_field_index("fault"), "fault", faults)
