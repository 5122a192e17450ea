"""What a format reads of lines, without a lake."""

from __future__ import annotations

import io
from typing import Any

import duckdb
import pyarrow as pa

from loglode.contract import load_contract
from loglode.formats import Format
from loglode.silver.canonical import canonical
from loglode.silver.layers import column
from loglode.sources.lines import SCHEMA, LineReader

_CONTRACT = load_contract()
_CONNECTION = duckdb.connect(config={"threads": "1"})
_NAMES = [field.name for field in _CONTRACT.read_fields]


def read(fmt: Format, *lines: str) -> list[dict[str, Any]]:
    """The canonical texts of each line by field, and `reason`: null for those that the format accepts."""
    data = "".join(f"{line}\n" for line in lines).encode()
    reader = LineReader("x", io.BytesIO(data), counts_keys=fmt.counts_keys, header_prefix=fmt.header_prefix)
    _CONNECTION.register("lines", pa.Table.from_batches(reader.batches(), SCHEMA))
    outputs = {
        **{name: column("raw", name) for name in _NAMES},
        "reason": f"case when {column('line', 'is_skipped')} then 'skipped'"
        f" else {column('line', 'malformed_reason')} end",
        "number": column("line", "source_line"),
    }
    select = canonical(_CONTRACT, fmt, fmt.keys(data)).select(outputs)
    cursor = _CONNECTION.execute(f"select * from ({select}) order by number")
    names = [found[0] for found in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
