"""Only parse a file of combined lines: read, cut, split, cast and check every field; count the verdicts.

usage: parse.py FILE
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pyarrow as pa

from loglode.contract import load_contract
from loglode.engines.duckdb.session import connect, streaming
from loglode.formats import FORMATS
from loglode.silver.canonical import canonical
from loglode.silver.casts import cast
from loglode.silver.checks import checks
from loglode.silver.layers import column
from loglode.sources import discover
from loglode.sources.lines import SCHEMA, LineReader

MEMORY_MB = 700


def main(path: str) -> None:
    # An installation has it only with the extra for Spark; pyarrow takes 0.2 s over it where it is.
    sys.modules["pandas"] = None  # type: ignore[assignment]
    contract, fmt = load_contract(), FORMATS["combined"]
    layers = canonical(contract, fmt, frozenset()).add(
        {f"typed:{f.name}": cast(f, column("raw", f.name)) for f in contract.read_fields}
    )
    fails = " or ".join(f"coalesce({c.fails}, false)" for c in checks(contract) if c.severity == "reject")
    # Every field is counted, or the planner would leave it out.
    counts = {
        "lines": "count(*)",
        "rejected": f"count(*) filter ({column('line', 'is_malformed')} or {fails})",
        **{f.name: f"count({column('typed', f.name)})" for f in contract.read_fields},
    }
    (source,) = discover([path])
    with source.open() as stream, tempfile.TemporaryDirectory() as folder:
        connection = connect(memory_limit_mb=MEMORY_MB, threads=None, temp_dir=Path(folder))
        streaming(connection, is_on=True, memory_limit_mb=MEMORY_MB)
        lines = LineReader(source.display_uri, stream, counts_keys=fmt.counts_keys).batches()
        connection.register("lines", pa.RecordBatchReader.from_batches(SCHEMA, lines))
        # To the end: a result that still streams is given up with Python's lock held, for which the
        # engine's threads wait to let go of their last lines.
        (row,) = connection.execute(layers.select(counts)).fetchall()
    print(*row[:2])


if __name__ == "__main__":
    main(sys.argv[1])
