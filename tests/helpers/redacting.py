"""Texts as they are stored in silver, by the layers of the statement alone."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from loglode.contract import Contract, load_contract
from loglode.silver.redaction import redaction
from loglode.sql import identifier

_CONNECTION = duckdb.connect(config={"threads": "1"})


def redacted(texts: Sequence[str | None], contract: Contract | None = None) -> list[str | None]:
    """What is stored of each text, under the package's own contract where no other is given."""
    return _redacted(texts, 1, contract or load_contract())


def redacted_in_pairs(texts: Sequence[str | None]) -> list[str | None]:
    """What is stored of texts of which each two are of one line."""
    return _redacted(texts, 2, load_contract())


def _redacted(texts: Sequence[str | None], width: int, contract: Contract) -> list[str | None]:
    places = range(1, width + 1)
    sql = (
        f"(select {', '.join(f'($texts)[{width} * n + {place}] as t{place}' for place in places)}, n"
        f" from (select unnest(range({len(texts)} // {width})) as n))"
    )
    for layer in redaction({f"r{place}": f"t{place}" for place in places}, contract):
        made = ", ".join(f"{expression} as {identifier(name)}" for name, expression in layer.columns.items())
        sql = f"(select *, {made} from {sql})"
    shown = ", ".join(f"r{place}" for place in places)
    rows = _CONNECTION.execute(
        f"select {shown} from {sql.replace('($texts)', '($texts::varchar[])')} order by n",
        {"texts": list(texts)},
    ).fetchall()
    return [text for row in rows for text in row]
