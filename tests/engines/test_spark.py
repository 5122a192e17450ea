"""Spark and the embedded engine give the same rows, share a lake, and survive each other."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import deltalake
import pytest
from hypothesis import Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from tests.helpers.contracts import contract_with, own_field, own_names
from tests.helpers.lakes import (
    ALL_TABLES,
    BY_BATCH,
    KEY,
    LINEAGE,
    assert_same,
    finish,
    load,
    log_lines,
    record,
    records,
    settings,
    start,
    table,
    verify,
    write,
)

from loglode import logs, operations
from loglode.engines.spark import models
from loglode.engines.spark.session import _ANSWERS, _LOCAL, open_session
from loglode.errors import ObjectChangedError
from loglode.sources import discover
from loglode_generator import GenerateSpec, generate

# Spark's own: it leaves sockets to the garbage collector, and uses what Python and pandas will drop.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
TABLES_OF_EVENTS = [name for name in ALL_TABLES if name not in BY_BATCH]
# How often a Spark process is killed; each time costs the start of a Java machine.
KILLS = int(os.environ.get("SPARK_KILLS", "1"))
SEED = 20260310


@dataclass
class Said:
    """What Spark tells while the tests of this file run."""

    events: Path  # a folder: each job, its plan and its settings
    output: Path


@pytest.fixture(scope="module", autouse=True)
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Said]:
    """One Spark for all tests: an engine uses the one that runs already, and leaves it running."""
    folder = tmp_path_factory.mktemp("said")
    said = Said(folder / "events", folder / "output")
    said.events.mkdir()
    listened = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": said.events.as_uri()}
    options = " ".join(f"--conf {name}={value}" for name, value in listened.items())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"{options} pyspark-shell")
        patch.setitem(_LOCAL, "spark.sql.shuffle.partitions", "2")
        with written_to(said.output):
            session, _ = open_session("local[2]")
    yield said
    session.stop()


@pytest.fixture(autouse=True)
def _nothing_stays_cached(said: Said) -> Iterator[None]:
    """What an engine keeps in memory while it works is released when it is done."""
    del said
    yield
    # pyspark offers no look at what is cached.
    assert SparkSession.builder.getOrCreate()._jsparkSession.sharedState().cacheManager().isEmpty()


@contextlib.contextmanager
def written_to(file: Path) -> Iterator[None]:
    """What processes that start meanwhile print, now or later, goes to the file."""
    standard = {stream: os.dup(stream) for stream in (1, 2)}
    with file.open("ab") as target:
        for stream in standard:
            os.dup2(target.fileno(), stream)
    try:
        yield
    finally:
        for stream, own in standard.items():
            os.dup2(own, stream)
            os.close(own)


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark compiles nothing: for a few rows that takes most of the time. Other tests let it."""
    monkeypatch.setitem(_ANSWERS, "spark.sql.codegen.wholeStage", "false")
    monkeypatch.setitem(_ANSWERS, "spark.sql.codegen.factoryMode", "NO_CODEGEN")


def both(folder: Path, *sources: Path) -> None:
    """Load the sources with either engine, and see that all tables are the same, row by row."""
    for engine in ("duckdb", "spark"):
        load(folder / engine, *sources, engine=engine)
    assert_same(folder / "duckdb", folder / "spark", without={"engine"})


SOME_FORMATS = ("json", "combined", "haproxy", "w3c")


@pytest.mark.usefixtures("interpreted")
def test_generated_logs_of_every_kind_of_format(tmp_path: Path) -> None:
    """One format of each way to read a line: tasks run the embedded engine's own statement for all of them."""
    for form in SOME_FORMATS:
        generate(
            GenerateSpec(
                out=tmp_path / form, events=1500, days=2, start=date(2026, 3, 9), seed=7, files=2, format=form,
                broken_share=0.03, duplicate_share=0.03,
            )
        )  # fmt: skip
    array = tmp_path / "more" / "array.json"
    array.parent.mkdir()
    array.write_text(json.dumps(records(50, client_ip="2001:db8::7")), encoding="utf-8")
    both(tmp_path, *(tmp_path / form for form in (*SOME_FORMATS, "more")))


def test_real_logs(tmp_path: Path, real_logs: Path) -> None:
    both(tmp_path, *(real_logs / name for name in ("combined", "crowdsec", "elb", "lnav")))


_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from([1e999, -0.0, 2**63, 10**40, "", "-", "NaN", "\x00", "\u2028", "é" * 50, {"a": [1]}, []]),
)
_TIMES = st.one_of(
    st.sampled_from(
        [
            "2026-03-10T23:59:59.999999+13:45", "2026-02-29T00:00:00Z", "2026-03-10 12:00:00", "2026-03-10",
            "10/Mar/2026:13:55:36 -0700", 1773144000, 1773144000123, "1773144000.5", 1773144000123456789, "now",
            "0001-01-01T00:00:00Z", "1582-10-10T12:00:00Z", "1900-01-01T00:00:00Z", "1969-12-31T23:59:59.5Z",
            "9999-12-31T23:59:59.999999Z",
        ]
    ),
    # Within days: each day more is a partition more of every table.
    st.datetimes(datetime(2026, 3, 9), datetime(2026, 3, 12)).map(str),  # noqa: DTZ001 - as logs have them
    _ODD,
)  # fmt: skip
_EVENTS = st.builds(
    lambda base, odd: base | odd,
    st.integers(0, 200_000).map(record),
    st.dictionaries(
        st.sampled_from(
            ["method", "path", "status", "response_time_ms", "bytes", "client_ip", "user_agent", "user_id", "session_id",
             "referrer", "host", "query", "country", "request_id", "utm_source"]
        ),
        _ODD,
        max_size=4,
    ) | st.fixed_dictionaries({"timestamp": _TIMES}),
)  # fmt: skip


@pytest.mark.usefixtures("interpreted")
@given(events=st.lists(_EVENTS, min_size=150, max_size=300))
# Shrinking would start Spark a hundred times.
@hypothesis_settings(max_examples=2, phases=(Phase.explicit, Phase.generate))
def test_odd_events(tmp_path_factory: pytest.TempPathFactory, events: list[dict[str, Any]]) -> None:
    folder = tmp_path_factory.mktemp("odd")
    both(folder, write(folder / "odd.json", [json.dumps(event) for event in events]))


@pytest.mark.usefixtures("interpreted")
def test_a_lake_begun_by_one_and_continued_by_the_other(tmp_path: Path, logs: list[Path]) -> None:
    lakes = {name: tmp_path / name for name in ("alone", "spark-last", "spark-first")}
    halves = (logs[:3], logs[2:])  # one file comes to both
    for name, engines in (
        ("alone", ("duckdb", "duckdb")),
        ("spark-last", ("duckdb", "spark")),
        ("spark-first", ("spark", "duckdb")),
    ):
        for engine, half in zip(engines, halves, strict=True):
            load(lakes[name], *half, engine=engine)
    assert_same(lakes["alone"], lakes["spark-last"], without={"engine"})
    assert_same(lakes["alone"], lakes["spark-first"], without={"engine"})


def test_logs_that_begin_alike_are_told_apart_by_both_engines(tmp_path: Path) -> None:
    """The first two in one batch, the third against the table, and a copy that adds nothing."""
    logs = [
        write(tmp_path / f"{n}.json", [*records(3), *records(3, first=600 + n, host=f"{n}.example")])
        for n in range(3)
    ]
    copy = tmp_path / "copy.json"
    copy.write_bytes(logs[0].read_bytes())
    for name, engines in (("alone", ("duckdb", "duckdb")), ("spark", ("spark", "spark"))):
        for engine, part in zip(engines, (logs[:2], [logs[2], copy]), strict=True):
            load(tmp_path / name, *part, engine=engine)
        assert len({row["event_id"] for row in table(tmp_path / name, "silver/web_logs")}) == 18
    assert_same(tmp_path / "alone", tmp_path / "spark", without={"engine"})


@pytest.mark.usefixtures("interpreted")
def test_an_object_that_breaks_off_in_a_task_fails_alone(tmp_path: Path) -> None:
    """With the class of its error, and after lines of it reached the engine."""
    lake, noise = tmp_path / "lake", random.Random(SEED)
    small = write(tmp_path / "a.json", records(3))
    large = write(
        tmp_path / "b.json", [{**r, "x": noise.randbytes(600).hex()} for r in records(2_000, first=5_000)]
    )
    listed = discover([str(small), str(large)])
    whole = large.read_bytes()
    large.write_bytes(whole[: 3 << 19])
    report = operations.load_objects(settings(lake, engine="spark"), listed)
    assert report.ledger.kinds == {"Loaded": 1, "Changed": 1}
    assert type(report.ledger.failures[listed[1]].error) is ObjectChangedError
    assert (report.lines_read, report.rows_silver) == (3, 3)
    large.write_bytes(whole)
    report = operations.load_objects(settings(lake, engine="spark"), discover([str(small), str(large)]))
    assert report.ledger.kinds == {"Skipped": 1, "Loaded": 1} and report.rows_silver == 2_000


@pytest.mark.usefixtures("interpreted")
def test_both_at_once(tmp_path: Path, logs: list[Path]) -> None:
    calm, busy = tmp_path / "calm", tmp_path / "busy"
    load(calm, *logs)
    other = start("run", busy, logs[:4], batch_bytes=1)
    load(busy, *logs[2:], engine="spark", batch_bytes=1)
    finish(other, busy)
    verify(busy)
    assert_same(calm, busy, names=TABLES_OF_EVENTS, without=LINEAGE)


def command(lake: Path, *sources: Path) -> list[str]:
    """A run by Spark in a process of its own."""
    words = [
        "run",
        *map(str, sources),
        "--lake",
        str(lake),
        "--engine",
        "spark",
        "--master",
        "local[2]",
        "--json",
    ]
    return [sys.executable, "-m", "loglode", *words]


@pytest.mark.usefixtures("interpreted")
def test_killed_at_any_moment(tmp_path: Path, logs: list[Path]) -> None:
    calm = tmp_path / "calm"
    load(calm, *logs)
    moments = random.Random(SEED)
    for number in range(KILLS):
        struck = tmp_path / f"struck-{number}"
        with killed(struck, *logs, after=moments.uniform(0, 6)):
            # Java and its workers end by themselves, a moment later, while the next run is under way.
            load(struck, *logs, engine="spark")
        assert_same(calm, struck, names=TABLES_OF_EVENTS)
        operations.maintain(settings(struck), keep_hours=0, is_forced=True)
        for name in ALL_TABLES:
            known = {Path(path) for path in deltalake.DeltaTable(str(struck / name)).file_uris()}
            there = {path for path in (struck / name).rglob("*.parquet") if path.parent.name != "_delta_log"}
            assert there == known, name
        assert not list((struck / "_staging").iterdir())


@contextlib.contextmanager
def killed(lake: Path, *sources: Path, after: float) -> Iterator[None]:
    """A run that is killed `after` seconds of work; at the end all processes that it had started are gone."""
    environment = os.environ | {"LOGLODE_KEY_FILE": str(lake.parent / "key")}
    with subprocess.Popen(
        command(lake, *sources), env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout
        while process.poll() is None and not list(lake.glob("_staging/*/*")):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.05)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=after)
        process.kill()
        assert process.wait() == -signal.SIGKILL, "it was not done yet"
        try:
            yield
        finally:
            process.stdout.read()


@pytest.mark.usefixtures("interpreted")
def test_the_key_is_in_no_plan_log_or_event(
    tmp_path: Path, said: Said, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever tests ran before this one in the same Spark are searched, too. Kept rows as on a cluster."""
    kept = Mock(return_value=False)
    monkeypatch.setattr(models, "on_one_machine", kept)
    source = write(tmp_path / "in.json", records(20, user_id="somebody"))
    logs.configure("cli", form="json", level="debug")
    load(tmp_path / "lake", source, engine="spark", correlation_id="c-1")
    output, own = said.output.read_text(encoding="utf-8"), capsys.readouterr().err
    events = [path.read_text(encoding="utf-8") for path in said.events.rglob("*") if path.is_file()]
    assert any("parquet" in text.lower() for text in events), "plans are in the event log"
    assert not [text for text in (*events, output, own) if KEY in text]

    tasks, driver = log_lines(output), log_lines(own)
    assert {line["correlation_id"] for line in (*tasks, *driver)} == {"c-1"}
    (task,) = [line for line in tasks if line["message"] == "task done"]
    (loaded,) = [line for line in driver if line["message"] == "batch loaded"]
    assert task["counts"] == {"objects": 1, "lines_read": 20}
    assert (task["batch_id"], task["step"]) == (loaded["batch_id"], "bronze_to_silver")
    assert "somebody" not in output + own
    load(tmp_path / "embedded", source, correlation_id="c-1")
    assert kept.called
    assert_same(tmp_path / "embedded", tmp_path / "lake", without={"engine"})


@pytest.mark.usefixtures("interpreted")
def test_fields_of_any_name_hold_their_own_values(tmp_path: Path) -> None:
    names = sorted(
        {"text", "url", "order", "group", "filename", "file_row_number", "hour", *own_names()[::20]}
    )
    contract = contract_with(tmp_path / "own.yaml", map(own_field, names))
    event = record(0, event_id="e", **{f"own-{name}": f"value of {name}" for name in names})
    first = write(tmp_path / "a.json", [event, "broken", event, record(1)])
    second = write(tmp_path / "b.json", [event, record(2)])
    lakes = {engine: tmp_path / engine for engine in ("duckdb", "spark")}
    for engine, lake in lakes.items():
        for source in (first, second):
            load(lake, source, engine=engine, contract=contract)
    row, *others = sorted(table(lakes["spark"], "silver/web_logs"), key=lambda row: row["event_ts"])
    assert {name: row[name] for name in names} == {name: f"value of {name}" for name in names}
    assert len(others) == 2
    assert_same(lakes["duckdb"], lakes["spark"], without={"engine"})
