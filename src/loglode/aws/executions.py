"""Starting the state machine on AWS with a batch: what the trigger does, and who replays one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence

from loglode.aws.manifest import read_manifest
from loglode.errors import UsageError
from loglode.sdk import call, client
from loglode.sources import SourceObject
from loglode.storage import S3Path


def start_execution(
    machine: str,
    name: str,
    manifest: S3Path,
    objects: Sequence[SourceObject],
    *,
    batch: str,
    correlation: str,
) -> bool:
    """Start an execution; False when there was one of that name. Raises StorageError."""
    given = {
        "batch_id": batch,
        "correlation_id": correlation,
        "manifest": str(manifest),
        "objects": len(objects),
        "bytes": sum(o.size for o in objects),
    }
    states = client("stepfunctions")
    with call(f"state machine {machine}"):
        try:
            states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(given))
        except states.exceptions.ExecutionAlreadyExists:
            return False
    return True


def replay_batch(batch: str, manifests: str, machine: str) -> str:
    """Start a batch anew, under a new name, which is returned.

    Raises UsageError, StorageError, SourceError.
    """
    if not batch.isalnum():
        raise UsageError(f"{batch!r} is no batch", hint="40 hexadecimal digits, as alerts name it")
    manifest = S3Path.parse(manifests) / f"{batch}.json"
    # Loading checks again that all of them lie in bronze; here their bytes alone matter.
    objects = read_manifest(str(manifest), manifests=manifests, bronze=f"s3://{manifest.bucket}")
    correlation = str(uuid.uuid4())
    name = f"{batch}-{correlation[:8]}"
    start_execution(machine, name, manifest, objects, batch=batch, correlation=correlation)
    return name
