"""The steps of the state machine that run in Lambda with the embedded engine.

`step` is bronze_to_silver, quality_gate or silver_to_gold. Each may be repeated: what is committed is
committed once, and a function that is ended by its timeout leaves nothing half done.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from loglode import pipeline
from loglode.errors import SourceError, UsageError
from loglode.pipeline.manifest import read_manifest
from loglode.settings import Settings

# The embedded engine gets this share of the function's memory; Python and Arrow take the rest.
MEMORY_SHARE = 0.5
# Staged files and one object at a time lie on the disk; what the engine spills as well.
DISK_SHARE = 0.25

logger = Logger(service="loglode-transform")
metrics = Metrics(namespace="Loglode", service="transform")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Do one step. Raises LoglodeError; the state machine tells by its class what may be repeated."""
    logger.set_correlation_id(event["correlation_id"])
    settings = Settings.build(
        lake=os.environ["LOGLODE_LAKE"],
        memory_limit_mb=int(int(context.memory_limit_in_mb) * MEMORY_SHARE),
        correlation_id=event["correlation_id"],
    )
    match event.get("step"):
        case "bronze_to_silver":
            result = bronze_to_silver(settings, event["manifest"])
        case "quality_gate":
            result = quality_gate(settings)
        case "silver_to_gold":
            result = {"gold_days": pipeline.update_gold(settings)}
        case other:
            raise UsageError(f"no step {other!r}", hint="bronze_to_silver, quality_gate, silver_to_gold")
    logger.info("step done", extra={"step": event["step"], "batch_id": event["batch_id"], "result": result})
    return result


def bronze_to_silver(settings: Settings, manifest: str) -> dict[str, Any]:
    """Load the manifest's objects, or say that they are too large for this function."""
    objects = read_manifest(manifest)
    room = shutil.disk_usage(tempfile.gettempdir()).free * DISK_SHARE
    if sum(o.size for o in objects) > room:
        return {"is_too_large": True}
    report = pipeline.load_objects(settings, objects)
    if report.failed:
        # The others are committed; a repetition skips them.
        raise SourceError(f"{len(report.failed)} objects failed, the first: {report.failed[0]}")
    metrics.add_metric("LinesRead", MetricUnit.Count, report.lines_read)
    metrics.add_metric("LinesQuarantined", MetricUnit.Count, report.lines_quarantined)
    metrics.flush_metrics()
    return {"is_too_large": False, "rows_silver": report.rows_silver, "lines_read": report.lines_read}


def quality_gate(settings: Settings) -> dict[str, Any]:
    """The refused share of all that this execution has loaded, in however many attempts."""
    found = pipeline.quality_gate(settings, settings.correlation_id)
    return {"refused_share": found.refused_share, "is_acceptable": found.is_acceptable}
