"""A line is in silver or in quarantine, never in both.

Contracts change: a line that one refuses, another accepts. When its object is loaded again under another
name, or has grown, the line may be where the new contract would not put it. Then silver has precedence:

- a line that is refused now, but whose event silver has, is a duplicate;
- a line that is accepted now, but lies in quarantine, leaves it in the same commit, as by a replay.

Refused lines are few: with either engine, the embedded one does this.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loglode.batches.record import Day
from loglode.context import Context, embedded_engine
from loglode.engines.base import Job, StagedLines
from loglode.engines.duckdb import DuckDBEngine
from loglode.engines.duckdb.refused import Refused
from loglode.files import StagedFile
from loglode.lake import ActiveFile, Snapshot


@dataclass(frozen=True, slots=True)
class Freed:
    """Lines that leave quarantine: the days of their events, files that held them, and those files anew."""

    lines: int = 0
    days: Sequence[Day] = ()
    removed: Sequence[str] = ()
    rewritten: Sequence[StagedFile] = ()


def without_accepted(
    context: Context, job: Job, staged: StagedLines, silver: Sequence[ActiveFile]
) -> StagedLines:
    """Drop refused lines whose events the files of silver hold; they are counted as duplicates."""
    if not staged.quarantine or not silver:
        return staged
    with _embedded(context) as engine:
        refused = Refused(engine, {str(file.path): file.path for file in staged.quarantine})
        known = refused.mark_events([context.lake.silver.root / file.path for file in silver])
        if not known:
            return staged
        touched, rewritten = refused.without_freed(_new_folder(job), job.batch_id)
    for file in staged.quarantine:
        if str(file.path) in touched and isinstance(file.path, Path):
            file.path.unlink()
    kept = [file for file in staged.quarantine if str(file.path) not in touched]
    return replace(staged, quarantine=[*kept, *rewritten], duplicates=staged.duplicates + known)


def freed_by(context: Context, job: Job, staged: StagedLines) -> Freed:
    """Find the lines of quarantine whose events are accepted now."""
    quarantine = context.lake.quarantine
    # It has followed silver to the version that the commit is planned on: no request for a newer one.
    snapshot = quarantine.known() if staged.silver else None
    files = _possible(snapshot, staged) if snapshot else []
    if not files:
        return Freed()
    with _embedded(context) as engine:
        refused = Refused(engine, {file.path: quarantine.root / file.path for file in files})
        lines = refused.mark_events([file.path for file in staged.silver])
        if not lines:
            return Freed()
        removed, rewritten = refused.without_freed(_new_folder(job), job.batch_id)
        return Freed(lines, refused.freed_days(), removed, rewritten)


def _possible(quarantine: Snapshot, staged: StagedLines) -> list[ActiveFile]:
    """Files of quarantine that may hold events of the times of the staged rows."""
    low = min(str(file.minimum["event_ts"]) for file in staged.silver)[:19]
    high = max(str(file.maximum["event_ts"]) for file in staged.silver)[:19]
    timeless = quarantine.nulls("event_ts")

    def may(file: ActiveFile) -> bool:
        if timeless.get(file.path, 1) or file.first_event is None or file.last_event is None:
            return True
        return file.first_event[:19] <= high and low <= file.last_event[:19]

    return [file for file in quarantine.files() if may(file)]


@contextlib.contextmanager
def _embedded(context: Context) -> Iterator[DuckDBEngine]:
    if isinstance(context.engine, DuckDBEngine):
        yield context.engine
        return
    with contextlib.closing(embedded_engine(context.settings, context.lake, context.folder)) as engine:
        yield engine


def _new_folder(job: Job) -> Path:
    job.folder.mkdir(exist_ok=True)
    return job.folder / f"refused-{secrets.token_hex(4)}"
