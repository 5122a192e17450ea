"""The main job: plan, bronze to silver batch by batch, then silver to gold."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence

from loglode import logs
from loglode.batches.effects import BatchRecord, settle
from loglode.batches.plan import Batch, cut_batches, new_objects
from loglode.context import Context, open_context, open_lake
from loglode.engines.base import Progress
from loglode.errors import BooksError, CommitConflictError, SourceError
from loglode.formats import named_format
from loglode.gold.silver_to_gold import gold_is_current, silver_to_gold
from loglode.loading.bronze_to_silver import OnFailure, OverlapError, bronze_to_silver
from loglode.loading.report import RunReport
from loglode.metrics import Step
from loglode.settings import Settings
from loglode.sources import SourceObject, discover
from loglode.telemetry.emitting import is_left_over
from loglode.telemetry.steps import load_step

MAX_REPLANS = 20
_log = logging.getLogger(__name__)


def run(
    settings: Settings,
    sources: Sequence[str],
    *,
    format: str = "auto",
    progress: Progress | None = None,
) -> RunReport:
    """Load what the sources name into the lake. Objects loaded before are skipped.

    Raises UsageError for sources or a format that do not exist, LakeError, BooksError. Objects that
    cannot be read do not stop the others; they are named in the report's `failed`.
    """
    started = time.perf_counter()
    report = RunReport()
    named_format(format)
    objects = discover(sources)
    lake = open_lake(settings)
    fresh = new_objects(lake, objects)
    report.objects_skipped = len(objects) - len(fresh)
    if fresh or not gold_is_current(lake) or is_left_over(settings, lake):
        with open_context(settings, progress, lake) as context:
            with logs.bound(step=Step.SILVER):
                _load(context, fresh, format, report)
                if lake.silver.exists:
                    settle(lake, lake.silver.snapshot())
                _look_at_refused(settings, report)
            if lake.silver.exists:
                report.gold_days = len(silver_to_gold(context))
    report.seconds = time.perf_counter() - started
    return report


def _look_at_refused(settings: Settings, report: RunReport) -> None:
    """Say so where the quality gate of the state machine would stop. Here somebody looks on: gold follows."""
    limit = settings.refused_limit
    share = report.lines_quarantined / report.lines_read if report.lines_read else 0.0
    if share > limit:
        counts = {"lines_read": report.lines_read, "lines_quarantined": report.lines_quarantined}
        hint = "`loglode quarantine list` shows them with their reasons"
        text = f"{share:.0%} of the lines were refused, above the contract's limit of {limit:.0%}"
        _log.warning(text, extra={"counts": counts, "hint": hint})


def load_objects(
    settings: Settings,
    objects: Sequence[SourceObject],
    *,
    format: str = "auto",
    may_go_on: Callable[[], bool] | None = None,
) -> RunReport:
    """Bronze to silver alone, of objects in the states given. Raises as `run`.

    `may_go_on` is asked before each batch but the first; what is left then is told in `objects_left`.
    """
    report = RunReport()
    lake = open_lake(settings)
    fresh = new_objects(lake, objects)
    report.objects_skipped = len(objects) - len(fresh)
    with open_context(settings, lake=lake) as context, logs.bound(step=Step.SILVER):
        _load(context, fresh, format, report, may_go_on)
        if lake.silver.exists:
            settle(lake, lake.silver.snapshot())
    told = report.objects + report.objects_skipped + report.objects_left + len(report.failed)
    if told != len(objects):
        raise BooksError(
            f"{len(objects)} objects were given, {told} are loaded, skipped, left or failed",
            hint="this is a defect of Loglode; please report it with the list of objects",
        )
    return report


def update_gold(settings: Settings) -> int:
    """Silver to gold alone; returns how many days were computed anew. Raises LakeError."""
    lake = open_lake(settings)
    if not lake.silver.exists or (gold_is_current(lake) and not is_left_over(settings, lake)):
        return 0
    with open_context(settings, lake=lake) as context:
        return len(silver_to_gold(context))


def _load(
    context: Context,
    objects: list[SourceObject],
    wanted_format: str,
    report: RunReport,
    may_go_on: Callable[[], bool] | None = None,
) -> None:
    def failed(source: SourceObject, error: SourceError) -> None:
        told = {"object": source.display_uri, "error": type(error).__name__, "hint": error.hint}
        _log.error(error.message, extra=told)
        report.failed.append(f"{source.display_uri}: {error.message}")

    skipped, is_first = report.objects_skipped, True
    for batch in cut_batches(
        objects,
        wanted_format=wanted_format,
        batch_bytes=context.settings.batch_bytes,
        on_failure=failed,
    ):
        if report.objects_left or not (is_first or may_go_on is None or may_go_on()):
            report.objects_left += len(batch.objects)
            continue
        is_first = False
        with logs.bound(batch_id=batch.batch_id):
            record = _load_batch(context, batch, skipped, report, failed)
        if record is not None:
            _add(report, record)
            skipped = 0  # told once, with the first batch


def _load_batch(
    context: Context, batch: Batch, skipped: int, report: RunReport, on_failure: OnFailure
) -> BatchRecord | None:
    """Load a batch, as a step of its own."""
    with load_step(context.emitter, context.lake, batch) as step:
        step.record = _load_rest(context, batch, skipped, report, on_failure, step.run_id)
        return step.record


def _load_rest(
    context: Context, batch: Batch, skipped: int, report: RunReport, on_failure: OnFailure, run_id: str
) -> BatchRecord | None:
    """Load a batch; where others took some of its objects meanwhile, what is left of it."""
    failed_before = len(report.failed)
    for _ in range(MAX_REPLANS):
        try:
            record = bronze_to_silver(
                context, batch, objects_skipped=skipped, on_failure=on_failure, run_id=run_id
            )
        except OverlapError:
            left = {o.identity for o in new_objects(context.lake, [p.source for p in batch.objects])}
            report.objects_skipped += len(batch.objects) - len(left)
            batch = Batch(tuple(p for p in batch.objects if p.source.identity in left))
            if not batch.objects:
                return None
            continue
        if record is None:
            report.objects_skipped += len(batch.objects) - len(report.failed) + failed_before
        return record
    raise CommitConflictError(
        f"batch {batch.batch_id}: other writers kept loading its objects",
        hint="run again; nothing was lost",
    )


def _add(report: RunReport, record: BatchRecord) -> None:
    run = record.run
    report.batch_id = run["batch_id"]
    report.batches.append(run["batch_id"])
    for name in (
        "objects",
        "lines_read",
        "rows_silver",
        "lines_quarantined",
        "duplicates",
        "blank_lines",
        "bytes_read",
    ):
        setattr(report, name, getattr(report, name) + run[name])
    report.days |= set(record.days)
    report.reasons.update(json.loads(run["reasons"]))
    report.warnings.update(json.loads(run["warnings"]))
