"""The steps of the state machine that run in Lambda with the embedded engine, and the lake's maintenance.

`step` is bronze_to_silver, quality_gate, silver_to_gold or finish; a schedule sends maintain. Each may be
repeated: what is committed is committed once, and a function that is ended by its timeout leaves nothing
half done.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambda_functions.catalog import is_behind
from lambda_functions.logged import logged
from loglode import operations
from loglode.aws.manifest import read_manifest
from loglode.errors import UsageError
from loglode.metrics import SERVICE, Step, embedded
from loglode.settings import MIN_MEMORY_MB, Settings
from loglode.sources import SourceObject

# The embedded engine gets this share of the function's memory; Python and Arrow take the rest.
MEMORY_SHARE = 0.5
# A batch's staged files and the first bytes of its objects are on the disk, and what the engine spills.
DISK_SHARE = 0.25
# Lines are bytes that were compressed; what has to fit is measured unpacked. One commit each.
BATCH_BYTES = 256 << 20
# Measured (docs/cost.md): 257 MB before the first line, 754 MB at the peak of an object of 860 MB of lines,
# and no more with larger ones, because the engine has its limit and lines are streamed.
MEMORY_BASE, MEMORY_MOST = 300 << 20, 800 << 20
# What a compressed object is taken to unpack to, and how many bytes of lines are done in a second at least.
COMPRESSED_FACTOR = 10
COMPRESSED_NAMES = (".gz", ".zst", ".zstd")
BYTES_A_SECOND = 5 << 20
# A batch is begun when twice the time that the slowest one took is left, and this at least.
RESERVE_SECONDS = 30.0

_log = logging.getLogger("loglode.transform")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Do one step. Raises LoglodeError; the state machine decides by its class what to repeat."""
    ids = {name: str(event.get(name, "")) for name in ("correlation_id", "step")}
    with logged("transform", execution_batch=event.get("batch_id", ""), **ids):
        result = _do(event, context)
        _log.info("step done", extra={"counts": {k: v for k, v in result.items() if not isinstance(v, str)}})
    return result


def _do(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    settings = Settings.build(
        lake=os.environ["LOGLODE_LAKE"],
        # A function that is too small for the least of the engine answers so for each batch (`_fits`).
        memory_limit_mb=max(MIN_MEMORY_MB, int(int(context.memory_limit_in_mb) * MEMORY_SHARE)),
        correlation_id=event["correlation_id"],
        batch_bytes=BATCH_BYTES,
    )
    match event.get("step"):
        case "bronze_to_silver":
            result = bronze_to_silver(settings, event["manifest"], context)
        case "quality_gate":
            result = quality_gate(settings)
        case "silver_to_gold":
            result = {"gold_days": operations.update_gold(settings)}
        case "finish":
            result = finish(settings)
        case "maintain":
            result = {"tables": len(operations.maintain(settings).tables)}
        case other:
            hint = "bronze_to_silver, quality_gate, silver_to_gold, finish, maintain"
            raise UsageError(f"no step {other!r}", hint=hint)
    return result


def bronze_to_silver(settings: Settings, manifest: str, context: LambdaContext) -> dict[str, Any]:
    """Load the manifest's objects. `outcome` is done, unfinished (call again) or too_large (for Glue)."""
    places = {"manifests": os.environ["LOGLODE_MANIFESTS"], "bronze": os.environ["LOGLODE_BRONZE"]}
    objects = read_manifest(manifest, **places)
    if not _fits(objects, context):
        return {"outcome": "too_large"}
    report = operations.load_objects(settings, objects, may_go_on=_clock(context))
    error = report.ledger.error
    # Objects that failed do not keep the others from being loaded; the call that leaves none reports them.
    if error and not (report.objects_left and report.objects):
        raise error
    outcome = "unfinished" if report.objects_left else "done"
    return {"outcome": outcome, "rows_silver": report.rows_silver, "lines_read": report.lines_read}


def _fits(objects: Sequence[SourceObject], context: LambdaContext) -> bool:
    """Whether time and disk suffice for the largest object beside a batch's files, and memory for a batch."""
    weights = [o.size * (COMPRESSED_FACTOR if o.uri.endswith(COMPRESSED_NAMES) else 1) for o in objects]
    largest = max(weights, default=0)
    batch = max(largest, min(sum(weights), BATCH_BYTES))
    memory = int(context.memory_limit_in_mb) << 20
    room = shutil.disk_usage(tempfile.gettempdir()).free * DISK_SHARE
    seconds = context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS
    return (
        min(MEMORY_BASE + batch, MEMORY_MOST) <= memory
        and max(largest, BATCH_BYTES) <= room
        and largest <= seconds * BYTES_A_SECOND
    )


def _clock(context: LambdaContext) -> Callable[[], bool]:
    """A function to call before each batch except the first: whether there is time for another."""
    slowest, before = 0.0, time.monotonic()

    def is_time_left() -> bool:
        nonlocal slowest, before
        now = time.monotonic()
        slowest, before = max(slowest, now - before), now
        return context.get_remaining_time_in_millis() / 1000 > max(RESERVE_SECONDS, 2 * slowest)

    return is_time_left


def quality_gate(settings: Settings) -> dict[str, Any]:
    """The refused share of all that this execution has loaded, in however many attempts."""
    found = operations.quality_gate(settings, settings.correlation_id)
    emit(settings, Step.SILVER)  # here, since both engines come by, and a batch that fails here counts too
    return {"refused_share": found.refused_share, "is_acceptable": found.is_acceptable}


def finish(settings: Settings) -> dict[str, Any]:
    """What comes after gold's commits, whichever engine made them: whether the catalog knows all tables."""
    emit(settings, Step.GOLD)
    database = os.environ.get("LOGLODE_CATALOG", "")
    return {"is_catalog_behind": bool(database) and is_behind(settings, database)}


def emit(settings: Settings, step: Step) -> None:
    """Write a line in CloudWatch's embedded metric format, of what this execution has not sent yet."""
    values = operations.new_measurements(settings, step)
    if values:
        now_ms = int(time.time() * 1000)
        line = embedded(values, service=SERVICE, lake=str(settings.lake), timestamp_ms=now_ms)
        sys.stdout.write(json.dumps(line) + "\n")
