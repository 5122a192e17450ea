"""Where events go, and what becomes of those that do not get there."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urljoin

import pytest
from openlineage.client.event_v2 import InputDataset
from openlineage.client.generated.column_lineage_dataset import ColumnLineageDatasetFacet
from openlineage.client.transport.http import HttpTransport
from tests.helpers.lakes import changed_contract
from tests.helpers.openlineage import Event, checked, kinds
from tests.helpers.receiver import Receiver

from loglode.contract import load_contract
from loglode.errors import ModelError, UsageError
from loglode.openlineage import destinations, emitter, transports
from loglode.openlineage.destinations import KEY_VARIABLE, destination
from loglode.openlineage.emitter import Emitter, parent_run_id
from loglode.sources import SourceObject
from loglode.telemetry import datasets

KEY = "a key that nobody may see"


def sender(where: str, *, correlation: str = "") -> Emitter:
    to = destination(where)
    assert to is not None
    return Emitter(to, namespace="lake", correlation_id=correlation, engine=("duckdb", "1"))


def step(sending: Emitter, job: str = "load") -> None:
    sending.complete(sending.start(job, "b", [InputDataset("file", "/logs")], []), [], [])


def written(file: Path) -> list[Event]:
    return checked([json.loads(line) for line in file.read_text().splitlines()])


@pytest.mark.parametrize("trouble", ["refused", "hangs", "drips", "500", "503", "401", "422", "302"])
def test_what_cannot_be_sent_costs_one_try_and_one_warning(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    receiver.is_hanging, receiver.is_dripping = trouble == "hangs", trouble == "drips"
    receiver.status = int(trouble) if trouble.isdigit() else 201
    monkeypatch.setattr(emitter, "DEADLINE_SECONDS", 0.5)
    sending = sender("http://127.0.0.1:1" if trouble == "refused" else receiver.url)
    step(sending)
    step(sending)
    sending.fail(sending.start("gold", "", [], []), "LakeError")
    assert receiver.events == []
    assert receiver.keys == ([] if trouble == "refused" else [f"Bearer {KEY}"]), "and nobody is redirected"
    (warning,) = caplog.records
    assert warning.levelname == "WARNING" and "cannot be sent" in warning.message
    assert (f"HTTP {trouble}" in warning.message) == (trouble.isdigit() and trouble != "302")
    assert KEY not in caplog.text


def test_events_arrive_in_pairs_with_the_key(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    sending = sender(receiver.url)
    step(sending)
    sending.fail(sending.start("gold", "", [], []), "LakeError")
    assert kinds(checked(receiver.events)) == [("START", "COMPLETE"), ("START", "FAIL")]
    assert set(receiver.keys) == {f"Bearer {KEY}"}
    assert receiver.events[-1]["run"]["facets"]["errorMessage"]["message"] == "LakeError"


def test_a_path_of_the_server_is_kept(receiver: Receiver) -> None:
    """Servers behind a proxy have their API below one."""
    step(sender(f"{receiver.url}/"))
    assert {e["eventType"] for e in receiver.events} == {"START", "COMPLETE"}
    url = destination("https://host/below/")
    assert url is not None
    transport = transports.open_transport(url)
    assert isinstance(transport, HttpTransport)
    assert urljoin(transport.url, transport.endpoint) == "https://host/below/api/v1/lineage"


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY}\x1b", f"{KEY}é"])
def test_a_key_that_no_header_can_hold_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, key)
    with pytest.raises(UsageError, match=KEY_VARIABLE) as caught:
        destination("https://host")
    assert KEY not in f"{caught.value.message} {caught.value.hint}"


def test_a_file_gets_one_line_an_event_from_every_process(tmp_path: Path) -> None:
    file = tmp_path / "new" / "events.ndjson"
    senders = [sender(str(file)) for _ in range(4)]
    wide = [InputDataset("file", f"/logs/{n:0500}") for n in range(50)]  # more than a buffer holds

    def work(sending: Emitter) -> None:
        for _ in range(5):
            sending.complete(sending.start("load", "b", wide, []), wide, [])

    threads = [threading.Thread(target=work, args=(sending,)) for sending in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kinds(written(file)) == [("START", "COMPLETE")] * 20


def test_a_file_that_cannot_be_written_is_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sending = sender(str(tmp_path))
    step(sending)
    step(sending)
    (warning,) = caplog.records
    assert "Is a directory" in warning.message


def test_without_the_client_a_destination_is_refused_with_the_way_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(destinations, "find_spec", lambda _: None)
    with pytest.raises(UsageError) as caught:
        destination("events.ndjson")
    assert "loglode[openlineage]" in caught.value.hint
    assert destination("") is None


def test_the_client_is_imported_for_a_destination_alone() -> None:
    code = (
        "import sys; from loglode import operations; from loglode.settings import Settings;"
        "Settings.build(lake='lake', openlineage=sys.argv[1]);"
        "print([name for name in sys.modules if name.startswith('openlineage.')])"
    )
    done = subprocess.run([sys.executable, "-c", code, ""], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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


def test_one_parent_for_all_steps_of_a_correlation_id(receiver: Receiver) -> None:
    for job in ("load", "gold"):
        step(sender(receiver.url, correlation="from the trigger"), job)
    facets: list[Event] = [event["run"]["facets"] for event in checked(receiver.events)]
    assert {f["parent"]["run"]["runId"] for f in facets} == {parent_run_id("from the trigger")}
    assert {f["tags"]["tags"][0]["value"] for f in facets} == {"from the trigger"}


def test_sql_that_lineage_cannot_read_costs_the_columns_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unreadable(*_: object) -> None:
        raise ModelError("the SQL of web_logs cannot be read")

    monkeypatch.setattr(datasets, "edges", unreadable)
    contract = load_contract(changed_contract(tmp_path / "own.yaml", {}))
    facet = datasets.column_lineage(contract, "json", "web_logs", {"bronze": ("file", "/")})["columnLineage"]
    assert isinstance(facet, ColumnLineageDatasetFacet)
    assert facet.fields == {}
    assert "no column lineage" in caplog.text


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
    assert datasets.bronze([SourceObject(uri, 1, 1) for uri in uris]) == (namespace, name)
