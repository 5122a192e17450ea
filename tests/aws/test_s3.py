"""The lake on S3, over HTTP against an emulator on loopback: what holds on a disk holds there."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from tests.helpers.lakes import BUCKET, BY_BATCH, LINEAGE, load, records, rows, settings, start_on_s3, table
from tests.helpers.s3 import LAKE, fetched, put

from loglode import operations, sdk, storage
from loglode.context import open_lake
from loglode.engines.duckdb.query import Statement, _prepared
from loglode.engines.duckdb.session import connect
from loglode.errors import AccessDeniedError, QueryError, SourceNotFoundError, StorageError, UsageError
from loglode.operations import RunReport
from loglode.reports.query import relations
from loglode.settings import Settings
from loglode.sources import raw
from loglode.sources.listing import on_s3 as as_listed


def on_s3(**changes: Any) -> Settings:
    return Settings.build(lake=LAKE, threads=1, **changes)


def run(*sources: str, **changes: Any) -> RunReport:
    report = operations.run(on_s3(**changes), sources)
    assert report.failed == []
    verified = operations.verify(on_s3())
    assert verified.is_ok, [check for check in verified.checks if not check.is_ok]
    return report


def test_a_lake_on_s3_equals_one_on_disk(s3: Any, tmp_path: Path, logs: list[Path], lake: Path) -> None:
    for path in logs:
        s3.upload_file(str(path), BUCKET, f"bronze/{path.name}")
    report = run(f"s3://{BUCKET}/bronze/", correlation_id="from-the-event")
    assert report.objects == len(logs)
    load(lake, *logs)
    copy = fetched(s3, tmp_path / "copy")
    for name in ("silver/web_logs", "quarantine/web_logs", "gold/daily_metrics", "gold/sessions"):
        assert rows(copy, name, without=LINEAGE) == rows(lake, name, without=LINEAGE)
    assert {row["correlation_id"] for row in table(copy, BY_BATCH[0])} == {"from-the-event"}
    assert not list((tmp_path / "staging").iterdir())


def test_again_and_more(s3: Any) -> None:
    put(s3, "bronze/one.json", records(50))
    put(s3, "bronze/two.json.gz", records(50, first=10_000), zipped=True)
    put(s3, "bronze/_hidden/three.json", records(5, first=90_000))
    assert run(f"s3://{BUCKET}/bronze/").rows_silver == 100
    again = run(f"s3://{BUCKET}/bronze/")
    assert (again.objects, again.objects_skipped) == (0, 2)
    # The same content put again is the same state; other content is another.
    put(s3, "bronze/one.json", records(50))
    assert run(f"s3://{BUCKET}/bronze/one.json").objects == 0
    put(s3, "bronze/one.json", records(50) + records(7, first=500_000))
    grown = run(f"s3://{BUCKET}/bronze/one")
    assert (grown.rows_silver, grown.duplicates) == (7, 50)
    count = operations.query(on_s3(), "select count(*) from web_logs")
    assert count.rows() == [(107,)]
    found = operations.status(on_s3()).as_dict()
    assert found["lake"] == LAKE and found["totals"]["rows_silver"] == 107


def test_each_byte_of_an_object_is_fetched_once(s3: Any) -> None:
    """One request for a small object; the first MiB and the rest of a large one."""
    put(s3, "bronze/small.json", records(5))
    put(s3, "bronze/large.json", records(12_000, first=10_000, step=1))
    size = s3.head_object(Bucket=BUCKET, Key="bronze/large.json")["ContentLength"]
    assert 2 << 20 < size < 9 << 20
    asked: list[tuple[str, str]] = []

    def note(params: dict[str, str], **_: Any) -> None:
        if params["Key"].startswith("bronze/"):
            asked.append((params["Key"], params["Range"]))

    sdk.client("s3").meta.events.register("provide-client-params.s3.GetObject", note)
    sdk.client("s3").meta.events.register("provide-client-params.s3.HeadObject", note)
    assert run(f"s3://{BUCKET}/bronze/").rows_silver == 12_005
    assert sorted(asked) == [
        ("bronze/large.json", "bytes=0-1048575"),
        ("bronze/large.json", f"bytes=1048576-{size - 1}"),
        ("bronze/small.json", f"bytes=0-{s3.head_object(Bucket=BUCKET, Key='bronze/small.json')['ContentLength'] - 1}"),
    ]  # fmt: skip


def test_an_object_that_is_replaced_while_it_is_read_is_not_loaded_in_two_states(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3, "bronze/large.json", records(12_000, step=1))
    fetch = storage.read_range

    def fetch_then_replace(path: storage.S3Path, etag: str, version: str, *, start: int, size: int) -> bytes:
        data = fetch(path, etag, version, start=start, size=size)
        if start == 0:
            put(s3, "bronze/large.json", records(12_000, step=2))
        return data

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(raw, "read_range", fetch_then_replace)
        report = operations.load_objects(on_s3(), [as_listed(f"s3://{BUCKET}/bronze/large.json")])
    assert report.ledger.kinds == {"Changed": 1} and report.rows_silver == 0
    assert run(f"s3://{BUCKET}/bronze/").rows_silver == 12_000


@pytest.mark.slow
def test_a_full_disk_loses_nothing(s3: Any, tmp_path: Path) -> None:
    """A disk that really is full: a small one of its own for the process."""
    small = tmp_path / "small"
    small.mkdir()
    mount = f"mount -t tmpfs -o size=300k none {small}"
    if subprocess.run(
        ["/usr/bin/unshare", "-rm", "sh", "-c", mount], capture_output=True, check=False
    ).returncode:
        pytest.skip("this system lets nobody mount a disk")
    noise = random.Random(3)
    lines = [{**r, "path": f"/{noise.randbytes(400).hex()}"} for r in records(12_000, step=1)]
    put(s3, "bronze/large.json.gz", lines, zipped=True)
    put(s3, "bronze/small.json", records(5, first=90_000))
    command = f"{sys.executable} -m loglode run s3://{BUCKET}/bronze/ --lake {LAKE} --threads 1"
    done = subprocess.run(
        ["/usr/bin/unshare", "-rm", "sh", "-c", f"{mount} && exec {command}"],
        env={**os.environ, "LOGLODE_STAGING": str(small), "TMPDIR": str(small)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert "space" in done.stderr, done.stderr
    run(f"s3://{BUCKET}/bronze/")
    assert operations.query(on_s3(), "select count(*) from web_logs").rows() == [(12_005,)]


def test_what_is_written_is_encrypted(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kms = boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.close()
    monkeypatch.setenv("LOGLODE_KMS_KEY", key)
    put(s3, "bronze/one.json", records(5))
    run(f"s3://{BUCKET}/bronze/")
    for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix="lake/")["Contents"]:
        head = s3.head_object(Bucket=BUCKET, Key=entry["Key"])
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key), entry["Key"]


def test_a_query_reads_the_lake_and_shows_no_secret(s3: Any) -> None:
    put(s3, "bronze/one.json", records(5))
    put(s3, "lakes/other.json", records(5))
    run(f"s3://{BUCKET}/bronze/")
    for elsewhere in ("bronze/one.json", "lakes/other.json"):
        with pytest.raises(QueryError):
            operations.query(on_s3(), f"select * from read_text('s3://{BUCKET}/{elsewhere}')")
    with pytest.raises(QueryError, match="duckdb_secrets"):
        operations.query(on_s3(), "select * from duckdb_secrets()")


S3_WAYS_OUT = [
    "from read_text('s3://{bucket}/bronze/one.json')",
    "from read_parquet('s3://{bucket}/lake/quarantine/**')",
    "from 's3://{bucket}/lakes/other.csv'",
    "from glob('s3://{bucket}/**')",
    "from read_json('s3://{bucket}/lake/silver/web_logs/_delta_log/00000000000000000000.json')",
    "copy runs to 's3://{bucket}/out.csv'",
    "attach 's3://{bucket}/x.db'",
    "from which_secret('s3://{bucket}/x', 's3')",
    "create secret x (type s3)",
    "set s3_endpoint = 'elsewhere'",
    "select current_setting('s3_secret_access_key')",
    "load httpfs",
]


def test_no_way_leads_out_of_a_lake_on_s3(s3: Any, tmp_path: Path) -> None:
    put(s3, "bronze/one.json", records(5))
    s3.put_object(Bucket=BUCKET, Key="lakes/other.csv", Body=b"a,b\n1,2\n")
    run(f"s3://{BUCKET}/bronze/")
    for way in S3_WAYS_OUT:
        with pytest.raises(QueryError):
            operations.query(on_s3(), way.format(bucket=BUCKET), only=["runs"])
    # Without the check of the statement, the connection opens nothing else either.
    connection = connect(memory_limit_mb=200, threads=1, temp_dir=tmp_path)
    _prepared(
        connection, Statement("from runs", ["runs"]), list(relations(open_lake(on_s3()), only=["runs"]))
    )
    for place in (
        "bronze/one.json",
        "lakes/other.csv",
        "lake/silver/web_logs/_delta_log/00000000000000000000.json",
    ):
        with pytest.raises(duckdb.PermissionException):
            connection.execute(f"from read_text('s3://{BUCKET}/{place}')")
    assert connection.execute("select count(*) from runs").fetchall() == [(1,)]


def test_what_goes_wrong_is_named(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(s3, "bronze/one.json", records(5))
    with pytest.raises(SourceNotFoundError, match="bronze/none"):
        operations.run(on_s3(), [f"s3://{BUCKET}/bronze/none"])
    with pytest.raises(StorageError, match="NoSuchBucket"):
        operations.run(on_s3(), ["s3://no-such-bucket/"])
    with pytest.raises(StorageError, match="ResourceNotFound"):
        operations.run(on_s3(key_secret="loglode/other"), [f"s3://{BUCKET}/bronze/"])  # noqa: S106 - a name
    with pytest.raises(UsageError, match="s3:///x"):
        Settings.build(lake="s3:///x")
    monkeypatch.delenv("LOGLODE_KEY_SECRET")
    with pytest.raises(UsageError, match="pseudonymisation key"):
        operations.run(on_s3(), [f"s3://{BUCKET}/bronze/"])


def test_an_object_that_goes_while_it_is_read_is_told(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(s3, "bronze/gone.json", records(5))
    put(s3, "bronze/stays.json", records(5, first=1000))
    listed = storage.list_objects

    def list_then_delete(*words: Any, **named: Any) -> Iterator[storage.S3Object]:
        found = list(listed(*words, **named))
        s3.delete_object(Bucket=BUCKET, Key="bronze/gone.json")
        return iter(found)

    monkeypatch.setattr(sys.modules["loglode.sources.listing"], "list_objects", list_then_delete)
    report = operations.run(on_s3(), [f"s3://{BUCKET}/bronze/"])
    assert report.rows_silver == 5
    assert len(report.failed) == 1 and "bronze/gone.json" in report.failed[0]


WRITERS = 8


@pytest.mark.slow
def test_eight_processes_write_one_lake(s3: Any) -> None:
    """A storm of commits on silver and quarantine: nobody's rows are lost, nobody's are there twice."""
    for number in range(WRITERS):
        # All share the first five events, and bring three of their own.
        lines = [*records(5), *records(3, first=50_000 + 600 * number), f"broken {number}"]
        put(s3, f"bronze/{number}.json", lines)
    variables = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "LOGLODE_"))}
    writers = [
        start_on_s3(LAKE, f"s3://{BUCKET}/bronze/{number}.json", variables) for number in range(WRITERS)
    ]
    for writer in writers:
        writer.join(300)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    operations.update_gold(on_s3())
    verified = operations.verify(on_s3())
    assert verified.is_ok, [check for check in verified.checks if not check.is_ok]
    asked = "select (select count(*) from web_logs), (select count(*) from quarantine), count(*) from runs"
    assert operations.query(on_s3(), asked).rows() == [(5 + 3 * WRITERS, WRITERS, WRITERS)]
    requests = operations.query(on_s3(), "select sum(requests) from daily_metrics")
    assert requests.rows() == [(5 + 3 * WRITERS,)]


def test_no_credentials(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    del s3
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    sdk.forget()
    with pytest.raises(AccessDeniedError):
        operations.status(on_s3())


def test_settings_tell_a_lake_of_each_kind(tmp_path: Path) -> None:
    assert settings(tmp_path / "lake").lake == tmp_path / "lake"
    assert Settings.build(lake="s3://bucket").lake == storage.S3Path("bucket")


def test_upkeep_on_s3(s3: Any) -> None:
    for number in range(4):
        put(s3, f"bronze/{number}.json", records(5, first=1000 * number))
        operations.run(on_s3(), [f"s3://{BUCKET}/bronze/{number}.json"])
    report = operations.maintain(on_s3(), keep_hours=0, is_forced=True)
    silver = next(table for table in report.tables if table.name == "web_logs")
    assert (silver.files_before, silver.files_after) == (4, 1)
    assert operations.verify(on_s3()).is_ok
    held = s3.list_objects_v2(Bucket=BUCKET, Prefix="lake/silver/web_logs/year=")["Contents"]
    assert len(held) == 1


def test_names_of_prefixes_above_a_lake_are_no_columns(s3: Any) -> None:
    key = put(s3, "bronze/a.json", [*records(3), "broken"])
    lake = Settings.build(lake=f"s3://{BUCKET}/status=500/country=DE/year=1999/lake", threads=1)
    assert operations.run(lake, [f"s3://{BUCKET}/{key}"]).rows_silver == 3
    assert operations.verify(lake).is_ok
    found = operations.query(lake, "select status, country, year, count(*) from web_logs group by all").rows()
    assert found == [(200, None, 2026, 3)]


def test_a_store_that_ignores_conditional_writes_is_refused(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked once: when the lake is made."""
    put(s3, "bronze/a.json", records(3))
    true = storage.S3Path.create
    asked: list[str] = []

    def create(path: storage.S3Path, data: bytes) -> bool:
        asked.append(path.key)
        return true(path, data)

    with monkeypatch.context() as careless:
        careless.setattr(storage.S3Path, "create", lambda path, data: path.write_bytes(data) or True)
        with pytest.raises(StorageError, match="ignores conditional writes"):
            run(f"s3://{BUCKET}/bronze/")
    monkeypatch.setattr(storage.S3Path, "create", create)
    run(f"s3://{BUCKET}/bronze/")
    assert asked.count("lake/ops/_conditional_writes") == 2
    put(s3, "bronze/b.json", records(3, first=9_000))
    run(f"s3://{BUCKET}/bronze/")
    assert asked.count("lake/ops/_conditional_writes") == 2
