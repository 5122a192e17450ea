"""Rows of ops.quality: the counts that a batch's silver commit carries, and the rows computed from them.

The commit carries counts alone, because its metadata are read often. Applying it computes the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from loglode.contract import Contract
from loglode.engines.base import LINES, StagedLines
from loglode.silver.rules import RuleFacts, rules

# The line as a whole: it could be parsed; no rule refused it; its event was not there yet.
READABLE, ACCEPTED, UNIQUE = "line_readable", "line_accepted", "event_unique"
# Events whose id, given by the source, names other events as well: all are kept.
CONFLICTING = "conflicting_ids"
# Against the time of the load; of these a line is neither refused nor changed.
LATE, AHEAD = "event_late", "event_ahead"
UNTOUCHED = "none"
# Clocks of sources may be ahead by so much.
_SKEW = timedelta(hours=1)


def measured(contract: Contract, staged: StagedLines) -> dict[str, Any]:
    """Counts by day and code, with the rules that were applied, as plain JSON."""
    shape = staged.read.shape
    refused, warned = _by_day(staged.refused), _by_day(staged.warned)
    rows = staged.rows_by_day
    return {
        "rules": [[r.code, r.field, r.severity, r.dimension] for r in rules(contract)],
        "days": [
            [day, rows.get(day, 0), refused.get(day, {}), warned.get(day, {})]
            for day in sorted({*rows, *refused, *warned})
        ],
        "latency_days": contract.latency_days,
        "duplicates": staged.duplicates,
        "conflicting": staged.conflicting,
        "lines_looked_at": shape.lines,
        "fields": [
            [*key, seen.lines, seen.first, seen.last]
            for key, seen in sorted(shape.reported(_names(contract)).items())
        ],
    }


def _names(contract: Contract) -> frozenset[str]:
    """Names under which the contract looks for fields, in lower case."""
    return frozenset(a.name.lower() for f in contract.read_fields for a in f.aliases)


def _by_day(tally: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (day, code), count in tally.items():
        found.setdefault(day, {})[code] = count
    return found


def quality_rows(record: Mapping[str, Any], version: int) -> list[dict[str, Any]]:
    """Rows of ops.quality for one silver commit; none where it loaded nothing."""
    counts, run = record.get("quality"), record["run"]
    if not counts:
        return []
    same = {
        "batch_id": run["batch_id"],
        "started_at": run["started_at"],
        "silver_version": version,
        "contract_version": run["contract_version"],
    }
    loaded_at = datetime.fromisoformat(run["started_at"])
    return [{**same, **row} for row in _rows(counts, loaded_at)]


def _rows(counts: Mapping[str, Any], loaded_at: datetime) -> Iterator[dict[str, Any]]:
    names = {rule[0] for rule in counts["rules"]}
    kept = 0
    for day, silver, refused, warned in counts["days"]:
        lines = silver + refused.get(LINES, 0)
        kept += lines
        # Whole lines are refused for one reason alone, before any rule is applied.
        broken = sum(n for code, n in refused.items() if code != LINES and code not in names)
        yield _row(RuleFacts(ACCEPTED, None, "reject", "conformity"), day, lines, refused=lines - silver)
        yield _row(RuleFacts(READABLE, None, "reject", "conformity"), day, lines, refused=broken)
        for rule in (RuleFacts(*facts) for facts in counts["rules"]):
            refusals, warnings = refused.get(rule.code, 0), warned.get(rule.code, 0)
            yield _row(rule, day, lines - broken, refused=refusals, warned=warnings)
        if day:
            yield from _timeliness(date.fromisoformat(day), lines, loaded_at, counts.get("latency_days"))
    doubles = counts["duplicates"]
    yield _row(RuleFacts(UNIQUE, "event_id", "drop", "uniqueness"), "", kept + doubles, refused=doubles)
    if conflicting := counts.get("conflicting", 0):
        yield _row(RuleFacts(CONFLICTING, "event_id", UNTOUCHED, "uniqueness"), "", kept, warned=conflicting)
    looked_at = counts["lines_looked_at"]
    for name, kind, count, first, last in counts["fields"]:
        row = _row(RuleFacts(kind, name, UNTOUCHED, "consistency"), "", looked_at)
        yield row | {
            "kind": "field",
            "passed": count,
            "share": _share(count, looked_at),
            "first_seen": first,
            "last_seen": last,
        }


def _timeliness(
    day: date, lines: int, loaded_at: datetime, latency_days: int | None
) -> Iterator[dict[str, Any]]:
    """Whether a day's lines came in time: all of them or none, because they are counted by day."""
    is_ahead = day > (loaded_at + _SKEW).date()
    found = {AHEAD: is_ahead}
    if latency_days is not None:
        found[LATE] = day < loaded_at.date() - timedelta(days=latency_days)
    for code, is_true in found.items():
        failed = lines if is_true else 0
        rule = RuleFacts(code, "event_ts", UNTOUCHED, "timeliness")
        yield _row(rule, day.isoformat(), lines, warned=failed)


def _row(rule: RuleFacts, day: str, checked: int, *, refused: int = 0, warned: int = 0) -> dict[str, Any]:
    passed = checked - refused - warned
    return {
        "kind": "rule",
        "date": day or None,
        "rule": rule.code,
        "field": rule.field,
        "dimension": rule.dimension,
        "severity": rule.severity,
        "checked": checked,
        "passed": passed,
        "refused": refused,
        "warned": warned,
        "share": _share(passed, checked),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
