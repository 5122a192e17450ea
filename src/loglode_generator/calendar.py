"""When things happen: the rhythm of days and weeks, incidents, files and slices of time.

All times here are milliseconds: of the day, or since the period's first midnight (UTC).
"""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

from loglode_generator.spec import GenerateSpec

DAY_MS: Final = 86_400_000
BINS: Final = 96
BIN_MS: Final = DAY_MS // BINS
FILE_BYTES: Final = 100_000_000
SLICE_EVENTS: Final = 200_000
"""About how many events are made at a time: this bounds the memory."""

_WORKDAY: Final = (
    22, 14, 10, 8, 8, 12, 24, 42, 62, 78, 88, 94, 98, 90, 86, 86, 90, 96, 106, 118, 122, 104,
    72, 40,
)  # fmt: skip
_WEEKEND: Final = (
    34, 24, 16, 11, 9, 10, 14, 22, 40, 64, 88, 104, 110, 108, 106, 104, 100, 98, 102, 110, 112, 98,
    74, 50,
)  # fmt: skip
_WEEK: Final = (1.06, 1.03, 1.0, 1.0, 0.94, 0.72, 0.82)


def rhythm(weekday: int) -> list[float]:
    """Share of the day's visits in each of the `BINS` quarters of an hour; Monday is 0."""
    hours = _WEEKEND if weekday >= 5 else _WORKDAY
    per_hour = BINS // 24
    bins = [
        hours[b // per_hour]
        + (hours[(b // per_hour + 1) % 24] - hours[b // per_hour]) * (b % per_hour) / per_hour
        for b in range(BINS)
    ]
    total = sum(bins)
    return [value / total for value in bins]


def load(weekday: int) -> list[float]:
    """How much slower than usual the shop answers in each bin: busy hours are slower."""
    return [0.8 + 0.35 * share * BINS for share in rhythm(weekday)]


def quantile(weekday: int, share: float, *, even: float = 0.0) -> int:
    """The time of day by which this share of the day's events has come; `even` of them evenly."""
    density = [even / BINS + (1 - even) * value for value in rhythm(weekday)]
    cumulative = list(accumulate(density))
    index = min(bisect_left(cumulative, share), BINS - 1)
    before = cumulative[index - 1] if index else 0.0
    inside = min(max((share - before) / density[index], 0.0), 1.0)
    return int((index + inside) * BIN_MS)


def quotas(spec: GenerateSpec) -> list[int]:
    """Events of each day; they add up to `spec.events`."""
    rng = random.Random(f"{spec.seed}/days")
    weights = [
        _WEEK[spec.day(d).weekday()] * (1 + 0.002 * d) * rng.uniform(0.95, 1.05) for d in range(spec.days)
    ]
    total = sum(weights)
    ends = [round(spec.events * part / total) for part in accumulate(weights)]
    ends[-1] = spec.events
    return [end - begin for begin, end in pairwise([0, *ends])]


@dataclass(frozen=True, kw_only=True)
class Window:
    """An incident on one day, from `start` up to `end` (ms of the day)."""

    kind: str
    day: int
    start: int
    end: int


def incidents(spec: GenerateSpec) -> list[Window]:
    """One outage and one attack in each week that has begun, in order of time."""
    rng = random.Random(f"{spec.seed}/incidents")
    found = []
    minute = 60_000
    for first in range(0, spec.days, 7):
        length = min(7, spec.days - first)
        for kind, hours, minutes in (("outage", (10, 19), 40), ("attack", (0, 22), 25)):
            day = first + rng.randrange(length)
            start = rng.randrange(hours[0] * 12, hours[1] * 12) * 5 * minute
            end = start + minutes * minute
            found.append(Window(kind=kind, day=day, start=start, end=end))
    return sorted(found, key=lambda window: (window.day, window.start))


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A stretch of one day that is made at once, and the file of each server that it goes to."""

    day: int
    start: int
    end: int
    files: tuple[str, ...]


def plan(spec: GenerateSpec) -> tuple[int, list[Slice]]:
    """The number of servers that write (at most one a file) and the slices in order of time."""
    days = quotas(spec)
    if spec.files is None:
        per_file = max(FILE_BYTES // spec.template.line_bytes, 1) * spec.servers
        layouts = [_cut_days([max(1, -(-events // per_file)) for events in days])] * spec.servers
    else:
        servers = min(spec.servers, spec.files)
        shares = [spec.files // servers + (s < spec.files % servers) for s in range(servers)]
        layouts = [_share_out(spec.days, windows) for windows in shares]
    return len(layouts), [
        piece for day in range(spec.days) for piece in _slices(spec, day, days[day], layouts)
    ]


_Layout = list[list[tuple[int, int]]]
"""For each day its windows: (day that names the file, part or -1 for a whole file)."""


def _cut_days(parts: list[int]) -> _Layout:
    return [[(d, p if n > 1 else -1) for p in range(n)] for d, n in enumerate(parts)]


def _share_out(days: int, windows: int) -> _Layout:
    if windows >= days:
        return _cut_days([windows // days + (d < windows % days) for d in range(days)])
    starts = [w * days // windows for w in range(windows)]
    return [[(max(s for s in starts if s <= d), -1)] for d in range(days)]


def _slices(spec: GenerateSpec, day: int, events: int, layouts: list[_Layout]) -> list[Slice]:
    weekday = spec.day(day).weekday()
    cuts = {0, DAY_MS}
    most = -(-events // SLICE_EVENTS) or 1
    cuts.update(quantile(weekday, n / most, even=0.15) for n in range(1, most))
    ends = []
    for layout in layouts:
        parts = len(layout[day])
        inner = [quantile(weekday, p / parts, even=0.15) for p in range(1, parts)]
        ends.append([*inner, DAY_MS])
        cuts.update(inner)
    pieces = []
    for start, end in pairwise(sorted(cuts)):
        names = tuple(
            _name(spec, server + 1, *layouts[server][day][bisect_left(ends[server], end)])
            for server in range(len(layouts))
        )
        pieces.append(Slice(day=day, start=start, end=end, files=names))
    return pieces


def _name(spec: GenerateSpec, server: int, day: int, part: int) -> str:
    number = f"-{part + 1:03d}" if part >= 0 else ""
    return f"web{server}-{spec.day(day):%Y%m%d}{number}{spec.suffix}"
