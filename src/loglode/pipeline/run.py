"""The main job: plan, bronze to silver batch by batch, then silver to gold."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from loglode import logs
from loglode.batches.effects import settle
from loglode.batches.ledger import Ledger
from loglode.batches.plan import Batch, Plan, new_objects
from loglode.batches.record import BatchRecord
from loglode.context import Context, open_context, open_lake
from loglode.engines.base import Progress
from loglode.errors import BooksError
from loglode.formats import named_format, own_format
from loglode.gold.plan import gold_is_current
from loglode.gold.silver_to_gold import GoldReport, silver_to_gold
from loglode.lake import Lake
from loglode.lake.layout import folders_of
from loglode.loading.bronze_to_silver import bronze_to_silver
from loglode.loading.report import RunReport
from loglode.metrics import Step
from loglode.settings import Settings
from loglode.sources import SourceObject, discover
from loglode.sources.listing import Surroundings
from loglode.sources.outcomes import Skipped
from loglode.telemetry.steps import load_step

_log = logging.getLogger(__name__)


def run(
    settings: Settings,
    sources: Sequence[str],
    *,
    format: str = "auto",
    follow_links: bool = False,
    progress: Progress | None = None,
) -> RunReport:
    """Load the objects that the sources name into the lake. Objects loaded before are skipped.

    With `follow_links`, symbolic links in folders are followed; never to the lake itself or its key.

    Raises UsageError for sources or a format that do not exist, LakeError, BooksError. Objects that
    cannot be read do not stop the others; they are named in the report's `failed`.
    """
    started = time.perf_counter()
    named_format(format)
    own_format(settings.contract.log_format)
    objects = discover(sources, _surroundings(settings), follows_links=follow_links)
    lake = open_lake(settings)
    fresh, ledger = _fresh(lake, objects)
    records: tuple[BatchRecord, ...] = ()
    gold = GoldReport()
    if fresh or not gold_is_current(lake):
        with open_context(settings, progress, lake) as context:
            with logs.bound(step=Step.SILVER):
                ledger, records = _load(context, fresh, ledger, format)
                _warn_of_refused(settings, RunReport(ledger, records))
            if lake.silver.exists:
                gold = silver_to_gold(context)
    seconds = time.perf_counter() - started
    return RunReport(ledger, records, len(gold.days), gold.rebuilt, seconds)


def _surroundings(settings: Settings) -> Surroundings:
    is_in_file = not settings.key_secret and (settings.key_file or isinstance(settings.lake, Path))
    return Surroundings(folders_of(settings.lake), settings.key_path if is_in_file else None)


def _warn_of_refused(settings: Settings, report: RunReport) -> None:
    """Log a warning where the state machine's quality gate would stop. Here gold follows all the same."""
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

    `may_go_on` is called before each batch but the first; when it returns False, the rest is left.
    """
    lake = open_lake(settings)
    fresh, ledger = _fresh(lake, objects)
    with open_context(settings, lake=lake) as context, logs.bound(step=Step.SILVER):
        ledger, records = _load(context, fresh, ledger, format, may_go_on)
    if missing := set(objects) - ledger.outcomes.keys():
        raise BooksError(
            f"{len(objects)} objects were given, {len(missing)} are not loaded, skipped, left or failed",
            hint="this is a defect of Loglode; please report it with the list of objects",
        )
    return RunReport(ledger, records)


def update_gold(settings: Settings) -> int:
    """Silver to gold alone; returns how many days were computed anew. Raises LakeError."""
    lake = open_lake(settings)
    if not lake.silver.exists or gold_is_current(lake):
        return 0
    with open_context(settings, lake=lake) as context:
        return len(silver_to_gold(context).days)


def _fresh(lake: Lake, objects: Sequence[SourceObject]) -> tuple[list[SourceObject], Ledger]:
    """Objects to load, and the others as skipped. Of several with one identity the first is loaded."""
    states: dict[str, SourceObject] = {}
    for source in objects:
        states.setdefault(source.identity, source)
    fresh = new_objects(lake, list(states.values()))
    chosen = set(fresh)
    return fresh, Ledger({source: Skipped() for source in objects if source not in chosen})


def _load(
    context: Context,
    objects: Sequence[SourceObject],
    ledger: Ledger,
    wanted_format: str,
    may_go_on: Callable[[], bool] | None = None,
) -> tuple[Ledger, tuple[BatchRecord, ...]]:
    """Load batch by batch; returns the ledger with every object, and what was committed."""
    plan = Plan(
        objects,
        wanted_format=wanted_format,
        own_format=own_format(context.settings.contract.log_format),
        batch_bytes=context.settings.batch_bytes,
        folder=context.folder / "heads" if context.engine.reads_here else None,
    )
    skipped = ledger.count(Skipped)
    outcomes = dict(ledger.outcomes)
    records: list[BatchRecord] = []
    is_first = True
    while not plan.is_done:
        if not (is_first or may_go_on is None or may_go_on()):
            outcomes |= plan.left().outcomes
            break
        batch, found = plan.next_batch()
        if batch is not None:
            is_first = False
            loaded, record = _load_batch(context, batch, 0 if records else skipped)
            found |= loaded
            records += [record] if record else []
        _log_failures(found)
        outcomes |= found.outcomes
    if context.lake.silver.exists:
        settle(context.lake, context.lake.silver.snapshot())
    return Ledger(outcomes), tuple(records)


def _load_batch(context: Context, batch: Batch, objects_skipped: int) -> tuple[Ledger, BatchRecord | None]:
    """Load a batch, as a step of its own."""
    with logs.bound(batch_id=batch.batch_id), load_step(context.reporter, batch) as step:
        ledger, step.record = bronze_to_silver(context, batch, objects_skipped)
        return ledger, step.record


def _log_failures(ledger: Ledger) -> None:
    for source, failed in ledger.failures.items():
        error = failed.error
        facts = {"object": source.display_uri, "error": type(error).__name__, "hint": error.hint}
        _log.error(error.message, extra=facts)
