"""What a batch costs on S3: requests of all clients, from the listing of bronze to the last gold commit."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.helpers.lakes import BUCKET, record
from tests.helpers.requests import counted, noted

from loglode import operations
from loglode.lake.checkpoints import write_checkpoint
from loglode.lake.table import as_it_stands
from loglode.settings import Settings
from loglode.storage import S3Path

# Versions before the batch, and what the batch may cost.
VERSIONS = 30
BUDGET = {"GET": 45, "LIST": 12, "PUT": 27}
LAKE = f"s3://{BUCKET}/lake"


def load(s3: Any, number: int) -> None:
    """Put an object with five lines of its own and load it."""
    lines = [record(600 * number + n, path=f"/page/{number}/{n}") for n in range(5)]
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    s3.put_object(Bucket=BUCKET, Key=f"bronze/{number}.json", Body=body)
    report = operations.run(Settings.build(lake=LAKE, threads=1), [f"s3://{BUCKET}/bronze/{number}.json"])
    assert (report.rows_silver, report.gold_days) == (5, 1)


@pytest.mark.slow
def test_a_small_batch_into_a_lake_of_thirty_versions(s3: Any, endpoint: str) -> None:
    for number in range(VERSIONS):
        load(s3, number)
    noted(endpoint)
    load(s3, VERSIONS)
    cost = counted(endpoint)
    cost["PUT"] -= 1  # the object itself
    assert all(cost[method] <= most for method, most in BUDGET.items()), cost
    # DuckDB looks up the size of each file that it reads; the log needs none. Silver's other files are not read.
    assert cost["HEAD"] <= 25, cost
    again = operations.run(Settings.build(lake=LAKE, threads=1), [f"s3://{BUCKET}/bronze/0.json"])
    assert again.objects_skipped == 1
    cost = counted(endpoint)
    # One listing for each table, to see that nothing is newer.
    assert cost["PUT"] == 0 and cost["GET"] <= 12 and cost["LIST"] <= 13, cost


def test_a_lost_file_of_states_costs_requests_and_nothing_else(s3: Any) -> None:
    for number in range(2):
        load(s3, number)
        s3.delete_object(Bucket=BUCKET, Key="lake/ops/_heads.json.gz")
    assert operations.verify(Settings.build(lake=LAKE, threads=1)).is_ok


def test_a_checkpoint_is_written_from_a_copy_of_the_log(s3: Any, endpoint: str) -> None:
    """deltalake reads it, a table loaded behind it is the same, and each commit was read once."""
    for number in range(2):
        load(s3, number)
    root = S3Path.parse(f"{LAKE}/silver/web_logs")
    before = as_it_stands("web_logs", root)
    noted(endpoint)
    write_checkpoint(before.table)
    assert counted(endpoint) == {"LIST": 1, "GET": before.version + 1, "PUT": 2}
    behind = as_it_stands("web_logs", root)
    assert counted(endpoint) == {"LIST": 1, "GET": 2}, "the checkpoint and the commit of its version"
    assert behind.state == replace(before.state, recent={}, adds=behind.state.adds)
    assert behind.files() == before.files()
    assert len(before.table.delta().file_uris()) == len(before.files())
