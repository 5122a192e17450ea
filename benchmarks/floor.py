"""The bare floor: read as text, cast, one hash, write once, commit once. No checks, no masking, no gold.

usage: floor.py SOURCE_FOLDER TABLE_FOLDER
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import deltalake
import duckdb
from deltalake.transaction import AddAction

FIELDS = (
    "timestamp request_id remote_addr user_id method host path query status response_time_ms"
    " bytes_sent referrer user_agent country"
).split()


def main(source: str, table: str) -> None:
    connection = duckdb.connect(config={"memory_limit": "500MB", "preserve_insertion_order": "false"})
    connection.execute("set partitioned_write_flush_threshold = 65536; set timezone = 'UTC'")
    columns = ", ".join(f"{name}: 'VARCHAR'" for name in FIELDS)
    lines = f"read_json('{source}/web*.json', format = 'newline_delimited', columns = {{{columns}}}, ignore_errors = true)"
    rows = connection.execute(
        f"""
        copy (
            select
                try_cast(timestamp as timestamp) as event_ts, request_id, sha256(remote_addr) as client,
                user_id, method, host, path, query, try_cast(status as smallint) as status,
                try_cast(response_time_ms as double) as response_time_ms,
                try_cast(bytes_sent as bigint) as bytes_sent, referrer, user_agent, country,
                year(event_ts) as year, month(event_ts) as month, day(event_ts) as day
            from {lines}
            where event_ts is not null
        ) to '{table}' (format parquet, compression zstd, partition_by (year, month, day), append, return_stats true)
        """
    ).fetchall()
    kinds = {
        "status": "short",
        "response_time_ms": "double",
        "bytes_sent": "long",
        "event_ts": "timestamp_ntz",
    }
    names = ["event_ts", "request_id", "client", *FIELDS[3:], "year", "month", "day"]
    schema = deltalake.Schema(
        [
            deltalake.Field(
                n, deltalake.schema.PrimitiveType(kinds.get(n, "integer" if n in names[-3:] else "string"))
            )
            for n in names
        ]
    )
    made = deltalake.DeltaTable.create(table, schema, partition_by=names[-3:])
    now = int(time.time() * 1000)
    adds = [
        AddAction(
            str(Path(row[0]).relative_to(table)),
            row[2],
            row[5],
            now,
            True,
            json.dumps({"numRecords": row[1]}),
        )
        for row in rows
    ]
    made.create_write_transaction(adds, "append", schema, names[-3:])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
