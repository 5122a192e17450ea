"""Whether a gold run can merge new rows of silver into what the tables hold, and which files that takes.

Counts, sums, buckets of histograms and slots of visits add up, so a batch costs what its rows cost, not what
its days hold. Whole days are computed again where that would not give the same rows:

- tables are rebuilt, or stand at different versions of silver: a restored one, or one that a killed run left;
- the new rows are no longer in the files that were added, or lines have left quarantine;
- silver's log no longer records what was added, or the batch is too large for one go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from loglode.batches.effects import records_after
from loglode.context import Context
from loglode.gold.plan import GoldPlan, day_of, with_margins
from loglode.lake import ActiveFile, Snapshot
from loglode.models.held import HELD, PREFIX
from loglode.storage import Location

# A table that grows gets a file with each batch. So many files of a day are written again as one, those with
# more rows than this aside: a run reads few files of a day, and a row is written again a few times at most.
FOLD_FILES = 24
FOLD_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class Merge:
    """New files of silver and quarantine, and the files of gold tables that they are merged with.

    `folded` are files of tables that grow, whose rows are written again together with the new ones.
    """

    days: Sequence[date]
    silver: Sequence[ActiveFile]
    quarantine: Sequence[ActiveFile]
    held: Mapping[str, Sequence[Location]]
    folded: Mapping[str, Sequence[ActiveFile]]


def plan_merge(context: Context, plan: GoldPlan) -> Merge | None:
    """What to merge; None where whole days must be computed."""
    if not context.engine.merges or not _are_in_step(context, plan):
        return None
    records = records_after(context.lake, plan.by_day[0].before.version, plan.silver.version)
    batches = None if records is None else [record for record in records.values() if record["run"]]
    if batches is None or any("silver" not in b or b["quarantine_removed"] for b in batches):
        return None
    added: list[str] = [path for batch in batches for path in batch["silver"]]
    refused: list[str] = [add["path"] for batch in batches for add in batch["quarantine"]]
    silver = _active(plan.silver, added)
    quarantine = _active(context.lake.quarantine.snapshot(), refused)
    if silver is None or quarantine is None or not _is_small(context, plan, silver):
        return None
    return Merge(plan.days, silver, quarantine, _held(plan), _folded(plan))


def _are_in_step(context: Context, plan: GoldPlan) -> bool:
    """Whether all tables that follow silver's rows stand at one version, with the content that is wanted."""
    tables = plan.by_day
    by_day = [model for model in context.models if model.layer == "gold" and not model.is_by_batch]
    return (
        len(tables) == len(by_day)
        and len({table.before.version for table in tables}) == 1
        and all(table.found is not None and not table.is_rebuild for table in tables)
    )


def _active(snapshot: Snapshot, paths: Sequence[str]) -> list[ActiveFile] | None:
    """The files at the paths; None where one has left the table."""
    files = {file.path: file for file in snapshot.files()} if paths else {}
    return [files[path] for path in paths] if all(path in files for path in paths) else None


def _is_small(context: Context, plan: GoldPlan, silver: Sequence[ActiveFile]) -> bool:
    """Whether the engine can take all days and rows at once."""
    rows = sum(file.rows for file in silver)
    return len(plan.days) <= context.engine.chunk_days and rows <= context.engine.chunk_rows


def _held(plan: GoldPlan) -> dict[str, list[Location]]:
    tables = {PREFIX + table.model.name: table for table in plan.by_day}
    near = {_parts(day) for day in with_margins(plan.days)}
    days = {_parts(day) for day in plan.days}
    held: dict[str, list[Location]] = {}
    for name in HELD:
        table = tables[name]
        files = table.found.files(near if table.model.grows else days) if table.found else []
        held[name] = [table.found.table.root / file.path for file in files] if table.found else []
    return held


def _folded(plan: GoldPlan) -> dict[str, list[ActiveFile]]:
    days = {_parts(day) for day in plan.days}
    folded: dict[str, list[ActiveFile]] = {}
    for table in plan.by_day:
        files = table.found.files(days) if table.found and table.model.grows else []
        small = sorted((file for file in files if file.rows <= FOLD_ROWS), key=day_of)
        of_days = (list(of_day) for _, of_day in groupby(small, key=day_of))
        if chosen := [file for of_day in of_days if len(of_day) >= FOLD_FILES for file in of_day]:
            folded[table.model.name] = chosen
    return folded


def _parts(day: date) -> tuple[int, int, int]:
    return day.year, day.month, day.day
