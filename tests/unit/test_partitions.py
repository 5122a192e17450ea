"""Cutting whole files into partitions, a group of partitions at a time."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from loglode.engines.duckdb.files import GROUP_PARTITIONS, Target, partition_by_groups, write_partitioned

TYPES = {"n": "BIGINT", "day": "INTEGER"}


@pytest.mark.parametrize(
    "days", [1, GROUP_PARTITIONS - 1, GROUP_PARTITIONS, GROUP_PARTITIONS + 1, 2 * GROUP_PARTITIONS + 20]
)
def test_every_row_is_in_the_partition_of_its_day_once(tmp_path: Path, days: int) -> None:
    with duckdb.connect() as connection:
        rows = f"select i as n, (i % {days})::integer as day from range({2 * days}) as t (i)"
        whole = write_partitioned(connection, rows, Target(tmp_path / "whole", "whole", TYPES))
        staged = partition_by_groups(
            connection,
            [file.local for file in whole],
            Target(tmp_path / "parts", "part", TYPES, ("day",)),
        )
        found = connection.execute(
            "select n, day from read_parquet($files, hive_partitioning = true) order by n",
            {"files": [str(file.local) for file in staged]},
        ).fetchall()
    assert found == [(n, n % days) for n in range(2 * days)]
    assert sorted(int(file.partition["day"]) for file in staged) == list(range(days))
    assert [file.rows for file in staged] == [2] * days
    assert not [file for file in whole if file.local.exists()]
