"""Whether Glue's catalog knows the lake's tables: a crawler is worth its price only if it does not."""

from __future__ import annotations

from loglode import operations
from loglode.sdk import client
from loglode.settings import Settings


def is_behind(settings: Settings, database: str) -> bool:
    """Whether a table, or a column of one, is not in the catalog."""
    known: dict[str, set[str]] = {}
    for page in client("glue").get_paginator("get_tables").paginate(DatabaseName=database):
        for table in page["TableList"]:
            columns = [
                *table.get("StorageDescriptor", {}).get("Columns", ()),
                *table.get("PartitionKeys", ()),
            ]
            known[table["Name"]] = {column["Name"] for column in columns}
    return any(
        not set(names) <= known.get(table, set()) for table, names in operations.columns(settings).items()
    )
