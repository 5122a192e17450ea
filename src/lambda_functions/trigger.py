"""New objects in bronze start the state machine: one execution a batch, however often events come.

Takes S3's events through SQS, from S3 itself and from EventBridge. docs/aws.md describes the variables
it reads and the input of the state machine.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambda_functions.logged import logged
from loglode.aws.executions import start_execution
from loglode.aws.manifest import batch_name, write_manifest
from loglode.errors import LoglodeError
from loglode.sources import SourceObject
from loglode.sources.folders import is_hidden
from loglode.sources.listing import on_s3
from loglode.storage import S3Path

_log = logging.getLogger("loglode.trigger")


class MalformedEventError(ValueError):
    """A message that is no event of S3; after some deliveries it goes to the dead-letter queue."""


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Start an execution for the event's objects. Messages that cannot be read are reported singly."""
    with logged("trigger", step="trigger", correlation_id=context.aws_request_id):
        return _handle(event, context)


def _handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    found: dict[str, SourceObject] = {}

    def take(record: SQSRecord) -> None:
        try:
            for created in objects_of(json.loads(record.body)):
                found[created.identity] = created
        except (ValueError, LoglodeError) as error:
            _log.warning("a message comes back", extra={"error": type(error).__name__})
            raise

    if event.get("Records") and event["Records"][0].get("eventSource") == "aws:sqs":
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        answer: dict[str, Any] = dict(
            process_partial_response(event=event, record_handler=take, processor=processor, context=context)
        )
    else:
        answer = {}
        found = {created.identity: created for created in objects_of(event)}
    if found:
        answer["execution"] = start(list(found.values()), context.aws_request_id)
    return answer


def objects_of(event: Any) -> Iterator[SourceObject]:
    """Objects of bronze in an event. Raises MalformedEventError, StorageError."""
    for bucket, key, version in _created(event):
        below, facts = _below_bronze(bucket, key), {"object": f"s3://{bucket}/{key}"}
        if not below or key.endswith("/"):
            _log.info("not an object of bronze, dropped", extra=facts)
            continue
        if is_hidden(below):
            _log.warning("a name that begins with . or _, left out", extra=facts)
            continue
        # Without a version Loglode loads the content that is there now, whichever event named it.
        yield on_s3(f"s3://{bucket}/{key}", version)


def _created(event: Any) -> Iterator[tuple[str, str, str]]:
    """(bucket, key, version) of each object created, in every shape that S3 events come in."""
    match event:
        case {"Event": "s3:TestEvent"}:
            _log.info("test event of S3, dropped")
        case {"Records": [*records]}:
            for record in records:
                yield from _of_record(record)
        case {"detail-type": "Object Created", "detail": {"bucket": {"name": bucket}, "object": thing}}:
            yield bucket, thing["key"], thing.get("version-id", "")
        case _:
            raise MalformedEventError("no event of S3")


def _of_record(record: Any) -> Iterator[tuple[str, str, str]]:
    match record:
        case {"eventName": str(name), "s3": {"bucket": {"name": bucket}, "object": {"key": key, **rest}}}:
            if name.startswith("ObjectCreated:"):
                yield bucket, unquote_plus(key), str(rest.get("versionId", ""))
            else:
                _log.info("not a creation, dropped", extra={"object": f"s3://{bucket}/{key}"})
        case _:
            raise MalformedEventError("no record of S3")


def _below_bronze(bucket: str, key: str) -> str:
    """The key below bronze's; empty elsewhere: the lake's own tables never start a run."""
    bronze = S3Path.parse(os.environ["LOGLODE_BRONZE"])
    below = key.removeprefix(f"{bronze.key}/" if bronze.key else "")
    is_inside = bucket == bronze.bucket and (not bronze.key or below != key)
    return below if is_inside else ""


def start(objects: list[SourceObject], correlation_id: str) -> str:
    """Start the state machine, unless it has had this very batch; returns the execution's name."""
    name = batch_name(objects)
    manifest = write_manifest(S3Path.parse(os.environ["LOGLODE_MANIFESTS"]), objects)
    machine = os.environ["LOGLODE_STATE_MACHINE"]
    is_new = start_execution(machine, name, manifest, objects, batch=name, correlation=correlation_id)
    counts = {"objects": len(objects), "bytes": sum(o.size for o in objects)}
    message = "execution started" if is_new else "this batch was started before"
    _log.info(message, extra={"execution_batch": name, "counts": counts})
    return name
