"""Whether the numbers of a day can be trusted: rules, volume, freshness and drift.

Loads record what they saw in ops.quality and ops.runs; this module compares it with history. Figures are
those of the loads: a replay of quarantined lines changes silver, not what the sources sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import groupby
from statistics import median
from typing import Any, Literal

from loglode.batches.quality_counts import ACCEPTED, UNTOUCHED
from loglode.context import open_lake
from loglode.errors import LakeError
from loglode.html import Report
from loglode.reports.drift import BatchFields, Drift, Sighting, drifts
from loglode.reports.query import query
from loglode.settings import Settings
from loglode.sql import literal

Volume = Literal["usual", "low", "high", "unknown"]
# A day is compared with the median of HISTORY_DAYS days before it, if there are LEAST_DAYS of them.
HISTORY_DAYS, LEAST_DAYS = 14, 3
# Days without a line are reported between two days with lines that are at most this far apart.
LONGEST_GAP = 31
LOW_VOLUME, HIGH_VOLUME = 0.5, 2.0
# The newest batch's delay is compared with the median of those before it.
HISTORY_BATCHES, LATE_FACTOR, LATE_SECONDS = 50, 3.0, 3600.0
# Batches whose fields are looked at for drift.
DRIFT_BATCHES = 200
UNKNOWN_DAY = "unknown"

_RULES = f"""
select coalesce(date::varchar, {literal(UNKNOWN_DAY)}) as event_day, rule, any_value(field) as field,
    any_value(dimension) as dimension, any_value(severity) as severity, sum(checked)::bigint as checked,
    sum(passed)::bigint as passed, sum(refused)::bigint as refused, sum(warned)::bigint as warned,
    sum(passed) / nullif(sum(checked), 0) as share
from quality where kind = 'rule' group by event_day, rule order by event_day, dimension, rule
"""
_FIELDS = f"""
select batch_id, silver_version, quality.started_at::varchar as started_at, field, rule, checked, passed,
    first_seen, last_seen
from quality where kind = 'field' and silver_version in (
    select distinct silver_version from quality where kind = 'field'
    order by silver_version desc limit {DRIFT_BATCHES}
) order by silver_version, field, rule
"""
_OF_DAY = "select distinct batch_id from quality where kind = 'rule' and date = $day"
_DELAYS = f"""
select (epoch_us(finished_at) - epoch_us(oldest_object_at)) / 1e6 as seconds from runs
where kind = 'load' and oldest_object_at is not null
order by silver_version desc limit {HISTORY_BATCHES + 1}
"""


@dataclass(frozen=True, slots=True)
class DayQuality:
    """A day of events: lines kept (silver and quarantine), those refused, and values nulled.

    `score` is 0 to 100: a refused line counts in full, a nulled value half. `usual_lines` is the median
    of the days before.
    """

    day: str
    lines: int
    refused: int
    nulled: int
    score: float
    volume: Volume
    usual_lines: float | None


@dataclass(frozen=True, slots=True)
class Freshness:
    """Seconds from the writing of the newest batch's oldest object to its commit; the median before."""

    seconds: float | None
    usual_seconds: float | None

    @property
    def is_late(self) -> bool:
        """Far longer than usual, and over an hour."""
        if self.seconds is None or self.usual_seconds is None:
            return False
        return self.seconds > max(LATE_SECONDS, LATE_FACTOR * self.usual_seconds)


@dataclass(frozen=True, slots=True)
class QualityReport(Report):
    """`rules` are rows of ops.quality summed over batches, by day."""

    lake: str
    days: tuple[DayQuality, ...]
    rules: tuple[dict[str, Any], ...]
    drift: tuple[Drift, ...]
    freshness: Freshness

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "lake": self.lake,
            "days": [asdict(day) for day in self.days],
            "rules": list(self.rules),
            "drift": [asdict(change) for change in self.drift],
            "freshness": {**asdict(self.freshness), "is_late": self.freshness.is_late},
        }


def quality(settings: Settings, day: date | None = None) -> QualityReport:
    """The quality of every day, or of one and of the batches that brought it.

    Raises LakeError if no batch has recorded its quality.
    """
    lake = open_lake(settings)
    lake.require()
    if not lake.quality.exists:
        raise LakeError(
            "no batch of this lake has recorded its quality", hint="run `loglode run SOURCE` first"
        )
    rules = [{"day": r.pop("event_day"), **r} for r in query(settings, _RULES, only=["quality"]).dicts()]
    days = _days(rules)
    if day is not None:
        text = day.isoformat()
        rules, days = [r for r in rules if r["day"] == text], [d for d in days if d.day == text]
    changes = drifts(_batches(query(settings, _FIELDS, only=["quality"]).dicts()))
    if day is not None:
        batches = {batch_id for (batch_id,) in query(settings, _OF_DAY, {"day": day}, only=["quality"])}
        changes = [change for change in changes if change.batch_id in batches]
    delays = [seconds for (seconds,) in query(settings, _DELAYS, only=["runs"])]
    fresh = Freshness(delays[0] if delays else None, median(delays[1:]) if delays[1:] else None)
    return QualityReport(str(lake.root), tuple(days), tuple(rules), tuple(changes), fresh)


def _days(rules: Sequence[dict[str, Any]]) -> list[DayQuality]:
    found: list[DayQuality] = []
    for day, group in groupby(rules, key=lambda rule: rule["day"]):
        of_day = list(group)
        whole = next((r for r in of_day if r["rule"] == ACCEPTED), None)
        if whole is None:
            continue  # a day with nothing but duplicates is not reported
        nulled = sum(r["warned"] for r in of_day if r["severity"] != UNTOUCHED)
        found += _empty_days(found, day)
        usual = _usual(found) if day != UNKNOWN_DAY else None
        found.append(
            DayQuality(
                day=day,
                lines=whole["checked"],
                refused=whole["refused"],
                nulled=nulled,
                score=score(whole["checked"], whole["refused"], nulled),
                volume=volume(whole["checked"], usual),
                usual_lines=usual,
            )
        )
    return found


def _usual(found: Sequence[DayQuality]) -> float | None:
    """Median of the lines of earlier days that have some; None if there are too few."""
    before = [d.lines for d in found[-HISTORY_DAYS:] if d.lines]
    return median(before) if len(before) >= LEAST_DAYS else None


def _empty_days(found: Sequence[DayQuality], day: str) -> list[DayQuality]:
    """Days without a line between the last one found and this one, unless a clock went wrong."""
    if day == UNKNOWN_DAY or not found:
        return []
    last = date.fromisoformat(found[-1].day)
    gap = (date.fromisoformat(day) - last).days - 1
    usual = _usual(found)
    return [
        DayQuality(
            day=(last + timedelta(days=n)).isoformat(),
            lines=0,
            refused=0,
            nulled=0,
            score=score(0, 0, 0),
            volume=volume(0, usual),
            usual_lines=usual,
        )
        for n in range(1, (gap if gap <= LONGEST_GAP else 0) + 1)
    ]


def score(lines: int, refused: int, nulled: int) -> float:
    """100 where every line passed whole, 0 where none did."""
    return round(max(0.0, 100 * (lines - refused - nulled / 2) / lines), 2) if lines else 100.0


def volume(lines: int, usual: float | None) -> Volume:
    """How a day's lines compare with the usual number."""
    if not usual:
        return "unknown"
    if lines < LOW_VOLUME * usual:
        return "low"
    return "high" if lines > HIGH_VOLUME * usual else "usual"


def _batches(rows: Iterable[dict[str, Any]]) -> list[BatchFields]:
    found = []
    for _, group in groupby(rows, key=lambda row: row["silver_version"]):
        of_batch = list(group)
        first = of_batch[0]
        sightings = tuple(
            Sighting(r["field"], r["rule"], r["passed"], r["first_seen"], r["last_seen"]) for r in of_batch
        )
        found.append(BatchFields(first["batch_id"], first["started_at"], first["checked"], sightings))
    return found
