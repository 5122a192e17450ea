"""Where events go, and what becomes of those that do not get there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.helpers.lakes import changed_contract
from tests.helpers.openlineage import Event, checked, kinds
from tests.helpers.receiver import Receiver

from loglode import operations
from loglode.contract import load_contract
from loglode.errors import ModelError, UsageError
from loglode.openlineage import Emitter, destinations, emitter
from loglode.openlineage.destinations import KEY_VARIABLE, destination
from loglode.openlineage.event import Dataset, parent_run_id
from loglode.openlineage.spool import Spool, Waiting
from loglode.sources import SourceObject
from loglode.telemetry.datasets import bronze, column_lineage

KEY = "a key that nobody may see"


def sender(where: str, folder: Path, *, correlation: str = "") -> Emitter:
    to = destination(where)
    assert to is not None
    (folder / "scratch").mkdir(parents=True, exist_ok=True)
    return Emitter(
        to,
        Spool(folder / "spool", folder / "scratch"),
        namespace="lake",
        owner="me",
        correlation_id=correlation,
        engine=("duckdb", "1"),
    )


def waiting(folder: Path) -> list[str]:
    return [path.read_text() for path in sorted((folder / "spool").iterdir())]


def step(sending: Emitter, job: str = "load") -> None:
    sending.complete(
        sending.start(job, [Dataset("file", "/logs").as_input()], about={"batch_id": "b"}), [], []
    )


def gone(_: Waiting) -> bool:
    return True


def unknown(_: Waiting) -> None:
    return None


@pytest.mark.parametrize("trouble", ["refused", "hangs", "500", "503", "401", "302"])
def test_what_cannot_be_sent_is_sent_later(
    tmp_path: Path,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    trouble: str,
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    receiver.is_hanging = trouble == "hangs"
    receiver.status = int(trouble) if trouble.isdigit() else 201
    with monkeypatch.context() as hasty:
        hasty.setattr(destinations, "DEADLINE_SECONDS", 0.2)
        sending = sender("http://127.0.0.1:1" if trouble == "refused" else receiver.url, tmp_path)
        step(sending)
        step(sending)
        left = sending.start("gold", about={})
        sending.fail(left, "LakeError")
    # One try and one line about it, however much there is to send.
    assert receiver.events == [] and len(receiver.keys) == (trouble != "refused")
    assert len(caplog.records) == 1 and len(waiting(tmp_path)) == 3
    assert KEY not in caplog.text + "".join(waiting(tmp_path))
    receiver.is_hanging, receiver.status = False, 200
    sender(receiver.url, tmp_path).tell_left_over(lambda _: False, unknown)
    ended = sorted(kinds(checked(receiver.events)))
    assert ended == [("START", "COMPLETE"), ("START", "COMPLETE"), ("START", "FAIL")]
    assert set(receiver.keys) == {f"Bearer {KEY}"} and waiting(tmp_path) == []


def test_a_key_that_no_header_can_hold_is_named_and_not_shown(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, f"{KEY}\n")
    step(sender(receiver.url, tmp_path))
    assert receiver.keys == [] and len(waiting(tmp_path)) == 1
    assert KEY_VARIABLE in caplog.text and KEY not in caplog.text


def test_what_a_server_will_never_take_is_dropped(
    tmp_path: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = 422
    step(sender(receiver.url, tmp_path))
    assert waiting(tmp_path) == [] and "HTTP 422" in caplog.text and receiver.keys == [None, None]


def test_a_server_that_answers_byte_by_byte_is_not_waited_for(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destinations, "DEADLINE_SECONDS", 0.5)
    receiver.is_dripping = True
    step(sender(receiver.url, tmp_path))
    assert len(waiting(tmp_path)) == 1


def test_a_run_that_lives_is_left_alone(tmp_path: Path, receiver: Receiver) -> None:
    living = sender(receiver.url, tmp_path).start("load", about={})
    sender(receiver.url, tmp_path).tell_left_over(lambda _: False, unknown)
    assert [e["eventType"] for e in receiver.events] == ["START"]
    sender(receiver.url, tmp_path).tell_left_over(gone, unknown)
    sender(receiver.url, tmp_path).tell_left_over(gone, unknown)
    assert kinds(checked(receiver.events)) == [("START", "FAIL")]
    assert receiver.events[1]["run"]["runId"] == living.run_id


def test_a_destination_that_stays_away_does_not_fill_the_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(emitter, "MAX_WAITING", 3)
    for _ in range(5):
        sending = sender("http://127.0.0.1:1", tmp_path)
        sending.tell_left_over(gone, unknown)
        step(sending)
    assert len(waiting(tmp_path)) == 3 and "dropped" in caplog.text


def test_what_is_damaged_holds_up_nothing(tmp_path: Path, receiver: Receiver) -> None:
    sender(receiver.url, tmp_path).start("load", about={})
    (tmp_path / "spool" / "0.json").write_text("{")
    (tmp_path / "spool" / "1.json").write_text("[]")
    sender(receiver.url, tmp_path).tell_left_over(gone, unknown)
    assert kinds(receiver.events) == [("START", "FAIL")]


def test_a_file_holds_whole_lines_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "events.ndjson"
    step(sender(str(file), tmp_path))
    with file.open("ab") as stream:
        stream.write(b'{"torn')
    step(sender(str(file), tmp_path))
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert kinds(checked(events)) == [("START", "COMPLETE")] * 2


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    step(sender(str(tmp_path), tmp_path))
    assert "Is a directory" in caplog.text and len(waiting(tmp_path)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "https://",
        "https://me:hidden@host",
        "https://host/?key=hidden",
        "https://host/#hidden",
        "http://[::1",
        "http://localhost:abc",
        "http://127.0.0.1:99999",
        "127.0.0.1:5000",
        "ftp://host",
        "s3://",
    ],
)
def test_what_is_no_destination_is_said_without_secrets(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        destination(text)
    assert "hidden" not in caught.value.message + caught.value.hint
    assert destination("") is None


def test_one_parent_for_all_steps_of_a_correlation_id(tmp_path: Path, receiver: Receiver) -> None:
    for job in ("load", "gold"):
        step(sender(receiver.url, tmp_path, correlation="from the trigger"), job)
    facets: list[Event] = [event["run"]["facets"] for event in checked(receiver.events)]
    assert {f["parent"]["run"]["runId"] for f in facets} == {parent_run_id("from the trigger")}
    assert {f["tags"]["tags"][0]["value"] for f in facets} == {"from the trigger"}


def test_a_rule_that_lineage_cannot_read_costs_the_columns_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rule = "{name: odd, type: custom, engine: loglode, implementation: '((status % 3) !) > 0'}"
    place = "description: Time to serve the request, in milliseconds."
    path = changed_contract(tmp_path / "odd.yaml", {place: f"{place}\n        quality: [{rule}]"})
    contract = load_contract(path)
    with pytest.raises(ModelError):
        operations.lineage(contract, "web_logs.status")
    assert (
        column_lineage(contract, "json", "web_logs", {"bronze": Dataset("file", "/")})["columnLineage"][
            "fields"
        ]
        == {}
    )
    assert "no columns are told" in caplog.text


@pytest.mark.parametrize(
    ("uris", "namespace", "name"),
    [
        (["/logs/a.json"], "file", "/logs"),
        (["/logs/a/2026/11/a.json", "/logs/b/2026/11/b.json"], "file", "/logs"),
        (["/logs/2026-11-01/a.json"], "file", "/logs"),
        (["/a.json"], "file", "/"),
        (["s3://b/bronze/web/year=2026/month=11/a.json"], "s3://b", "bronze/web"),
        (["s3://b/a.json"], "s3://b", "/"),
        (["s3://b/x/a.json", "s3://other/y/a.json"], "s3://b", "x"),
    ],
)
def test_where_objects_lie(uris: list[str], namespace: str, name: str) -> None:
    assert bronze([SourceObject(uri, 1, 1) for uri in uris]) == Dataset(namespace, name)
