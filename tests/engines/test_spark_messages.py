"""What Spark's long errors come down to."""

from __future__ import annotations

import pickle
import socket
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from loglode import errors
from loglode.engines.spark import lines
from loglode.engines.spark.files import failed
from loglode.engines.spark.session import one_line

SOURCE = Path(__file__).parents[2] / "src"
TASK = """An error occurred while calling z:org.apache.spark.api.python.PythonRDD.collectAndServe.
: org.apache.spark.SparkException: Job aborted: Lost task 0.0 in stage 1.0 (TID 1) (host executor driver):
org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "/x/worker.py", line 1247, in main
    process()
  File "/x/files.py", line 48, in write_partitioned
    rows = connection.execute(
           ^^^^^^^^^^^^^^^^^^^
loglode.errors.LakeError: cannot write day=5: No space left on device

\tat org.apache.spark.api.python.BasePythonRunner$ReaderIterator.handlePythonException(PythonRunner.scala:572)
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TASK, "cannot write day=5: No space left on device"),
        ("An error occurred while calling o1.start.\n: java.lang.X: no threads\n\tat a.b(C.java:1)", "java.lang.X: no threads"),
        ("[TABLE_OR_VIEW_NOT_FOUND] t\n\nJVM stacktrace:\nx", "[TABLE_OR_VIEW_NOT_FOUND] t"),
    ],
)  # fmt: skip
def test_one_line_holds_the_cause(text: str, told: str) -> None:
    assert one_line(Exception(text)) == told


@pytest.mark.parametrize("name", ["LakeError", "StorageBusyError", "SourceError"])
def test_what_a_task_raises_keeps_its_class(name: str) -> None:
    assert type(failed("batch b", Exception(TASK.replace("LakeError", name)))) is getattr(errors, name)


@pytest.mark.parametrize("name", ["ValueError", "loglode.errors.annotations", "loglode.errors.NoSuchError"])
def test_what_is_no_error_of_ours_is_one_of_the_engine(name: str) -> None:
    text = TASK.replace("loglode.errors.LakeError", name)
    assert type(failed("batch b", Exception(text))) is errors.LoglodeError


def test_a_task_returns_its_error_as_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise errors.StorageBusyError("s3://b/k: AWS answers SlowDown", hint="try again later")

    monkeypatch.setattr(lines, "_stage", busy)
    outcome = pickle.loads(pickle.dumps(lines.stager(Mock())(pickle.dumps([]))))  # noqa: S301 - made here
    assert type(outcome) is errors.StorageBusyError
    assert (outcome.message, outcome.hint) == ("s3://b/k: AWS answers SlowDown", "try again later")


def test_a_full_disk_has_a_way_out() -> None:
    assert failed("batch b", Exception(TASK)).hint.startswith("make room")


def test_an_emulator_whose_port_is_taken_says_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        words = [sys.executable, "-m", "local_aws", "--port", str(taken.getsockname()[1])]
        done = subprocess.run(
            words,
            env={"PYTHONPATH": f"{SOURCE}:{SOURCE.parent}"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert "name another by --port" in done.stderr
