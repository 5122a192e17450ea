"""The gold models' numbers once more, in plain Python, one event at a time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

Event = dict[str, Any]
Row = dict[str, Any]
# Of the methods of the tests those that are registered.
METHODS = ("GET", "POST", "PURGE", "VERSION-CONTROL")
ASSETS = ("css", "js", "png", "ico", "json")


def day_of(us: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)).date()


def status_of(event: Event) -> int:
    """The status; 0, which is of no class, where it is unknown."""
    return event["status"] or 0


def method_group(event: Event) -> str:
    method = event["method"]
    return "(none)" if method is None else method if method in METHODS else "(other)"


def share(part: int, events: list[Event]) -> float | None:
    """Of the events with a status; None where no status is known."""
    known = sum(e["status"] is not None for e in events)
    return part / known if known else None


def is_page(event: Event) -> bool:
    ending = (event["route"] or "").rsplit(".", 1)
    is_asset = len(ending) == 2 and ending[1].lower() in ASSETS
    status = status_of(event)
    return event["method"] == "GET" and (200 <= status < 300 or status == 304) and not is_asset


def quantile(values: list[float], share: float) -> float | None:
    """The value at a rank: at least this share of all values is not above it."""
    if not values:
        return None
    return sorted(values)[math.ceil(round(share * len(values), 6)) - 1]


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def grouped(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def times(events: Iterable[Event]) -> list[float]:
    return [float(e["response_time_ms"]) for e in events if e["response_time_ms"] is not None]


def visitors(events: Iterable[Event]) -> int:
    return len({e["visitor_id"] for e in events} - {None})


def traffic(events: list[Event]) -> Row:
    """What hours and days have in common, but for sessions and quarantine."""
    of_class = [sum(status_of(e) // 100 == c for e in events) for c in range(1, 6)]
    timed = times(events)
    return {
        "requests": len(events),
        "visitors": visitors(events),
        "human_visitors": visitors(e for e in events if e["is_bot"] is False),
        "bytes_sent": sum(e["bytes_sent"] or 0 for e in events),
        **{f"requests_{c}xx": n for c, n in enumerate(of_class, 1)},
        "requests_without_status": sum(e["status"] is None for e in events),
        "error_rate": share(of_class[3] + of_class[4], events),
        "server_error_rate": share(of_class[4], events),
        "success_rate": share(of_class[1] + of_class[2], events),
        "timed_requests": len(timed),
        "avg_response_time_ms": mean(timed),
        **{f"p{p}_response_time_ms": quantile(timed, p / 100) for p in (50, 90, 95, 99)},
        "human_requests": sum(e["is_bot"] is False for e in events),
        "bot_requests": sum(e["is_bot"] is True for e in events),
    }


def route(events: list[Event]) -> Row:
    timed = times(events)
    bad = sum(status_of(e) >= 400 for e in events)
    return {
        "requests": len(events),
        "visitors": visitors(events),
        "errors": bad,
        "requests_without_status": sum(e["status"] is None for e in events),
        "error_rate": share(bad, events),
        "server_error_rate": share(sum(status_of(e) >= 500 for e in events), events),
        "success_rate": share(sum(200 <= status_of(e) < 400 for e in events), events),
        "bytes_sent": sum(e["bytes_sent"] or 0 for e in events),
        "timed_requests": len(timed),
        "avg_response_time_ms": mean(timed),
        **{f"p{p}_response_time_ms": quantile(timed, p / 100) for p in (50, 95, 99)},
    }


def sessions(events: list[Event], gap_seconds: int, source_gap_seconds: int) -> list[list[Event]]:
    """Events of each session in the order of time and event_id."""

    def visit(event: Event) -> tuple[str, str] | None:
        if event["session_id"] is not None:
            return "s", event["session_id"]
        return ("v", event["visitor_id"]) if event["visitor_id"] is not None else None

    found: list[list[Event]] = []
    for key, own in grouped(events, visit).items():
        if key is None:
            continue
        gap = (source_gap_seconds if key[0] == "s" else gap_seconds) * 1_000_000
        chain: dict[date, list[Event]] = {}
        begun, previous = day_of(0), None
        for event in sorted(own, key=lambda e: (e["us"], e["event_id"])):
            today = day_of(event["us"])
            if previous is None or event["us"] - previous > gap:
                found.extend(chain.values())
                chain, begun = {}, today
            belongs = begun if today - begun <= timedelta(days=1) else today
            chain.setdefault(belongs, []).append(event)
            previous = event["us"]
        found.extend(chain.values())
    return found


def session(events: list[Event], goals: list[Row]) -> Row:
    pages = [e for e in events if is_page(e)]
    entry, last = (pages or events)[0], (pages or events)[-1]
    timed = times(events)
    reached = {g["goal"] for g in goals for e in events if fits(e, g)}
    unknown = any(e["is_bot"] is None for e in events)
    return {
        "date": day_of(events[0]["us"]),
        "start_us": events[0]["us"],
        "duration_seconds": (events[-1]["us"] - events[0]["us"]) / 1e6,
        "requests": len(events),
        "pages": len(pages),
        "entry_path": entry["path"],
        "exit_path": last["path"],
        "is_bounce": len(pages) <= 1,
        "errors": sum(status_of(e) >= 400 for e in events),
        "timed_requests": len(timed),
        "avg_response_time_ms": mean(timed),
        "max_response_time_ms": max(timed, default=None),
        "is_bot": True if any(e["is_bot"] for e in events) else None if unknown else False,
        "is_converted": bool(reached),
        "goals_reached": len(reached),
        **{c: entry[c] for c in ("visitor_id", "referrer_host", "utm_source", "country", "device")},
        "goals": reached,
    }


def fits(event: Event, goal: Row) -> bool:
    """Patterns of the tests have one '%' or none."""
    before, *after = goal["path_pattern"].split("%")
    path = event["path"]
    is_like = path is not None and (
        path == before
        if not after
        else path.startswith(before) and path.endswith(after[0]) and len(path) >= len(before) + len(after[0])
    )
    is_method = goal["method"] is None or goal["method"] == event["method"]
    return is_like and is_method and goal["min_status"] <= status_of(event) <= goal["max_status"]


def band(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "unknown"
    ends = ((100, "0-100 ms"), (300, "100-300 ms"), (1000, "300-1000 ms"), (3000, "1000-3000 ms"))
    return next((name for end, name in ends if milliseconds < end), "3000+ ms")
