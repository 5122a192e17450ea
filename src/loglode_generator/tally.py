"""Figures of what was written, gathered slice by slice and put together at the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from loglode_generator.calendar import Window, incidents
from loglode_generator.facts import Facts, FileFacts, Incident
from loglode_generator.lines import BROKEN_KINDS
from loglode_generator.spec import GenerateSpec

_TABLES = """
CREATE TEMP TABLE tally(day INTEGER, status SMALLINT, method VARCHAR, human BOOLEAN,
  n BIGINT, bytes HUGEINT, orders BIGINT, placed BIGINT, first BIGINT, last BIGINT);
CREATE TEMP TABLE paths(path VARCHAR, n BIGINT);
CREATE TEMP TABLE clients(addr VARCHAR);
CREATE TEMP TABLE damage(broken INTEGER, n BIGINT);
"""
_RECOUNT_ROWS = 2_000_000


class Tally:
    """Counts the rows of every slice inside DuckDB; `facts` gives the exact totals."""

    def __init__(self, con: duckdb.DuckDBPyConnection, spec: GenerateSpec) -> None:
        self._con = con
        self._spec = spec
        self._files: dict[str, int] = {}
        self._copies = 0
        self._kept = 0
        con.execute(_TABLES)

    def add_slice(self, day: int) -> None:
        """Count the table `slice`, which holds each request of a part of this day once."""
        self._con.execute(
            f"""INSERT INTO tally SELECT {day}, status, method, human, count(*), sum(bytes),
              count(*) FILTER (method = 'GET' AND status = 200
                AND path LIKE '/orders/%/confirmation'),
              count(*) FILTER (method = 'POST' AND status = 201 AND path = '/orders'),
              min(ts), max(ts) FROM slice WHERE broken = 0 GROUP BY status, method, human"""
        )
        self._con.execute("INSERT INTO paths SELECT path, count(*) FROM slice WHERE broken = 0 GROUP BY path")
        self._con.execute("INSERT INTO clients SELECT DISTINCT addr FROM slice WHERE broken = 0")
        self._con.execute(
            "INSERT INTO damage SELECT broken, count(*) FROM slice WHERE broken > 0 GROUP BY broken"
        )
        self._shrink()

    def _shrink(self) -> None:
        """Merge what the slices have in common, so that long periods need no more memory."""
        (size,) = self._one("SELECT (SELECT count(*) FROM clients) + (SELECT count(*) FROM paths)")
        if size - self._kept < _RECOUNT_ROWS:
            return
        self._con.execute(
            "CREATE OR REPLACE TEMP TABLE paths AS SELECT path, sum(n)::BIGINT AS n FROM paths GROUP BY path"
        )
        self._con.execute("CREATE OR REPLACE TEMP TABLE clients AS SELECT DISTINCT addr FROM clients")
        (self._kept,) = self._one("SELECT (SELECT count(*) FROM clients) + (SELECT count(*) FROM paths)")

    def add_copies(self, first: int, end: int) -> None:
        """Count the rows of `slice` from `first` up to `end` that were written a second time."""
        held = f"FROM slice WHERE rowid >= {first} AND rowid < {end}"
        (copies,) = self._one(f"SELECT count(*) FILTER (broken = 0) {held}")
        self._copies += copies
        # A copy of a broken line is one more broken line: nothing identifies it as a copy.
        self._con.execute(f"INSERT INTO damage SELECT broken, count(*) {held} AND broken > 0 GROUP BY broken")

    def add_lines(self, name: str, lines: int) -> None:
        """So many more lines have gone into the file of this name."""
        self._files[name] = self._files.get(name, 0) + lines

    def facts(self) -> Facts:
        """All figures; the events are `good_events` and the broken ones, each once."""
        broken = self._broken()
        lines = sum(self._files.values())
        n, total, orders, placed = self._one(
            "SELECT coalesce(sum(n), 0)::BIGINT, coalesce(sum(bytes), 0)::VARCHAR, "
            "coalesce(sum(orders), 0)::BIGINT, coalesce(sum(placed), 0)::BIGINT FROM tally"
        )
        humans, bots = self._crowds()
        first, last = self._span()
        return Facts(
            format=self._spec.format,
            compression=self._spec.compression,
            seed=self._spec.seed,
            events=self._spec.events,
            lines=lines,
            broken_lines=sum(broken.values()),
            broken_lines_by_kind=broken,
            duplicate_lines=self._copies,
            files=tuple(FileFacts(name=k, lines=v) for k, v in sorted(self._files.items())),
            good_events=n,
            good_by_day={self._spec.day(d).isoformat(): v for d, v in self._by("day").items()},
            good_by_status={str(k): v for k, v in self._by("status").items()},
            good_by_method=self._by("method"),
            good_bytes_sent=int(total),
            good_client_addresses=self._one("SELECT count(DISTINCT addr) FROM clients")[0],
            good_human_requests=humans,
            good_bot_requests=bots,
            good_orders=orders,
            good_orders_placed=placed,
            good_top_paths=self._top_paths(),
            good_first_timestamp=first,
            good_last_timestamp=last,
            incidents=tuple(self._incident(window) for window in incidents(self._spec)),
        )

    def _one(self, sql: str) -> tuple[Any, ...]:
        row = self._con.execute(sql).fetchone()
        return row if row is not None else ()

    def _by(self, column: str) -> dict[Any, int]:
        return dict(
            self._con.execute(f"SELECT {column}, sum(n)::BIGINT FROM tally GROUP BY 1 ORDER BY 1").fetchall()
        )

    def _broken(self) -> dict[str, int]:
        rows = self._con.execute("SELECT broken, sum(n)::BIGINT FROM damage GROUP BY 1 ORDER BY 1").fetchall()
        return {BROKEN_KINDS[number - 1]: count for number, count in rows}

    def _crowds(self) -> tuple[int | None, int | None]:
        if "user_agent" not in self._spec.template.carries:
            return None, None
        counts = self._by("human")
        return counts.get(True, 0), counts.get(False, 0)

    def _top_paths(self) -> tuple[tuple[str, int], ...]:
        rows = self._con.execute(
            "SELECT path, sum(n)::BIGINT AS total FROM paths GROUP BY path ORDER BY total DESC, path LIMIT 10"
        ).fetchall()
        return tuple((path, count) for path, count in rows)

    def _span(self) -> tuple[str | None, str | None]:
        first = self._one("SELECT day, first FROM tally ORDER BY 1, 2 LIMIT 1")
        last = self._one("SELECT day, last FROM tally ORDER BY 1 DESC, 2 DESC LIMIT 1")
        if not first:
            return None, None
        return self._time(*first), self._time(*last)

    def _time(self, day: int, ms: int) -> str:
        moment = _midnight(self._spec, day) + timedelta(milliseconds=ms)
        precision = "milliseconds" if "%g" in self._spec.template.time_format else "seconds"
        return moment.isoformat(timespec=precision).replace("+00:00", "Z")

    def _incident(self, window: Window) -> Incident:
        what = {
            "outage": "a third of the shop's requests fail with 5xx, the rest are six times slower",
            "attack": "60 addresses of 198.51.100.0/24 try passwords and carts of users",
        }[window.kind]
        midnight = _midnight(self._spec, window.day)
        begin, end = (
            (midnight + timedelta(milliseconds=ms)).isoformat().replace("+00:00", "Z")
            for ms in (window.start, window.end)
        )
        return Incident(kind=window.kind, start=begin, end=end, what=what)


def _midnight(spec: GenerateSpec, day: int) -> datetime:
    date = spec.day(day)
    return datetime(date.year, date.month, date.day, tzinfo=UTC)
