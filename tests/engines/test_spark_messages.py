"""What Spark's long errors come down to."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

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
