"""Glue's crawler: the emulator's changes its state alone. Here it registers the lake's Delta tables."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import boto3
from moto import settings
from moto.glue import models
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
)

from local_aws.functions import environment
from local_aws.patching import wrap

# Long enough to meet one that runs already.
_SECONDS = 2.0


def patch() -> None:
    """Mends: a crawler finds nothing and never ends; its errors come as `glue.X`, where AWS says `Glue.X`."""
    wrap(models.FakeCrawler, "start_crawler", _starting)
    wrap(state_task_service_aws_sdk, "_SERVICE_ERROR_NAMES", lambda names: {**names, "glue": "Glue"})


def _starting(start: Callable[[Any], None]) -> Callable[[Any], None]:
    def start_crawler(crawler: Any) -> None:
        start(crawler)
        crawl = crawler.crawls[-1]
        crawl._transitions, crawl._status = [], "RUNNING"  # noqa: SLF001 - it ends when it is done
        threading.Timer(_SECONDS, _crawl, (crawler, crawl)).start()

    return start_crawler


def lake_of(table: str) -> str:
    """The lake that a table's folder `layer/name/` is in, or the lake itself."""
    return re.sub(r"/(silver|gold|ops)/\w+/?$", "", table)


def _crawl(crawler: Any, crawl: Any) -> None:
    lake = lake_of(crawler.targets["DeltaTargets"][0]["DeltaTables"][0])
    glue = boto3.client("glue", endpoint_url=f"http://127.0.0.1:{settings.moto_server_port()}")
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=crawler.database_name)
    known = {table["Name"] for page in pages for table in page["TableList"]}
    command = [sys.executable, "-m", "local_aws.crawl", lake]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    for name, columns in json.loads(done.stdout).items():
        described = [{"Name": column, "Type": "string"} for column in columns]
        table = {"Name": name, "StorageDescriptor": {"Columns": described}}
        write = glue.update_table if name in known else glue.create_table
        write(DatabaseName=crawler.database_name, TableInput=table)
    crawl._status = "COMPLETED"  # noqa: SLF001
