"""SQL that makes a day's visits: who comes, when, how patient, with what intent."""

from __future__ import annotations

import math
from typing import Final

from loglode_generator.calendar import BIN_MS, BINS, DAY_MS, Window, load, quantile
from loglode_generator.catalogue import AGENTS, COUNTRIES, HUMAN_AGENTS, ORIGINS
from loglode_generator.draw import Draw, array, slots
from loglode_generator.walks import KINDS, WALKS_PER_KIND

SID_BITS: Final = 26
_STARTS: Final = 1024
OUTAGE_SLOWER: Final = 6.0

COLUMNS: Final = "sid, start, dur, n, walk, pace, slow, addr, country, agent, user_no, remembered, origin"


def between(time: str, windows: list[Window], kind: str) -> str:
    """SQL: whether a time of the day (ms) falls into an incident of this kind."""
    tests = [f"({time}) BETWEEN {w.start} AND {w.end - 1}" for w in windows if w.kind == kind]
    return f"({' OR '.join(tests)})" if tests else "false"


def slowdown(time: str, weekday: int, windows: list[Window]) -> str:
    """SQL: by how much the shop is slower at this time of the day (ms) than on average."""
    factor = f"({array(load(weekday))})[1 + ((({time}) // {BIN_MS}) % {BINS})::INTEGER]"
    outage = between(time, windows, "outage")
    if outage == "false":
        return factor
    return f"({factor} * CASE WHEN {outage} THEN {OUTAGE_SLOWER} ELSE 1 END)"


def visits(draw: Draw, *, day: int, events: int, loyal: int, last: bool, windows: list[Window]) -> str:
    """SQL: sessions that start on this day and have exactly `events` requests together.

    `loyal` is the number of visitors who come again and again. Sessions of the last day end
    before midnight; others may cross it.
    """
    weekday = draw.spec.day(day).weekday()
    # Even if every session bounced (4 requests) these would be enough.
    tries = math.ceil(events / 3.5) + 50
    return f"""
    WITH born AS (
      SELECT {day << SID_BITS}::BIGINT + i AS sid FROM range({tries}) AS r(i)
    ), timed AS (
      SELECT *, {_start(draw, weekday)} AS start0,
        exp(0.8 * {draw.normal("sid", "slow")}) AS slow,
        least(greatest(exp(0.4 * {draw.normal("sid", "pace")}), 0.5), 2.0) AS pace,
        {_visitor(draw, loyal)} AS visitor
      FROM born
    ), meant AS (
      SELECT *, {_walk(draw, f"slow * {slowdown('start0', weekday, windows)}")} AS walk
      FROM timed
    ), sized AS (
      SELECT m.*, (w.longest * pace)::BIGINT + 1 AS dur, w.steps,
        sum(w.steps) OVER (ORDER BY sid ROWS UNBOUNDED PRECEDING)::BIGINT AS total
      FROM meant AS m JOIN walk_sizes AS w USING (walk)
    ), kept AS (
      SELECT *, least(steps, {events} - (total - steps)) AS n,
        {_fit(draw, is_last=last)} AS start,
        {draw.below("visitor", "net", 131_072)} AS net
      FROM sized WHERE total - steps < {events}
    )
    SELECT sid, start, dur, n, walk, pace, slow, {_address(draw)} AS addr,
      {_country(draw)} AS country, {_agent(draw)} AS agent,
      10000 + {draw.below("visitor", "user", 900_000)} AS user_no,
      {draw.unit("visitor", "remembered")} < 0.18 AS remembered,
      {draw.pick("sid", "origin", slots([o.weight for o in ORIGINS]))} AS origin
    FROM kept"""


def _start(draw: Draw, weekday: int) -> str:
    times = [quantile(weekday, n / _STARTS) for n in range(_STARTS)] + [DAY_MS]
    slot = draw.below("sid", "start", _STARTS)
    here, there = f"({array(times)})[1 + {slot}]", f"({array(times)})[2 + {slot}]"
    inside = f"{draw.unit('sid', 'start/inside')}"
    return f"({here} + floor({inside} * ({there} - {here})))::BIGINT"


def _visitor(draw: Draw, loyal: int) -> str:
    again = f"floor({loyal} * pow({draw.unit('sid', 'visitor')}, 2))::BIGINT"
    new = f"{1 << 40} + sid"
    return f"CASE WHEN {draw.unit('sid', 'again')} < 0.4 THEN {again} ELSE {new} END"


def _walk(draw: Draw, slowness: str) -> str:
    """The template: waiting turns buyers into quitters and readers into bouncers."""
    intent = draw.unit("sid", "intent")
    kind = f"""CASE
      WHEN {intent} < 0.085 / (1 + pow(({slowness}) / 1.6, 2)) THEN {KINDS.index("buy")}
      WHEN {intent} < 0.16 THEN {KINDS.index("abandon")}
      WHEN {intent} < 0.22 THEN {KINDS.index("account")}
      WHEN {intent} < 0.22 + 0.5 / (1 + ({slowness}) / 6) THEN {KINDS.index("browse")}
      ELSE {KINDS.index("bounce")} END"""
    return f"(({kind}) * {WALKS_PER_KIND} + {draw.below('sid', 'walk', WALKS_PER_KIND)})::INTEGER"


def _fit(draw: Draw, *, is_last: bool) -> str:
    if not is_last:
        return "start0"
    earlier = f"{DAY_MS} - dur - 1 - {draw.below('sid', 'earlier', 3_600_000)}"
    return f"CASE WHEN start0 + dur >= {DAY_MS} THEN {earlier} ELSE start0 END"


def _address(draw: Draw) -> str:
    tail = draw.below("visitor", "v6", 60_000)
    four = "concat('198.', 18 + (net >> 16), '.', (net >> 8) & 255, '.', net & 255)"
    six = f"format('2001:db8:{{:x}}::{{:x}}', 4096 + (net >> 8), 4096 + {tail})"
    return f"CASE WHEN {draw.unit('visitor', 'is_v6')} < 0.18 THEN {six} ELSE {four} END"


def _country(draw: Draw) -> str:
    names = [COUNTRIES[i][0] for i in slots([weight for _, weight in COUNTRIES])]
    return draw.pick("(net >> 8)::BIGINT", "country", names)


def _agent(draw: Draw) -> str:
    index = {agent: number for number, agent in enumerate(AGENTS)}
    numbers = [index[HUMAN_AGENTS[i][0]] for i in slots([weight for _, weight in HUMAN_AGENTS])]
    return draw.pick("visitor", "agent", numbers)
