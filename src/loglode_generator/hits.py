"""SQL that makes a slice's requests: of visitors, crawlers, monitors, scanners and attackers.

All sources give the same columns (`_COLUMNS`); `rows` then draws what they have in common: status,
time, bytes, query, server, damage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from loglode_generator.calendar import DAY_MS, Slice, Window
from loglode_generator.catalogue import (
    AGENTS,
    ATTACKER,
    CATEGORIES,
    CRAWLED,
    CRAWLERS,
    MONITORS,
    ORIGINS,
    PAGE,
    PROBED,
    SCANNERS,
    TERMS,
)
from loglode_generator.draw import Draw, array, slots, text
from loglode_generator.lines import BROKEN_KINDS
from loglode_generator.sessions import between, slowdown

SITE: Final = "shop.example.com"
API: Final = "api.example.com"
BURST: Final = 12
"""Requests of a scanner in one go."""

_COLUMNS: Final = (
    "key, ts, human, addr, country, user_no, cart_no, agent, method, page, own, visit, referrer, origin, slow"
)


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """How many requests of each kind a day has, beside its visitors' `people`."""

    people: int
    crawlers: int
    monitors: int
    bursts: int
    attack: int

    @classmethod
    def of(cls, events: int, windows: list[Window]) -> Crowd:
        attack = events * 4 // 100 if any(w.kind == "attack" for w in windows) else 0
        crawlers, monitors, bursts = events * 13 // 100, events * 15 // 1000, events // 1500
        people = events - attack - crawlers - monitors - bursts * BURST
        return cls(people=people, crawlers=crawlers, monitors=monitors, bursts=bursts, attack=attack)


def macros(draw: Draw) -> str:
    """SQL: how the parameter of a page is drawn and its path is put together."""
    product = f"10000 + floor(pow(2000, {draw.unit('own', 'product')}))::INTEGER"
    return f"""
    CREATE TEMP MACRO path_of(prefix, param, suffix, own, visit, cart_no) AS CASE param
      WHEN 'none' THEN prefix
      WHEN 'product' THEN concat(prefix, {product}, suffix)
      WHEN 'category' THEN prefix || {draw.pick("own", "category", CATEGORIES)}
      WHEN 'order' THEN concat(prefix, {draw.uuid("visit", "order")}, suffix)
      ELSE concat(prefix, cart_no, suffix) END;
    CREATE TEMP MACRO term_of(own) AS 'q=' || {draw.pick("own", "term", TERMS)};
    """


def rows(draw: Draw, piece: Slice, crowd: Crowd, windows: list[Window]) -> str:
    """SQL: all requests of the slice, sorted by server and time; `ts` is ms of the day."""
    weekday = draw.spec.day(piece.day).weekday()
    attack = next((w for w in windows if w.kind == "attack"), None)
    sources = [_people(piece), _crawlers(draw, piece, crowd), _monitors(piece, crowd)]
    sources.append(_scanners(draw, piece, crowd))
    if attack:
        sources.append(_attackers(draw, piece, crowd, attack))
    union = "\n UNION ALL ".join(sources)
    return f"""
    WITH hits({_COLUMNS}) AS ({union}), answered AS (
      SELECT h.*, p.mode, p.size, p.host,
        path_of(p.prefix, p.param, p.suffix, own, visit, cart_no) AS path,
        {_query(draw)} AS query,
        {_status(draw, between("ts", windows, "outage"))} AS status,
        p.base_ms * exp(0.35 * {draw.normal("key", "time")})
          * CASE WHEN p.mode = 'health' THEN 1
            ELSE slow * {slowdown("ts", weekday, windows)} END AS time0
      FROM hits AS h JOIN pages AS p USING (page)
      WHERE ts >= {piece.start} AND ts < {piece.end}
    )
    SELECT key, ts, human, addr, country, user_no, agent, method, host, path, query, referrer,
      status::SMALLINT AS status, greatest(round({_TIME}, 1), 0.1) AS time, {_bytes(draw)} AS bytes,
      {draw.below("key", "server", len(piece.files))} AS server,
      CASE WHEN {draw.unit("key", "broken")} < {draw.spec.broken_share!r}
        THEN 1 + {draw.below("key", "how", len(BROKEN_KINDS))} ELSE 0 END AS broken
    FROM answered
    ORDER BY server, ts, key"""


_TIME: Final = """CASE status WHEN 304 THEN time0 * 0.8 WHEN 502 THEN 2.0 + time0 / 50
        WHEN 504 THEN 5000 + time0 ELSE time0 END"""


def _query(draw: Draw) -> str:
    more = f"CASE WHEN {draw.unit('own', 'more')} < 0.15 THEN '&page=2' ELSE '' END"
    number = draw.below("visit", "reader", 90_000)
    return f"""nullif(concat_ws('&', CASE page
        WHEN {PAGE["search"]} THEN term_of(own) || {more}
        WHEN {PAGE["css"]} THEN 'v=20261001'
        WHEN {PAGE["category"]} THEN CASE WHEN {draw.unit("own", "sort")} < 0.3
          THEN concat('sort=price&page=', 1 + {draw.below("own", "page", 9)}) END
        WHEN {PAGE["login"]} THEN CASE WHEN {draw.unit("key", "reset")} < 0.04
          THEN 'token=' || {draw.hex("key", "token")} END
        WHEN {PAGE["account"]} THEN CASE WHEN {draw.unit("key", "mail")} < 0.03
          THEN concat('email=reader', {number}, '@example.com') END
        END, CASE WHEN origin >= 0 THEN replace(replace(
          ({array(o.query or "" for o in ORIGINS)})[origin + 1],
          '{{hex}}', {draw.hex("visit", "click")}), '{{number}}', ({number})::VARCHAR)
        END), '')"""


def _status(draw: Draw, outage: str) -> str:
    luck = draw.unit("key", "status")
    return f"""CASE p.mode
        WHEN 'order' THEN 201 WHEN 'confirmation' THEN 200 WHEN 'health' THEN 200
        WHEN 'missing' THEN CASE WHEN {luck} < 0.9 THEN 404 ELSE 403 END
        WHEN 'attack' THEN ([401, 401, 401, 429, 403])[1 + {draw.below("key", "denied", 5)}]
        ELSE CASE WHEN {luck} < CASE WHEN {outage} THEN 0.35 ELSE 0.0012 END
          THEN ([500, 500, 502, 502, 503, 503, 503, 504])[1 + {draw.below("key", "failed", 8)}]
        ELSE CASE p.mode
          WHEN 'static' THEN CASE WHEN {luck} > 0.75 THEN 304 ELSE 200 END
          WHEN 'order_failed' THEN 402 WHEN 'login' THEN 302
          WHEN 'api' THEN CASE method WHEN 'POST' THEN 201 WHEN 'DELETE' THEN 204 ELSE 200 END
          ELSE CASE WHEN {luck} > 0.995 THEN 404 WHEN {luck} > 0.988 THEN 301 ELSE 200 END
        END END END"""


def _bytes(draw: Draw) -> str:
    return f"""CASE WHEN status IN (204, 304) OR method = 'HEAD' THEN 0
        WHEN status >= 300 THEN 160 + {draw.below("key", "error", 240)}
        WHEN mode = 'static' THEN size
        ELSE (size * exp(0.25 * {draw.normal("key", "bytes")}))::BIGINT END"""


def _people(piece: Slice) -> str:
    referrers = array(origin.referrer for origin in ORIGINS)
    inner = "path_of(r.prefix, r.param, r.suffix, sid * 64 + w.ref_own, sid, user_no)"
    return f"""
      SELECT sid * 64 + w.step, start + (w.offset_ms * pace)::BIGINT, true, addr, country,
        CASE WHEN remembered OR w.logged_in THEN user_no END, user_no, agent, w.method, w.page,
        sid * 64 + w.own, sid,
        CASE WHEN w.ref_page < 0 THEN nullif(({referrers})[origin + 1], '')
          ELSE concat('https://{SITE}', {inner}, CASE WHEN w.ref_page = {PAGE["search"]}
            THEN '?' || term_of(sid * 64 + w.ref_own) ELSE '' END) END,
        CASE WHEN w.landing THEN origin ELSE -1 END, slow
      FROM sessions AS s JOIN walks AS w USING (walk) LEFT JOIN pages AS r ON r.page = w.ref_page
      WHERE w.step < s.n AND s.start < {piece.end} AND s.start + s.dur >= {piece.start}"""


def _key(source: int, day: int) -> str:
    """Keys above those of all visitors; the parts of the sum cannot overlap."""
    return f"{(source << 50) + (day << 33)}::BIGINT + i"


def _spread(piece: Slice, count: int) -> str:
    """Numbers of evenly spread requests that can fall into the slice."""
    first = max(piece.start * count // DAY_MS - 1, 0)
    return f"range({first}, {min(-(-piece.end * count // DAY_MS) + 1, count)}) AS t(i)"


def _crawlers(draw: Draw, piece: Slice, crowd: Crowd) -> str:
    pages = [PAGE[CRAWLED[i][0]] for i in slots([weight for _, weight in CRAWLED])]
    networks, countries = [c.network for c in CRAWLERS], [c.country for c in CRAWLERS]
    hosts = array(c.hosts for c in CRAWLERS)
    agents = array(AGENTS.index(c.agent) for c in CRAWLERS)
    host = f"(1 + {draw.raw('key', 'host')} % ({hosts})[bot])::INTEGER"
    return f"""
      SELECT key, ((i + {draw.unit("key", "when")}) * {DAY_MS} / {max(crowd.crawlers, 1)})::BIGINT,
        false, concat(({array(networks)})[bot], {host}), ({array(countries)})[bot], NULL, 0,
        ({agents})[bot], CASE WHEN {draw.unit("key", "head")} < 0.03 THEN 'HEAD' ELSE 'GET' END,
        {draw.pick("key", "crawled", pages)}, key, key, NULL, -1, 0.9
      FROM (SELECT i, {_key(1, piece.day)} AS key,
          1 + {draw.pick(_key(1, piece.day), "bot", slots([c.weight for c in CRAWLERS]))} AS bot
        FROM {_spread(piece, crowd.crawlers)})"""


def _monitors(piece: Slice, crowd: Crowd) -> str:
    first = AGENTS.index(MONITORS[0])
    return f"""
      SELECT {_key(2, piece.day)}, i * {DAY_MS} // {max(crowd.monitors, 1)}, false,
        ({array(["203.0.113.250", "203.0.113.251"])})[1 + (i % 2)::INTEGER],
        ({array(["NL", "US"])})[1 + (i % 2)::INTEGER], NULL, 0,
        ({array(range(first, first + len(MONITORS)))})[1 + (i % 2)::INTEGER], 'GET',
        {PAGE["health"]}, 0, 0, NULL, -1, 1.0
      FROM {_spread(piece, crowd.monitors)}"""


def _scanners(draw: Draw, piece: Slice, crowd: Crowd) -> str:
    pages = [PAGE[PROBED[i][0]] for i in slots([weight for _, weight in PROBED])]
    agents = [AGENTS.index(agent) for agent in SCANNERS]
    burst = f"{_key(5, piece.day)} // {BURST}"  # the key of the twelve: base + (i // 12)
    room = DAY_MS - 60_000
    return f"""
      SELECT {_key(3, piece.day)},
        floor({draw.unit(burst, "burst")} * {room})::BIGINT + (i % {BURST}) * 700
          + {draw.below(_key(3, piece.day), "jitter", 400)}, false,
        concat('203.0.113.', 1 + {draw.below(burst, "scanner", 220)}), 'RU', NULL, 0,
        {draw.pick(burst, "tool", agents)}, 'GET',
        {draw.pick(_key(3, piece.day), "probe", pages)}, 0, 0, NULL, -1, 1.0
      FROM range({crowd.bursts * BURST}) AS t(i)"""


def _attackers(draw: Draw, piece: Slice, crowd: Crowd, window: Window) -> str:
    key = _key(4, piece.day)
    length = window.end - window.start
    logging_in = f"{draw.unit(key, 'goal')} < 0.8"
    return f"""
      SELECT {key}, {window.start} + {draw.below(key, "moment", length)}, false,
        concat('198.51.100.', 1 + {draw.below(key, "attacker", 60)}), 'CN', NULL,
        10000 + {draw.below(key, "victim", 900_000)}, {AGENTS.index(ATTACKER)},
        CASE WHEN {logging_in} THEN 'POST' ELSE 'GET' END,
        CASE WHEN {logging_in} THEN {PAGE["brute_login"]} ELSE {PAGE["brute_api"]} END,
        0, 0, {text(f"https://{SITE}/login")}, -1, 1.0
      FROM range({crowd.attack}) AS t(i)"""
