"""S3 on bad days: whatever fails, runs that are repeated until one comes through leave the tables of a good day."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.bad_network import bad_network
from tests.helpers.lakes import ALL_TABLES, BUCKET, BY_BATCH, LINEAGE, load, records, rows, write
from tests.helpers.s3 import fetched

from loglode import operations, sdk
from loglode.errors import LoglodeError
from loglode.settings import Settings

# Requests that fail at least.
FAULTS = int(os.environ.get("S3_FAULTS", "15"))
SHARE = 0.06
ATTEMPTS = 20
COMPARED = [name for name in ALL_TABLES if name not in BY_BATCH]


@pytest.mark.slow
def test_a_lake_equals_an_undisturbed_one(
    s3: Any, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = [
        write(tmp_path / "in" / f"{n}.json", [*records(40, first=n * 1_000), f"broken {n}", ""])
        for n in range(2)
    ]
    for path in logs:
        s3.upload_file(str(path), BUCKET, f"bronze/{path.name}")
    quiet = tmp_path / "quiet"
    load(quiet, *logs)
    wanted = {name: rows(quiet, name, without=LINEAGE) for name in COMPARED}
    failed, round_number = 0, 0
    with bad_network(endpoint, SHARE, seed=FAULTS) as network:
        monkeypatch.setenv("AWS_ENDPOINT_URL", network.url)
        sdk.forget()
        while failed < FAULTS:
            network.fail(SHARE)
            lake = Settings.build(lake=f"s3://{BUCKET}/lake", threads=1, batch_bytes=1)
            _until_done(lake, f"s3://{BUCKET}/bronze/")
            failed = network.counts()[1]
            network.fail(0)
            verified = operations.verify(lake)
            assert verified.is_ok, [check for check in verified.checks if not check.is_ok]
            copy = fetched(s3, tmp_path / f"copy{round_number}")
            for name, kept in wanted.items():
                assert rows(copy, name, without=LINEAGE) == kept, name
            _remove(s3)
            round_number += 1
    sdk.forget()
    assert failed >= FAULTS


def _until_done(lake: Settings, source: str) -> None:
    """Load as a schedule does: what failed is repeated."""
    errors: list[object] = []
    while len(errors) < ATTEMPTS:
        try:
            report = operations.run(lake, [source])
        except LoglodeError as error:
            errors.append(error)
            continue
        if not report.failed:
            return
        errors.append(report.failed)
    raise AssertionError(errors[-3:])


def _remove(s3: Any) -> None:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="lake/"):
        for entry in page.get("Contents", ()):
            s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
