"""The graph of columns of a contract and the package's models."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from loglode.contract import Contract
from loglode.formats import known_format
from loglode.models.model import load_models
from loglode.tables import QUARANTINE, RUNS

if TYPE_CHECKING:
    from loglode.lineage import Graph


@cache
def lineage_graph(contract: Contract, form: str = "json") -> Graph:
    """Lineage of a contract, for logs of a format. JSON's statement reads every field that others do."""
    # The parser takes a fifth of a second to import; who asks for no lineage does not wait for it.
    from loglode.lineage import Graph  # noqa: PLC0415

    tables = {spec.name: [name for name, _, _ in spec.columns] for spec in (QUARANTINE, RUNS)}
    return Graph(contract, known_format(form), load_models(), tables)
