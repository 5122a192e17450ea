"""Spark and the embedded engine give the same rows, share a lake, and survive each other."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import deltalake
import pytest
from hypothesis import Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from tests.tools import (
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
    verify,
    write,
)

from loglode import pipeline
from loglode.engines.spark.session import _ANSWERS, open_session
from loglode.generate import GenerateSpec, generate

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


@pytest.fixture(scope="module", autouse=True)
def spark() -> Iterator[SparkSession]:
    """One Spark for all tests: an engine uses the one that runs already, and leaves it running."""
    session, _ = open_session("local[2]")
    yield session
    session.stop()


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


def test_generated_logs_of_every_format(tmp_path: Path) -> None:
    for form in ("json", "combined", "common"):
        generate(
            GenerateSpec(
                out=tmp_path / form, events=1500, days=3, start=date(2026, 3, 9), seed=7, files=4, format=form,
                broken_share=0.03, duplicate_share=0.03 if form == "json" else 0.0,
            )
        )  # fmt: skip
    array = tmp_path / "more" / "array.json"
    array.parent.mkdir()
    array.write_text(json.dumps(records(50, client_ip="2001:db8::7")), encoding="utf-8")
    both(tmp_path, *(tmp_path / form for form in ("json", "combined", "common", "more")))


def test_real_logs(tmp_path: Path, real_logs: Path) -> None:
    both(tmp_path, real_logs)


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
        ]
    ),
    st.datetimes().map(str),
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
    calm, struck = tmp_path / "calm", tmp_path / "struck"
    load(calm, *logs)
    environment = os.environ | {"LOGLODE_KEY_FILE": str(struck.parent / "key")}
    moments = random.Random(SEED)
    for _ in range(KILLS):
        process = subprocess.Popen(
            command(struck, *logs), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(timeout=moments.uniform(4, 25))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    load(struck, *logs, engine="spark")
    assert_same(calm, struck, names=TABLES_OF_EVENTS)
    pipeline.maintain(settings(struck), keep_hours=0)
    for name in ALL_TABLES:
        known = {Path(path) for path in deltalake.DeltaTable(str(struck / name)).file_uris()}
        there = {path for path in (struck / name).rglob("*.parquet") if path.parent.name != "_delta_log"}
        assert there == known, name
    assert not list((struck / "_staging").iterdir())


def test_the_key_is_in_no_plan_log_or_event(tmp_path: Path) -> None:
    events, lake = tmp_path / "events", tmp_path / "lake"
    events.mkdir()
    (tmp_path / "key").write_text(KEY, encoding="ascii")
    source = write(tmp_path / "in.json", records(20, user_id="somebody"))
    listened = f"--conf spark.eventLog.enabled=true --conf spark.eventLog.dir=file://{events} pyspark-shell"
    done = subprocess.run(
        command(lake, source),
        env=os.environ | {"LOGLODE_KEY_FILE": str(tmp_path / "key"), "PYSPARK_SUBMIT_ARGS": listened,
                          "LOGLODE_LOG_FORMAT": "json", "LOGLODE_LOG_LEVEL": "debug",
                          "LOGLODE_CORRELATION_ID": "c-1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = log_lines(done.stderr)
    assert {line["correlation_id"] for line in lines} == {"c-1"}
    (task,) = [line for line in lines if line["message"] == "task done"]
    (loaded,) = [line for line in lines if line["message"] == "batch loaded"]
    assert task["counts"] == {"objects": 1, "lines_read": 20}
    assert (task["batch_id"], task["step"]) == (loaded["batch_id"], "bronze_to_silver")
    assert not [line for line in done.stderr.splitlines() if "somebody" in line]
    logged = [path.read_text(encoding="utf-8") for path in events.rglob("*") if path.is_file()]
    assert any("parquet" in text.lower() for text in logged), "plans are in the event log"
    assert not [text for text in (*logged, done.stdout, done.stderr) if KEY in text]
