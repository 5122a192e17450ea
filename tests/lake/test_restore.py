"""Gold put back, by a commit of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.helpers.lakes import ask, load, records, rows, settings, verify, write
from tests.helpers.openlineage import checked, kinds

from loglode import operations
from loglode.cli.errors import State
from loglode.cli.main import cli
from loglode.errors import LakeError, UsageError


@pytest.fixture
def two(lake: Path) -> Path:
    """A lake of two batches, an hour of events each."""
    for number, name in enumerate(("one", "two")):
        load(lake, write(lake.parent / f"{name}.json", records(10, first=number * 4000)), correlation_id=name)
    return lake


def version_of(lake: Path, batch: str) -> int:
    found = operations.history(settings(lake), "daily_metrics")
    (version,) = [entry["version"] for entry in found if entry["correlation_id"] == batch]
    return int(version)


def test_gold_goes_back_and_the_next_run_brings_it_on(two: Path, tmp_path: Path) -> None:
    before = rows(two, "gold/daily_metrics")
    first = version_of(two, "one")
    assert operations.restore(settings(two), "daily_metrics", first) > first
    assert ask(two, "select sum(requests) from daily_metrics") == [(10,)]
    assert ask(two, "select sum(requests) from hourly_metrics") == [(20,)], "other tables stay"
    assert operations.history(settings(two), "daily_metrics")[0]["operation"] == "restore"
    operations.run(settings(two), [str(tmp_path / "one.json")])
    assert rows(two, "gold/daily_metrics") == before
    verify(two)


def test_batches_metrics_come_once_after_a_restore(two: Path, tmp_path: Path) -> None:
    before = rows(two, "gold/pipeline_metrics")
    first = next(
        e["version"] for e in operations.history(settings(two), "pipeline_metrics")[::-1] if e["rows_added"]
    )
    operations.restore(settings(two), "pipeline_metrics", first)
    assert ask(two, "select count(*) from pipeline_metrics") == [(1,)]
    operations.run(settings(two), [str(tmp_path / "one.json")])
    assert rows(two, "gold/pipeline_metrics") == before


def test_what_cannot_be_restored_is_refused(two: Path) -> None:
    with pytest.raises(UsageError, match="balance together"):
        operations.restore(settings(two), "web_logs", 1)
    with pytest.raises(LakeError):
        operations.restore(settings(two), "daily_metrics", 99)
    operations.maintain(settings(two), keep_hours=0, is_forced=True)
    with pytest.raises(LakeError, match="deleted by maintenance"):
        operations.restore(settings(two), "daily_metrics", version_of(two, "one"))
    verify(two)


def test_a_restore_is_reported_to_openlineage_also_when_it_fails(two: Path, tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    told = settings(two, openlineage=str(events), correlation_id="night")
    first = version_of(two, "one")
    done = operations.restore(told, "daily_metrics", first)
    assert operations.restore(told, "daily_metrics", first) == done, "nothing is left to do"
    operations.maintain(settings(two), keep_hours=0, is_forced=True)
    with pytest.raises(LakeError):
        operations.restore(told, "daily_metrics", done - 1)
    found = checked([json.loads(line) for line in events.read_text().splitlines()])
    assert kinds(found, "restore") == [*[("START", "COMPLETE")] * 2, ("START", "FAIL")]
    place = {"namespace": "file", "name": str(two / "gold" / "daily_metrics")}
    (source,), (target,) = found[1]["inputs"], found[1]["outputs"]
    assert {k: source[k] for k in place} == {k: target[k] for k in place} == place
    assert (source["facets"]["version"]["datasetVersion"], target["facets"]["version"]["datasetVersion"]) == (
        str(first),
        str(done),
    )
    newest = operations.history(settings(two), "daily_metrics")
    (commit,) = [entry for entry in newest if entry["version"] == done]
    assert commit["correlation_id"] == "night"
    assert target["outputFacets"]["outputStatistics"]["rowCount"] == commit["rows_added"] == 1


def test_the_command_asks_first(two: Path) -> None:
    words = ["restore", "daily_metrics", "--version", "1", "--lake", str(two)]
    refused = CliRunner().invoke(cli, words, input="n\n", obj=State())
    assert refused.exit_code == 1 and "Restore daily_metrics to version 1?" in refused.output
    assert ask(two, "select sum(requests) from daily_metrics") == [(20,)]
    assert CliRunner().invoke(cli, [*words, "--yes"], obj=State()).exit_code == 0
    assert ask(two, "select sum(requests) from daily_metrics") == [(10,)]
