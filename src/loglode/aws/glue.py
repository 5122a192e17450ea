"""AWS Glue around the pipeline: a job's arguments, its Spark and its bookmark. Alone imports awsglue.

docs/engines.md describes the arguments. What a job did goes to standard output as one JSON object;
an error ends it with one line, and the bookmark stays where it was.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark import SparkContext

from loglode import logs
from loglode.aws.backlog import Backlog, backlog
from loglode.aws.manifest import read_manifest
from loglode.errors import LoglodeError, UsageError
from loglode.pipeline.run import load_objects, update_gold
from loglode.settings import Settings
from loglode.storage import KMS_VARIABLE, S3Path

_log = logging.getLogger(__name__)
_REQUIRED = ("JOB_NAME", "lake")
_OPTIONAL = (
    "key_secret", "kms_key", "contract", "correlation_id", "batch_id", "manifest", "manifests", "bronze",
    "since", "openlineage",
)  # fmt: skip
_BOOKMARK_OPTION, _BOOKMARK_ON = "--job-bookmark-option", "job-bookmark-enable"
# The bookmark's name for the objects of bronze; another name would be another bookmark.
_BOOKMARK = "bronze"
_FILE = "_file"


class GlueJob:
    """A run of a job: its arguments and its bookmark."""

    def __init__(self, argv: Sequence[str]) -> None:
        given = [
            name for name in _OPTIONAL if any(w == f"--{name}" or w.startswith(f"--{name}=") for w in argv)
        ]
        self.arguments: dict[str, str] = getResolvedOptions(list(argv), [*_REQUIRED, *given])
        self.has_bookmark = (_BOOKMARK_OPTION, _BOOKMARK_ON) in pairwise(argv)
        self._glue = GlueContext(SparkContext.getOrCreate())
        self._job = Job(self._glue)
        self._job.init(self.arguments["JOB_NAME"], self.arguments)

    def settings(self, folder: Path) -> Settings:
        """Settings of the lake; `folder` takes a copy of the contract. Raises UsageError, StorageError."""
        given = self.arguments
        if given.get("kms_key"):
            os.environ[KMS_VARIABLE] = given["kms_key"]
        contract = None
        if given.get("contract"):
            contract = folder / "contract.yaml"
            contract.write_bytes(S3Path.parse(given["contract"]).read_bytes())
        return Settings.build(
            lake=given["lake"],
            contract=contract,
            key_secret=given.get("key_secret"),
            correlation_id=given.get("correlation_id"),
            openlineage=given.get("openlineage"),
            engine="spark",
        )

    def places(self) -> dict[str, str]:
        """Where manifests and the objects that they list must lie. Raises UsageError."""
        given = {name: self.arguments.get(name, "") for name in ("manifests", "bronze")}
        if not all(given.values()):
            raise UsageError("--manifest needs --manifests and --bronze", hint="Terraform sets both")
        return given

    def backlog(self, settings: Settings) -> Backlog:
        """What bronze holds and silver does not. Raises UsageError, StorageError."""
        bronze = self.arguments.get("bronze")
        if not bronze:
            raise UsageError("neither --manifest nor --bronze is given", hint="--bronze s3://bucket/bronze/")
        return backlog(
            settings,
            bronze,
            since=_instant(self.arguments.get("since")),
            named=self._named if self.has_bookmark else None,
        )

    def _named(self, bronze: str) -> set[str]:
        """URIs of the objects that the bookmark calls new, which Glue returns only by reading them."""
        frame = self._glue.create_dynamic_frame.from_options(
            connection_type="s3",
            connection_options={"paths": [bronze], "recurse": True, "groupFiles": "none"},
            format="csv",
            format_options={"separator": "\x01", "quoteChar": -1, "attachFilename": _FILE},
            transformation_ctx=_BOOKMARK,
        ).toDF()
        if _FILE not in frame.columns:
            return set()
        return {row[_FILE] for row in frame.select(_FILE).distinct().collect()}

    def commit(self) -> None:
        """Move the bookmark; call it when the tables are committed."""
        self._job.commit()


def bronze_to_silver(job: GlueJob, settings: Settings) -> dict[str, Any]:
    """Load the manifest's objects, or all that is new below bronze. Raises LoglodeError."""
    manifest, ignored = job.arguments.get("manifest"), 0
    if manifest:
        objects = read_manifest(manifest, **job.places())
    else:
        found = job.backlog(settings)
        objects, ignored = found.objects, found.ignored
    report = load_objects(settings, objects)
    if error := report.ledger.error:
        raise error  # the others are committed; a repetition skips them
    return {**report.as_dict(), "objects_ignored": ignored}


def silver_to_gold(job: GlueJob, settings: Settings) -> dict[str, Any]:
    """Bring gold to silver's newest version. Raises LoglodeError."""
    del job
    return {"gold_days": update_gold(settings)}


def main(step: Callable[[GlueJob, Settings], dict[str, Any]], argv: Sequence[str]) -> None:
    """Do a step as a job of Glue. Ends the process with one line when it fails."""
    logs.configure("glue", form="json")
    try:
        with tempfile.TemporaryDirectory(prefix="loglode-job-") as folder:
            job = GlueJob(argv)
            done = _do(step, job, Path(folder))
        job.commit()
    except LoglodeError as error:
        raise SystemExit(f"error: {error.message}" + (f" ({error.hint})" if error.hint else "")) from error
    # The state machine's batch is one list of objects; what it is cut into has ids of its own.
    known = {"correlation_id": "correlation_id", "batch_id": "execution_batch"}
    ids = {key: job.arguments[name] for name, key in known.items() if name in job.arguments}
    sys.stdout.write(json.dumps({**ids, **done}) + "\n")


def _do(step: Callable[[GlueJob, Settings], dict[str, Any]], job: GlueJob, folder: Path) -> dict[str, Any]:
    given = job.arguments
    ids = {"correlation_id": given.get("correlation_id", ""), "execution_batch": given.get("batch_id", "")}
    with logs.bound(step=step.__name__, **ids):
        try:
            done = step(job, job.settings(folder))
        except LoglodeError as error:
            _log.error(error.message, extra={"error": type(error).__name__, "hint": error.hint})
            raise
        counts = {name: value for name, value in done.items() if isinstance(value, int | float)}
        _log.info("step done", extra={"counts": counts})
    return done


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--since {text!r} is not a time", hint="ISO 8601, such as 2026-11-01") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
