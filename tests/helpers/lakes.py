"""What the tests share: writing small logs, loading them, and comparing lakes row by row.

Tables are read here with nothing of the package: Delta's list of files, and the files.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import traceback
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import resources
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

import deltalake
import duckdb

from loglode import logs, operations
from loglode.models.model import load_models
from loglode.operations import RunReport
from loglode.settings import Settings
from loglode.sources.listing import on_s3

Record = dict[str, Any]
Row = tuple[str, ...]
START = datetime(2026, 3, 10, 12, tzinfo=UTC)
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
BUCKET = "loglode-test"
KEY = "a key of the tests, not a secret"

SILVER, QUARANTINE, RUNS = "silver/web_logs", "quarantine/web_logs", "ops/runs"
# Its fields are told from a sample, which depends on how lines come in blocks.
QUALITY = "ops/quality"
_GOLD_MODELS = sorted((m for m in load_models() if m.layer == "gold"), key=lambda model: model.name)
GOLD = tuple(f"gold/{model.name}" for model in _GOLD_MODELS)
ALL_TABLES = (SILVER, QUARANTINE, RUNS, *GOLD)
BY_BATCH = (RUNS, *(f"gold/{model.name}" for model in _GOLD_MODELS if model.is_by_batch))

# Their rows come in more or fewer pieces, by how the lines came in batches; put together, they are the same.
IN_PIECES = {
    f"gold/{model.name}": (
        "select visit_key, visitor_id, is_bot, hour_us, min(first_us) as first_us, max(last_us) as last_us,"
        " sum(requests) as requests, sum(pages) as pages,"
        " sum(errors) as errors, sum(response_us) as response_us, list_sort(list_distinct(flatten(list(routes)))) as routes,"
        " list_sort(list_distinct(flatten(list(goals)))) as goals"
        " from rows group by visit_key, visitor_id, is_bot, hour_us"
    )
    for model in _GOLD_MODELS
    if model.grows
}

TIMINGS = frozenset(
    "processed_at started_at finished_at read_seconds dedupe_seconds commit_seconds silver_version"
    " bronze_to_silver_seconds bronze_to_gold_seconds freshness_seconds lines_per_second".split()
)
LINEAGE = frozenset({"batch_id", "source_object", "source_line"})
_CLOCK_PARTITIONED = (QUARANTINE, RUNS, "gold/pipeline_metrics")
_DAY = frozenset({"year", "month", "day", "date"})
_READ = "from read_parquet(?, hive_partitioning = true, union_by_name = true)"


def record(seconds: float = 0, **changes: Any) -> Record:
    """A good record, some seconds after START; a change to None takes the key away."""
    moment = START + timedelta(seconds=seconds)
    values: Record = {
        "timestamp": moment.isoformat(timespec="milliseconds"),
        "client_ip": "203.0.113.7",
        "method": "GET",
        "path": "/articles/17",
        "status": 200,
        "response_time_ms": 12.5,
        "bytes": 1000,
        "user_agent": AGENT,
    }
    return {key: value for key, value in (values | changes).items() if value is not None}


def records(count: int, *, first: float = 0, step: float = 60, **changes: Any) -> list[Record]:
    """Good records that differ in time and path."""
    return [record(first + i * step, path=f"/page/{i}", **changes) for i in range(count)]


def probe(seconds: float = 0, kind: str = "probed", **changes: Any) -> Record:
    """A record that is refused (`request_missing`) until a contract knows the names of its path and status."""
    names = {"path": f"{kind}_path", "status": f"{kind}_status"}
    found = record(seconds, **({"method": "PROBE"} | changes))
    return {names.get(key, key): value for key, value in found.items()}


def knows(*kinds: str) -> dict[str, str]:
    """What a contract changes so that it knows the names in records of `probe`."""
    before = {"path": "[request_uri, RequestPath,", "status": "[status, status_code,"}
    return {
        old: "[" + "".join(f"{kind}_{name}, " for kind in kinds) + old[1:] for name, old in before.items()
    }


KNOWS_PROBES = knows("probed")
# Records of such a time are refused (`event_ts_invalid`), and accepted by a contract with the change.
LONG_AGO = datetime(1985, 3, 10, 12, tzinfo=UTC).isoformat()
KNOWS_LONG_AGO = {'minimum: "1990-01-01T00:00:00Z"': 'minimum: "1980-01-01T00:00:00Z"'}


def write(path: Path, lines: Iterable[Record | str], *, append: bool = False) -> Path:
    """Write records as NDJSON; texts stand for themselves."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a" if append else "w", encoding="utf-8") as stream:
        stream.writelines(text + "\n" for text in texts)
    return path


def probes(path: Path) -> Path:
    """Lines that are refused until a contract knows their names, and some that always are or never."""
    lines = [probe(i, path=f"/{i}") for i in range(20)]
    return write(path, [*lines, *records(10, first=100), "broken", record(7, timestamp="never")])


def settings(lake: Path, **changes: Any) -> Settings:
    """Settings of a lake; all lakes of the tests share one key, so that they can be compared."""
    key = lake.parent / "key"
    if not key.exists():
        key.write_text(KEY, encoding="ascii")
    values: Record = {"lake": lake, "key_file": key, "threads": 1}
    return Settings.build(**(values | changes))


def of_lake(lake: Path | Settings) -> Settings:
    """Settings of a lake that is named by its folder or by its settings."""
    return lake if isinstance(lake, Settings) else settings(lake)


def verify(lake: Path | Settings, **changes: Any) -> None:
    """Fail unless `loglode verify` finds the lake whole."""
    report = operations.verify(settings(lake, **changes) if isinstance(lake, Path) else lake)
    assert report.is_ok, [check for check in report.checks if not check.is_ok]


def load(lake: Path, *sources: Path | str, **changes: Any) -> RunReport:
    """Run, and see that nothing failed and the books balance afterwards."""
    report = operations.run(settings(lake, **changes), [str(source) for source in sources])
    assert report.failed == []
    verify(lake, **changes)
    return report


def replay(lake: Path, *, reason: str | None = None, **changes: Any) -> RunReport:
    """Replay quarantine, and see that the books balance afterwards."""
    report = operations.replay_quarantine(settings(lake, **changes), reason=reason)
    verify(lake, **changes)
    return report


def ask(lake: Path | Settings, sql: str) -> list[tuple[Any, ...]]:
    """Rows of `loglode query`."""
    return operations.query(of_lake(lake), sql).rows()


def files_of(lake: Path, name: str) -> list[str]:
    """The files that make up a table now; none where there is no table."""
    root = str(lake / name)
    return deltalake.DeltaTable(root).file_uris() if deltalake.DeltaTable.is_deltatable(root) else []


def table(lake: Path, name: str) -> list[Record]:
    """All rows of a table, in any order; none where there is no table."""
    files = files_of(lake, name)
    if not files:
        return []
    with duckdb.connect(config={"threads": "1"}) as connection:
        connection.execute("set timezone = 'UTC'")
        cursor = connection.execute(_READ, [files])
        columns = [part[0] for part in cursor.description or []]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def rows(lake: Path, name: str, *, without: Collection[str] = ()) -> list[Row]:
    """Rows as sorted tuples of text, without columns that tell when they were made."""
    left_out = _left_out(name, without)
    return sorted(
        tuple(f"{key}={row[key]!r}" for key in sorted(row) if key not in left_out)
        for row in table(lake, name)
    )


def _left_out(name: str, without: Collection[str]) -> set[str]:
    """Columns that tell when rows were made, and those that the caller does not want."""
    left_out = {*TIMINGS, *without, *(_DAY if name in _CLOCK_PARTITIONED else ())}
    return left_out - {"started_at"} if name == "gold/sessions" else left_out


def assert_same(
    left: Path, right: Path, *, names: Sequence[str] = ALL_TABLES, without: Collection[str] = ()
) -> None:
    """Fail unless both lakes hold the same rows in the tables, as often as each other."""
    for name in names:
        files = [files_of(lake, name) for lake in (left, right)]
        if not any(files):
            continue
        with duckdb.connect(config={"threads": "1"}) as connection:
            connection.execute("set timezone = 'UTC'")
            shapes = []
            for view, own, other in (("mine", files[0], files[1]), ("theirs", files[1], files[0])):
                # Without a file there is no row, but there are columns.
                rows = connection.from_query(_READ + ("" if own else " limit 0"), params=[own or other])
                if name in IN_PIECES:
                    rows = rows.query("rows", IN_PIECES[name])
                kinds = dict(zip(rows.columns, rows.types, strict=True))
                kept = sorted(set(kinds) - _left_out(name, without))
                shapes.append([(column, str(kinds[column])) for column in kept])
                # As text, zeros of two signs are two numbers.
                texts = [
                    f'"{column}"::varchar' if kind == "DOUBLE" else f'"{column}"'
                    for column, kind in shapes[-1]
                ]
                rows.project(", ".join(texts)).create(view)
            assert shapes[0] == shapes[1], f"{name}: columns differ"
            held = [connection.table(view).shape[0] for view in ("mine", "theirs")]
            missing = connection.execute("from mine except all from theirs").fetchall()
            if missing or held[0] != held[1]:
                more = connection.execute("from theirs except all from mine").fetchall()
                raise AssertionError(
                    f"{name}: {held[0]} and {held[1]} rows;"
                    f" {len(missing)} only left, e.g. {missing[:2]}; {len(more)} only right, e.g. {more[:2]}"
                )


def counts(lake: Path) -> dict[str, int]:
    """The books of a lake: sums over all batches."""
    names = ("lines_read", "rows_silver", "lines_quarantined", "duplicates", "blank_lines")
    batches = table(lake, RUNS)
    return {name: sum(batch[name] for batch in batches) for name in names}


def state(lake: Path, names: Sequence[str]) -> dict[str, tuple[int, dict[str, str]]]:
    """Version of each table, and every file in its folder with the hash of its bytes."""
    return {
        name: (
            deltalake.DeltaTable(str(lake / name)).version(),
            {
                path.relative_to(lake).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted((lake / name).rglob("*"))
                if path.is_file()
            },
        )
        for name in names
    }


# Processes of their own. They are forked from one that has only imported the package, which saves
# each of them half a second.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["loglode.operations", "tests.helpers.lakes"])


def start(
    kind: Literal["run", "replay", "maintain"],
    lake: Path,
    sources: Sequence[Path | str] = (),
    *,
    batch_bytes: int = 1 << 30,
    contract: Path | None = None,
    code: str = "",
) -> BaseProcess:
    """Start a process that loads, replays or keeps up; `code` is executed in it before."""
    chosen = settings(lake, batch_bytes=batch_bytes, contract=contract)
    words = lake.with_name(f"{lake.name}.words")
    process = _PROCESSES.Process(
        target=_work, args=(kind, chosen, [str(source) for source in sources], code, words)
    )
    process.start()
    return process


def start_on_s3(lake: str, source: str, variables: Mapping[str, str]) -> BaseProcess:
    """Start a process that brings an object to silver of a lake on S3; the variables say where that is."""
    process = _PROCESSES.Process(target=_load_on_s3, args=(lake, source, dict(variables)))
    process.start()
    return process


def _load_on_s3(lake: str, source: str, variables: dict[str, str]) -> None:
    os.environ.update(variables)
    report = operations.load_objects(Settings.build(lake=lake, threads=1), [on_s3(source)])
    assert report.failed == []


def _work(kind: str, chosen: Settings, sources: list[str], code: str, words: Path) -> None:
    try:
        exec(code, {})  # noqa: S102 - the tests' own text
        if kind == "run":
            operations.run(chosen, sources)
        elif kind == "maintain":
            operations.maintain(chosen)
        else:
            operations.replay_quarantine(chosen)
    except BaseException:
        with words.open("a", encoding="utf-8") as stream:
            stream.write(traceback.format_exc())
        raise


def finish(process: BaseProcess, lake: Path, *, code: int = 0) -> None:
    """Wait for the end of a process; fail with its words unless it ends with `code`."""
    process.join(120)
    words = lake.with_name(f"{lake.name}.words")
    assert process.exitcode == code, words.read_text("utf-8") if words.exists() else "no words"


def log_lines(text: str) -> list[dict[str, Any]]:
    """Our own lines of JSON among what a process wrote; each with known keys alone."""
    found = [json.loads(line) for line in text.splitlines() if line.startswith('{"timestamp":')]
    for line in found:
        assert line.keys() <= logs.NAMES, line
        assert all(line[key.name] for key in logs.KEYS if key.is_always), line
    return found


def changed_contract(path: Path, changes: Mapping[str, str]) -> Path:
    """The built-in contract with texts replaced, as version 1.1.0."""
    text = resources.files("loglode.contract").joinpath("web_logs.odcs.yaml").read_text("utf-8")
    for old, new in {"version: 1.0.0": "version: 1.1.0", **changes}.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return path
