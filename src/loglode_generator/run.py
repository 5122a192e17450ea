"""Writes the logs: a day's visits at once, its requests slice by slice, facts at the end."""

from __future__ import annotations

import json
import math
import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb

from loglode.errors import LoglodeError, UsageError
from loglode_generator import hits, sessions
from loglode_generator.calendar import DAY_MS, Slice, Window, incidents, plan, quotas
from loglode_generator.catalogue import PAGES
from loglode_generator.draw import Draw, text
from loglode_generator.facts import FACTS_NAME, Facts
from loglode_generator.lines import lines
from loglode_generator.spec import GenerateSpec
from loglode_generator.tally import Tally
from loglode_generator.walks import library

MEMORY_LIMIT: Final = "450MB"
LONGEST_BURST: Final = 300
"""Lines that a shipper sends again at once, at most."""

_SCRATCH: Final = ".generate-"
_SQL_TYPES: Final = {int: "INTEGER", str: "VARCHAR", bool: "BOOLEAN"}

Progress = Callable[[int, int], None]


def generate(spec: GenerateSpec, *, progress: Progress | None = None, threads: int | None = None) -> Facts:
    """Write the logs that `spec` asks for into `spec.out`, and `_facts.json` beside them.

    `progress` is called with (events written, events in all). `threads` changes the speed, never
    the bytes. What an earlier call wrote into the folder is replaced.

    Raises UsageError if the folder holds anything else, LoglodeError if it cannot be written.
    """
    try:
        _make_room(spec.out)
        return _fill(spec, progress, threads)
    except (OSError, duckdb.Error) as error:
        reason = str(error).splitlines()[0]
        raise LoglodeError(
            f"cannot write logs to {spec.out}: {reason}", hint="check the folder and its free space"
        ) from error


def _fill(spec: GenerateSpec, progress: Progress | None, threads: int | None) -> Facts:
    """Make the files in a hidden folder beside their place, then move them all, facts last."""
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=spec.out) as scratch:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(Path(scratch, "spill")),
        }
        if threads is not None:
            config["threads"] = threads
        with duckdb.connect(config=config) as con:
            facts = _Writer(con, spec, Path(scratch), progress).write()
        for file in facts.files:
            Path(scratch, file.name).replace(spec.out / file.name)
    facts.write(spec.out)
    return facts


def _make_room(out: Path) -> None:
    """Create the folder, or empty it of an earlier call's files, known from its facts."""
    out.mkdir(parents=True, exist_ok=True)
    known = out / FACTS_NAME
    ours = {FACTS_NAME}
    if known.is_file():
        try:
            ours |= {str(file["name"]) for file in json.loads(known.read_bytes())["files"]}
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{known} is damaged", hint="choose an empty folder") from error
    # What a killed call left is ours too.
    scratch = {entry.name for entry in out.iterdir() if entry.name.startswith(_SCRATCH)}
    found = {entry.name for entry in out.iterdir()} - scratch
    if found - ours:
        raise UsageError(f"{out} holds other files", hint="choose an empty folder")
    for name in scratch:
        shutil.rmtree(out / name)
    for name in found:
        (out / name).unlink()


class _Writer:
    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        spec: GenerateSpec,
        scratch: Path,
        progress: Progress | None,
    ) -> None:
        self._con = con
        self._spec = spec
        self._scratch = scratch
        self._progress = progress
        self._draw = Draw(spec)
        self._tally = Tally(con, spec)
        self._rng = random.Random(f"{spec.seed}/bursts")
        self._written = 0
        self._resent = 0

    def write(self) -> Facts:
        """Make all days; returns the facts. The files are left in the scratch folder."""
        self._con.execute(hits.macros(self._draw))
        _load_pages(self._con)
        _load_walks(self._con, self._spec.seed)
        days, trouble = quotas(self._spec), incidents(self._spec)
        today = -1
        for piece in plan(self._spec)[1]:
            windows = [window for window in trouble if window.day == piece.day]
            crowd = hits.Crowd.of(days[piece.day], windows)
            if piece.day != today:
                today = piece.day
                self._begin_day(today, crowd.people, windows)
            self._write_slice(piece, crowd, windows)
        return self._tally.facts()

    def _begin_day(self, day: int, people: int, windows: list[Window]) -> None:
        """Make the table `sessions`: today's, and those of yesterday that crossed midnight."""
        if day == 0:
            carried = ""
        else:
            self._con.execute(
                f"CREATE OR REPLACE TEMP TABLE carried AS SELECT * REPLACE (start - {DAY_MS} AS "
                f"start) FROM sessions WHERE start >= 0 AND start + dur >= {DAY_MS}"
            )
            carried = " UNION ALL BY NAME SELECT * FROM carried"
        made = sessions.visits(
            self._draw,
            day=day,
            events=people,
            loyal=max(self._spec.events // 60, 3),
            last=day == self._spec.days - 1,
            windows=windows,
        )
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE sessions AS ({made}){carried}")

    def _write_slice(self, piece: Slice, crowd: hits.Crowd, windows: list[Window]) -> None:
        rows = hits.rows(self._draw, piece, crowd, windows)
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE slice AS {rows}")
        counts: dict[int, int] = dict(
            self._con.execute("SELECT server, count(*) FROM slice GROUP BY server").fetchall()
        )
        self._written += sum(counts.values())
        self._tally.add_slice(piece.day)
        bursts = self._bursts(counts, last=self._written == self._spec.events)
        first = 0
        for server in sorted(counts):
            end = first + counts[server]
            mine = [(b, e) for b, e in bursts if first <= b < end]
            self._append(piece, piece.files[server], first, end, mine)
            first = end
        if self._progress is not None:
            self._progress(self._written, self._spec.events)

    def _bursts(self, counts: dict[int, int], *, last: bool) -> list[tuple[int, int]]:
        """Stretches of the slice (row ids, end excluded) that are sent again; none overlap."""
        share = self._spec.duplicate_share
        due = round(self._written * share) - self._resent
        enough = due if last else min(40, max(round(self._spec.events * share), 1))
        if not self._spec.resends or due < max(enough, 1):
            return []
        total = sum(counts.values())
        wanted = math.ceil(due / LONGEST_BURST)
        bursts: list[tuple[int, int]] = []
        first = 0
        for server in sorted(counts):
            room = counts[server]
            parts = min(max(math.ceil(wanted * room / total), 1), room)
            for part in range(parts):
                begin, end = room * part // parts, room * (part + 1) // parts
                length = min(LONGEST_BURST, end - begin, due)
                if length > 0:
                    start = first + begin + self._rng.randrange(end - begin - length + 1)
                    bursts.append((start, start + length))
                    due -= length
                    self._resent += length
            first += room
        return bursts

    def _append(self, piece: Slice, name: str, first: int, end: int, bursts: list[tuple[int, int]]) -> None:
        """Write these rows of the slice, and the bursts right after themselves, to a file."""
        source = f"SELECT * FROM slice WHERE rowid >= {first} AND rowid < {end}"
        if bursts:
            again = " ".join(f"WHEN rowid >= {b} AND rowid < {e} THEN {e - 1}" for b, e in bursts)
            source = (
                f"SELECT * FROM (SELECT *, rowid AS id, 0 AS copy, rowid AS place FROM slice "
                f"UNION ALL SELECT *, rowid, 1, CASE {again} END FROM slice) "
                f"WHERE id >= {first} AND id < {end} AND place IS NOT NULL ORDER BY place, copy, id"
            )
        for begin, stop in bursts:
            self._tally.add_copies(begin, stop)
        self._tally.add_lines(name, end - first + sum(e - b for b, e in bursts))
        midnight = datetime.combine(self._spec.day(piece.day), datetime.min.time(), tzinfo=UTC)
        made = lines(self._draw, int(midnight.timestamp()) * 1000, source)
        part = self._scratch / "part"
        self._copy(made, part)
        target = self._scratch / name
        if not target.exists():
            self._begin_file(target)
        if target.exists():
            # Members of gzip and frames of zstd may follow each other, as lines may.
            with part.open("rb") as new, target.open("ab") as old:
                shutil.copyfileobj(new, old, 1 << 20)
        else:
            part.replace(target)

    def _begin_file(self, target: Path) -> None:
        """Write the format's header, if it has one: a member of gzip or a frame of zstd of its own."""
        header = self._spec.template.header
        if not header:
            return
        values = ", ".join(f"({text(line)})" for line in header.splitlines())
        self._copy(f"SELECT * FROM (VALUES {values})", target)
        self._tally.add_lines(target.name, header.count("\n"))

    def _copy(self, select: str, target: Path) -> None:
        # No quote character: lines go out as they are. None holds the delimiter, U+0001.
        self._con.execute(
            f"COPY ({select}) TO {text(str(target))} (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', "
            f"DELIMITER '\x01', COMPRESSION {self._spec.compression})"
        )


def _load_pages(con: duckdb.DuckDBPyConnection) -> None:
    hosts = [hits.API if page.prefix.startswith("/api/") else hits.SITE for page in PAGES]
    rows = ", ".join(
        f"({number}, {text(p.prefix)}, {text(p.param)}, {text(p.suffix)}, {p.base_ms}::DOUBLE, "
        f"{p.size}, {text(p.mode)}, {text(host)})"
        for number, (p, host) in enumerate(zip(PAGES, hosts, strict=True))
    )
    con.execute(
        "CREATE TEMP TABLE pages AS SELECT * FROM (VALUES "
        f"{rows}) AS t(page, prefix, param, suffix, base_ms, size, mode, host)"
    )


def _load_walks(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    """The templates as the table `walks`, a row a step, and `walk_sizes`, a row a template."""
    steps = [
        {"walk": walk, "step": number, **asdict(step)}
        for walk, found in enumerate(library(seed))
        for number, step in enumerate(found)
    ]
    # As one JSON text: binding lists of this length as parameters takes seconds.
    shape = json.dumps([{name: _SQL_TYPES[type(value)] for name, value in steps[0].items()}])
    con.execute(
        f"CREATE TEMP TABLE walks AS SELECT unnest(from_json(?, {text(shape)}), recursive := true)",
        [json.dumps(steps)],
    )
    con.execute(
        "CREATE TEMP TABLE walk_sizes AS SELECT walk, count(*) AS steps, "
        "max(offset_ms) AS longest FROM walks GROUP BY walk"
    )
