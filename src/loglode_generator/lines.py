"""SQL that writes a request as a line of each format, whole or broken in a known way."""

from __future__ import annotations

import json
from typing import Final

from loglode_generator.catalogue import AGENTS
from loglode_generator.draw import Draw, array

_KINDS: Final = (
    "truncated", "not_a_record", "timestamp_missing", "timestamp_impossible", "status_invalid",
    "method_unknown", "time_negative",
)  # fmt: skip

_NOISE: Final = (
    "2026/10/05 12:00:00 [error] 1234#0: *77 upstream timed out while reading response header",
    "    at com.example.shop.Cart.add(Cart.java:118)",
    "--- log rotated ---",
    "<html><head><title>502 Bad Gateway</title></head></html>",
    "Killed",
)
_DATES: Final = ("2026-13-05T10:00:00.000Z", "2026-02-30T08:15:00.000Z", "2026-10-05T25:61:00.000Z")
_CLF_DATES: Final = (
    "32/Oct/2026:10:00:00 +0000", "30/Feb/2026:08:15:00 +0000", "05/Oct/2026:25:61:00 +0000",
)  # fmt: skip
_METHODS: Final = ("BREW", "FETCH", "G3T", "HTTP")


def broken_kinds(log_format: str) -> tuple[str, ...]:
    """Ways to break a line of this format; number 1 is the first. Classic logs have no time."""
    return _KINDS if log_format == "json" else _KINDS[:-1]


def lines(draw: Draw, midnight_ms: int, source: str) -> str:
    """SQL: one column, the lines of `source` (rows of a slice) in its order.

    `midnight_ms` is the start of the slice's day since the epoch.
    """
    time = f"make_timestamp(({midnight_ms} + ts) * 1000)"
    whole = _json(draw, time) if draw.spec.format == "json" else _classic(draw, time)
    # Cut before the status, or before the closing brace: what is left can never be read.
    room = "length(whole) - 20" if draw.spec.format == "json" else "20"
    cut = f"(12 + {draw.raw('key', 'cut')} % ({room})::UBIGINT)::BIGINT"
    return f"""SELECT CASE broken WHEN 1 THEN left(whole, {cut})
        WHEN 2 THEN {draw.pick("key", "noise", _NOISE)} ELSE whole END AS line
      FROM (SELECT key, broken, {whole} AS whole FROM ({source}))"""


def _method(draw: Draw) -> str:
    return f"CASE WHEN broken = 6 THEN {draw.pick('key', 'verb', _METHODS)} ELSE method END"


def _status(draw: Draw, wrong: tuple[str, ...]) -> str:
    return f"CASE WHEN broken = 5 THEN {draw.pick('key', 'code', wrong)} ELSE status::VARCHAR END"


def _json(draw: Draw, time: str) -> str:
    agents = array(json.dumps(agent) for agent in AGENTS)
    return f"""concat('{{',
      CASE broken WHEN 3 THEN '' WHEN 4 THEN
        concat('"timestamp":"', {draw.pick("key", "date", _DATES)}, '",')
      ELSE concat('"timestamp":"', strftime({time}, '%Y-%m-%dT%H:%M:%S.%gZ'), '",') END,
      '"request_id":"', {draw.uuid("key", "request")}, '","remote_addr":"', addr,
      CASE WHEN user_no IS NOT NULL THEN concat('","user_id":"u', user_no) END,
      '","method":"', {_method(draw)}, '","host":"', host, '","path":"', path,
      CASE WHEN query IS NOT NULL THEN concat('","query":"', query) END,
      '","status":', {_status(draw, ("999", '"abc"', "0", "-1", "20"))},
      ',"response_time_ms":', CASE WHEN broken = 7 THEN -time ELSE time END,
      ',"bytes_sent":', bytes,
      CASE WHEN referrer IS NOT NULL THEN concat(',"referrer":"', referrer, '"') END,
      ',"user_agent":', ({agents})[agent + 1], ',"country":"', country, '"}}')"""


def _classic(draw: Draw, time: str) -> str:
    agents = array(agent.replace("\\", "\\\\").replace('"', '\\"') for agent in AGENTS)
    tail = ""
    size = "bytes"
    if draw.spec.format == "combined":
        tail = f""", ' "', coalesce(referrer, '-'), '" "', ({agents})[agent + 1], '"'"""
    else:
        size = "CASE WHEN bytes = 0 THEN '-' ELSE bytes::VARCHAR END"
    return f"""concat(addr, ' - ', CASE WHEN user_no IS NULL THEN '-' ELSE concat('u', user_no) END,
      ' [', CASE broken WHEN 3 THEN '-' WHEN 4 THEN {draw.pick("key", "date", _CLF_DATES)}
        ELSE strftime({time}, '%d/%b/%Y:%H:%M:%S +0000') END,
      '] "', {_method(draw)}, ' ', path, CASE WHEN query IS NOT NULL THEN '?' || query END,
      ' HTTP/1.1" ', {_status(draw, ("999", "abc", "0", "20"))}, ' ', {size}{tail})"""
