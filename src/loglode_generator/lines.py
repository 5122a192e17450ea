"""SQL that writes a request as a line of a format, whole or damaged in a known way."""

from __future__ import annotations

from typing import Final

from loglode_generator.catalogue import AGENTS
from loglode_generator.draw import Draw, array

BROKEN_KINDS: Final = ("truncated", "not_a_record", "timestamp_missing", "timestamp_impossible")
"""Ways to damage a line; number 1 is the first."""

_NOISE: Final = (
    "2026/10/05 12:00:00 [error] 1234#0: *77 upstream timed out while reading response header",
    "    at com.example.shop.Cart.add(Cart.java:118)",
    "--- log rotated ---",
    "<html><head><title>502 Bad Gateway</title></head></html>",
    "Killed",
)


def lines(draw: Draw, midnight_ms: int, source: str) -> str:
    """SQL: one column, the lines of `source` (rows of a slice) in its order.

    `midnight_ms` is the start of the slice's day since the epoch.
    """
    template = draw.spec.template
    cut = f"(12 + {draw.raw('key', 'cut')} % ({template.cut})::UBIGINT)::BIGINT"
    return f"""SELECT CASE broken WHEN 1 THEN left(whole, {cut})
        WHEN 2 THEN {draw.pick("key", "noise", _NOISE)} ELSE whole END AS line
      FROM (SELECT key, broken, {template.line} AS whole FROM ({_requests(draw, midnight_ms, source)}))"""


def _requests(draw: Draw, midnight_ms: int, source: str) -> str:
    """SQL: the columns that a LineTemplate may use, damaged where `broken` says so."""
    template = draw.spec.template
    time = f"make_timestamp(({midnight_ms} + ts) * 1000)"
    return f"""SELECT key, broken, addr, host, path, query, bytes, referrer, country,
      CASE broken WHEN 3 THEN NULL WHEN 4 THEN {draw.pick("key", "date", template.bad_times)}
        ELSE strftime({time}, '{template.time_format}') END AS stamp,
      {draw.uuid("key", "request")} AS request_id,
      CASE WHEN user_no IS NOT NULL THEN concat('u', user_no) END AS user_id,
      method, status::VARCHAR AS status, time AS took_ms,
      ({array(AGENTS)})[agent + 1] AS agent
      FROM ({source})"""
