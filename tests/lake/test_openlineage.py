"""OpenLineage events of real runs: what the official schema asks, in pairs however a step ends, and true."""

from __future__ import annotations

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import deltalake
import pytest
from tests.helpers import openlineage_schemas
from tests.helpers.functions import Context
from tests.helpers.io_faults import EIO, break_file
from tests.helpers.lakes import (
    BUCKET,
    GOLD,
    KNOWS_PROBES,
    QUALITY,
    QUARANTINE,
    RUNS,
    SILVER,
    Record,
    changed_contract,
    probe,
    record,
    records,
    settings,
    start,
    table,
    write,
)
from tests.helpers.openlineage import Event, checked, kinds, violations
from tests.helpers.receiver import Receiver
from tests.helpers.s3 import LAKE, put

from lambda_functions import transform
from loglode import operations
from loglode.aws.manifest import write_manifest
from loglode.contract import load_contract
from loglode.errors import LakeError
from loglode.lake.history import history
from loglode.openlineage.destinations import VARIABLE
from loglode.sources import discover
from loglode.storage import S3Path

CORRELATION = "9b2f6a52-6f0c-4f5e-9d5a-0c1f5f6f7a11"
LOAD, GOLDEN, REPLAY = "bronze_to_silver", "silver_to_gold", "quarantine_replay"


def read(path: Path) -> list[Event]:
    """The file's events, each of which the specification allows."""
    return checked([json.loads(line) for line in path.read_text("utf-8").splitlines()])


def ends(events: list[Event], job: str) -> list[Event]:
    return [e for e in events if e["job"]["name"] == job and e["eventType"] != "START"]


def named(datasets: list[Event]) -> dict[str, Event]:
    """Datasets by the table's folder, or by the last part of the name."""
    return {"/".join(d["name"].split("/")[-2:]): d for d in datasets}


def run(lake: Path, *sources: Path, **changes: Any) -> None:
    assert operations.run(settings(lake, **changes), [str(source) for source in sources]).failed == []


def versions(event: Event) -> dict[str, int]:
    told = {name: d["facets"].get("version") for name, d in named(event["outputs"]).items()}
    return {name: int(facet["datasetVersion"]) for name, facet in told.items() if facet}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A load and a replay with a laxer contract; their events lie beside the lake."""
    folder = tmp_path_factory.mktemp("told")
    lake, contract = folder / "lake", folder / "laxer.yaml"
    changed_contract(contract, KNOWS_PROBES)
    lines: list[Record | str] = [*records(9), *2 * [record(3, event_id="twice")]]
    lines += [probe(1), record(2, timestamp="never", user_id="anna@example.org"), "raw <script>"]
    first = write(folder / "logs" / "2026" / "03" / "a.json", lines)
    told = {"openlineage": str(folder / "told" / "events.ndjson"), "correlation_id": CORRELATION}
    run(lake, first, **told)
    operations.replay_quarantine(settings(lake, contract=contract, **told))
    run(lake, folder / "logs", **told)  # nothing to do, so nothing to tell
    return lake


@pytest.fixture(scope="module")
def events(lake: Path) -> list[Event]:
    return read(lake.parent / "told" / "events.ndjson")


def test_each_step_has_a_start_and_an_end(lake: Path, events: list[Event]) -> None:
    assert kinds(events) == [("START", "COMPLETE")] * 4
    assert [e["job"]["name"] for e in events[::2]] == [LOAD, GOLDEN, REPLAY, GOLDEN]
    assert not (lake / "ops" / "_openlineage").exists()
    text = json.dumps(events)
    assert not [word for word in ("anna", "<script", "203.0.113.7", "PROBE") if word in text]


def test_the_official_schemas_take_every_event_and_refuse_a_broken_one(events: list[Event]) -> None:
    if openlineage_schemas.FOLDER is None:
        pytest.skip(f"the official JSON schemas are not at hand: {openlineage_schemas.VARIABLE}")
    told = [text for event in events for text in violations(event)]
    assert told == []
    broken = json.loads(json.dumps(events[1]))
    del broken["run"]["runId"]
    broken["outputs"][0]["facets"]["columnLineage"]["fields"]["status"] = {}
    refused = " ".join(violations(broken))
    assert "'runId' is a required property" in refused and "$.fields.status 'inputFields'" in refused
    if missing := set().union(*map(openlineage_schemas.without_file, events)):
        pytest.skip(f"all that the folder knows is right; it has no file for {', '.join(sorted(missing))}")


def test_versions_and_rows_of_silver_are_those_of_its_log_and_of_ops_runs(
    lake: Path, events: list[Event]
) -> None:
    runs = sorted(table(lake, RUNS), key=lambda row: row["silver_version"])
    silver = [*ends(events, LOAD), *ends(events, REPLAY)]
    assert [versions(e) for e in silver] == [{SILVER: row["silver_version"]} for row in runs]
    rows = [
        {name: d["outputFacets"]["outputStatistics"]["rowCount"] for name, d in named(e["outputs"]).items()}
        for e in silver
    ]
    quality = Counter(row["batch_id"] for row in table(lake, QUALITY))
    assert rows == [
        {
            SILVER: row["rows_silver"],
            QUARANTINE: max(row["lines_quarantined"], 0),
            RUNS: 1,
            QUALITY: quality[row["batch_id"]],
        }
        for row in runs
    ]
    added = {c.version: c.rows_added for c in history(lake / SILVER)}
    assert [row[SILVER] for row in rows] == [added[row["silver_version"]] for row in runs]
    (source,) = silver[0]["inputs"]
    assert (source["name"], source["namespace"]) == (str(lake.parent / "logs"), "file")
    assert source["inputFacets"]["inputStatistics"]["rowCount"] == runs[0]["lines_read"] == 14


def test_versions_and_rows_of_gold_are_those_of_its_logs(lake: Path, events: list[Event]) -> None:
    for e in ends(events, GOLDEN):
        seen = named(e["inputs"])[SILVER]["facets"]["version"]["datasetVersion"]
        assert versions(e).keys() == set(GOLD)
        for name, version in versions(e).items():
            (commit,) = [c for c in history(lake / name) if c.version == version]
            counted = named(e["outputs"])[name]["outputFacets"]["outputStatistics"]["rowCount"]
            assert (counted, seen) == (commit.rows_added, str(commit.silver_version)), name
    assert versions(ends(events, GOLDEN)[-1]) == {
        n: deltalake.DeltaTable(str(lake / n)).version() for n in GOLD
    }


def test_rules_are_those_of_ops_quality(lake: Path, events: list[Event]) -> None:
    for event in ends(events, LOAD):
        (source,) = event["inputs"]
        assertions = {a["assertion"]: a for a in source["inputFacets"]["dataQualityAssertions"]["assertions"]}
        batch = event["run"]["facets"]["tags"]["tags"][1]["value"]
        failed: Counter[str] = Counter()
        for row in table(lake, QUALITY):
            if row["kind"] == "rule" and row["batch_id"] == batch:
                failed[row["rule"]] += row["refused"] + row["warned"]
        assert {name: int(a["actual"]) for name, a in assertions.items()} == dict(failed)
        assert all(a["success"] == (a["actual"] == "0") for a in assertions.values())
    first = ends(events, LOAD)[0]["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    told = {a["assertion"]: (a["actual"], a["severity"], a.get("column")) for a in first}
    assert told["line_accepted"] == ("3", "error", None) and told["request_missing"] == (
        "1",
        "error",
        "path",
    )
    assert told["event_unique"][:2] == ("1", "warn")


def test_the_correlation_id_is_that_of_the_commits(lake: Path, events: list[Event]) -> None:
    commits = [c for name in (SILVER, *GOLD) for c in history(lake / name) if c.operation != "create table"]
    assert {c.correlation_id for c in commits if c.operation != "replay"} == {CORRELATION}
    for event in events:
        facets = event["run"]["facets"]
        tags = {tag["key"]: tag["value"] for tag in facets["tags"]["tags"]}
        assert tags["correlation_id"] == facets["parent"]["run"]["runId"] == CORRELATION
    batches = [
        e["run"]["facets"]["tags"]["tags"][1]["value"] for e in [*ends(events, LOAD), *ends(events, REPLAY)]
    ]
    assert sorted(batches) == sorted(row["batch_id"] for row in table(lake, RUNS))


def test_columns_lead_to_those_they_are_made_of(events: list[Event]) -> None:
    masked: dict[str, set[bool]] = {}
    for event in (ends(events, LOAD)[0], ends(events, GOLDEN)[0]):
        there = {
            (d["namespace"], d["name"], field["name"])
            for d in event["inputs"]
            for field in d["facets"]["schema"]["fields"]
        }
        for name, output in named(event["outputs"]).items():
            lineage = output["facets"].get("columnLineage", {"fields": {}})
            assert lineage["fields"].keys() <= {f["name"] for f in output["facets"]["schema"]["fields"]}
            told = [source for field in lineage["fields"].values() for source in field["inputFields"]]
            assert {_place(source) for source in (*told, *lineage.get("dataset", ()))} <= there, name
            for column, field in lineage["fields"].items():
                flags = {
                    how["masking"] for source in field["inputFields"] for how in source["transformations"]
                }
                masked[f"{name}.{column}"] = flags
                if name != SILVER:
                    # Masked in gold exactly if what goes in is, in silver.
                    up = [
                        masked.get(f"{SILVER}.{source['field']}", {False}) for source in field["inputFields"]
                    ]
                    assert flags == set().union(*up), (name, column)
    fields = load_contract(None).stored_fields
    hidden = {f"{SILVER}.{f.name}" for f in fields if f.masking != "none"}
    assert hidden and all(masked[name] == {True} for name in hidden)
    assert masked[f"{SILVER}.visitor_id"] == {True} and masked[f"{SILVER}.status"] == {False}
    assert True in masked["gold/sessions.visitor_id"]
    daily = named(ends(events, GOLDEN)[0]["outputs"])["gold/daily_metrics"]["facets"]["columnLineage"]
    (source,) = daily["fields"]["error_rate"]["inputFields"]
    assert (source["field"], source["transformations"][0]["subtype"]) == ("status", "AGGREGATION")
    assert "event_ts" in {source["field"] for source in daily["dataset"]}


def _place(source: Event) -> tuple[str, str, str]:
    return source["namespace"], source["name"], source["field"]


def test_an_object_that_cannot_be_read_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "events.ndjson"
    monkeypatch.setenv(VARIABLE, str(told))
    logs = [write(tmp_path / f"{name}.json", records(3, first=n * 1000)) for n, name in enumerate("ab")]
    break_file(monkeypatch, "b.json", EIO, opening=2, sound=0)
    report = operations.run(settings(tmp_path / "lake"), [str(log) for log in logs])
    assert report.ledger.kinds == {"Loaded": 1, "Failed": 1}
    (start, end) = (event for event in read(told) if event["job"]["name"] == LOAD)
    statistics = [event["inputs"][0]["inputFacets"]["inputStatistics"] for event in (start, end)]
    assert [(found["fileCount"], found.get("rowCount"), "size" in found) for found in statistics] == [
        (2, None, True),
        (1, 3, False),
    ]


def test_a_step_that_fails_says_so_and_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, told = tmp_path / "lake", tmp_path / "events.ndjson"
    monkeypatch.setenv(VARIABLE, str(told))
    log = write(tmp_path / "a.json", records(3))
    (lake / SILVER).mkdir(parents=True)
    (lake / SILVER / "year=2026").write_text("in the way")
    with pytest.raises(LakeError):
        operations.run(settings(lake), [str(log)])
    (failed,) = ends(read(told), LOAD)
    assert failed["eventType"] == "FAIL"
    assert failed["run"]["facets"]["errorMessage"]["message"].startswith("LakeError: ")
    assert "in the way" not in told.read_text()


@pytest.mark.parametrize("fatal", [(LOAD, "COMPLETE"), (GOLDEN, "COMPLETE")])
def test_a_run_that_was_killed_leaves_a_start_alone_and_the_next_one_its_own_pairs(
    tmp_path: Path, receiver: Receiver, fatal: tuple[str, str]
) -> None:
    lake = tmp_path / "lake"
    log = write(tmp_path / "a.json", records(3))
    receiver.fatal = fatal
    process = start("run", lake, [log])
    receiver.victim.put(process.pid or 0)
    process.join(60)
    assert process.exitcode in (-signal.SIGKILL, 255)
    run(lake, write(tmp_path / "b.json", records(3, first=9000)))
    runs: dict[str, list[tuple[str, str]]] = {}
    for event in checked(receiver.events):
        runs.setdefault(event["run"]["runId"], []).append((event["job"]["name"], event["eventType"]))
    alone = [told for told in runs.values() if len(told) == 1]
    assert alone == [[(fatal[0], "START")]]
    assert list(runs.values())[-2:] == [
        [(LOAD, "START"), (LOAD, "COMPLETE")],
        [(GOLDEN, "START"), (GOLDEN, "COMPLETE")],
    ]


def test_a_server_that_is_away_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lake = tmp_path / "lake"
    monkeypatch.setenv(VARIABLE, "http://127.0.0.1:1")
    run(lake, write(tmp_path / "a.json", records(3)))
    assert len(caplog.records) == 1 and len(table(lake, "gold/daily_metrics")) == 1


def test_on_s3_and_in_the_function(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGLODE_LAKE", LAKE)
    monkeypatch.setenv(VARIABLE, f"{LAKE}/ops/events")
    key = put(s3, "bronze/web/2026/a.json", records(3))
    manifest = write_manifest(S3Path(BUCKET, "manifests"), discover([f"s3://{BUCKET}/{key}"]))
    monkeypatch.setenv("LOGLODE_MANIFESTS", f"s3://{BUCKET}/manifests")
    monkeypatch.setenv("LOGLODE_BRONZE", f"s3://{BUCKET}/bronze")
    given = {"batch_id": "a", "correlation_id": "one", "manifest": str(manifest)}
    for step in (LOAD, GOLDEN):
        transform.handler({**given, "step": step}, Context())  # type: ignore[arg-type]
    there = s3.list_objects_v2(Bucket=BUCKET, Prefix="lake/ops/events/")["Contents"]
    bodies = [s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read() for entry in there]
    found = checked(
        sorted(map(json.loads, bodies), key=lambda e: (e["eventTime"], e["eventType"] != "START"))
    )
    assert kinds(found) == [("START", "COMPLETE")] * 2
    assert all(entry["Key"].split("/")[3] == found[0]["eventTime"][:10] for entry in there)
    tags = [{tag["key"]: tag["value"] for tag in e["run"]["facets"]["tags"]["tags"]} for e in found]
    assert {tag["correlation_id"] for tag in tags} == {"one"}
    (source,) = ends(found, LOAD)[-1]["inputs"]
    assert (source["namespace"], source["name"]) == (f"s3://{BUCKET}", "bronze/web")
    assert versions(ends(found, LOAD)[-1]) == {SILVER: 1}
