"""Whatever decides the content of a gold table, a change of it rebuilds the table, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import deltalake
import pytest
from click.testing import CliRunner
from tests.helpers import damage
from tests.helpers.lakes import (
    BY_BATCH,
    GOLD,
    ask,
    assert_same,
    changed_contract,
    load,
    probe,
    record,
    records,
    rows,
    settings,
    table,
    verify,
    write,
)

from loglode import context, operations
from loglode.batches.effects import SILVER_VERSION
from loglode.cli.errors import State
from loglode.cli.main import cli
from loglode.engines import provided
from loglode.engines.duckdb import DuckDBEngine
from loglode.engines.duckdb.models import DuckDBModels
from loglode.gold import fingerprint
from loglode.lake import Commit, Snapshot, committer
from loglode.lake.table import as_it_stands
from loglode.models.model import Model, load_models, needed

DAY = 86_400
BY_DAY = [name for name in GOLD if name not in BY_BATCH]
NAMES = {name.removeprefix("gold/") for name in GOLD}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Fingerprints are computed once per process; these tests change what they cover."""
    fingerprint.fingerprints.cache_clear()
    yield
    fingerprint.fingerprints.cache_clear()


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """Two days with visits, an order, slow answers and a refused line, far from each other."""
    return [
        write(
            tmp_path / f"{day}.json",
            [
                *records(6, first=day * DAY, step=700, response_time_ms=40 * (day + 1)),
                record(day * DAY + 60, path="/orders/1/confirmation"),
                record(day * DAY + 9000, session_id="long"),
                record(day * DAY + 40_000, session_id="long"),
                probe(day * DAY),
            ],
        )
        for day in (0, 10)
    ]


def other_models(monkeypatch: pytest.MonkeyPatch, change: Callable[[Model], Model]) -> None:
    models = tuple(change(model) for model in load_models())
    for module in (context, fingerprint):
        monkeypatch.setattr(module, "load_models", lambda: models)
    fingerprint.fingerprints.cache_clear()


def sql(name: str, old: str, new: str) -> Callable[[Model], Model]:
    def change(model: Model) -> Model:
        if model.name != name:
            return model
        assert old in model.sql
        return replace(model, sql=model.sql.replace(old, new))

    return change


def readers(relation: str) -> set[str]:
    """The gold tables that are made from a relation."""
    models = load_models()
    return {name for name in NAMES if any(relation in (m.name, *m.depends) for m in needed(models, [name]))}


AS_BIGINT, AS_DOUBLE = "cast(statuses.requests as bigint)", "cast(statuses.requests as double)"
# What changes (texts of the contract, a model, or the base of the histograms), and the tables that depend on it.
CHANGES: dict[str, tuple[Any, set[str]]] = {
    "goals": (
        {'pathPattern: "/orders/%/confirmation"': 'pathPattern: "/nothing/%"'},
        readers("goals"),
    ),
    "gap": (
        {"sessionGapSeconds\n    value: 1800": "sessionGapSeconds\n    value: 600"},
        readers("slots"),
    ),
    "source's gap": (
        {"SessionGapSeconds\n    value: 86400": "SessionGapSeconds\n    value: 600"},
        readers("slots"),
    ),
    "column type": (sql("status_metrics", AS_BIGINT, AS_DOUBLE), {"status_metrics"}),
    "model below": (sql("events", "status >= 400", "status >= 300"), readers("events")),
    "histogram": (1.5, readers("events")),
}


def applied(change: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Apply a change; returns the settings that it needs."""
    if isinstance(change, dict):
        return {"contract": changed_contract(tmp_path / "changed.yaml", change)}
    if callable(change):
        other_models(monkeypatch, change)
    else:
        monkeypatch.setattr(provided, "HISTOGRAM_GAMMA", change)
        fingerprint.fingerprints.cache_clear()
    return {}


@pytest.mark.parametrize("case", CHANGES.values(), ids=CHANGES)
def test_a_change_of_what_decides_a_table_rebuilds_it(
    lake: Path,
    tmp_path: Path,
    logs: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    case: tuple[Any, set[str]],
) -> None:
    """Days that no new line touches included: gold is never half old, half new."""
    change, expected = case
    assert load(lake, logs[0]).gold_rebuilt == (), "a new lake has nothing to rebuild"
    changed = applied(change, tmp_path, monkeypatch)
    report = load(lake, logs[1], **changed)
    assert set(report.gold_rebuilt) == expected
    [line] = [r.getMessage() for r in caplog.records if "rebuilding gold" in r.getMessage()]
    assert all(name in line for name in expected)
    fresh = tmp_path / "fresh"
    load(fresh, *logs, **changed)
    assert_same(lake, fresh, names=BY_DAY)
    again = load(lake, *logs, **changed)
    assert (again.gold_rebuilt, again.gold_days) == ((), 0)


def test_a_table_of_a_changed_type_goes_back_and_on(
    lake: Path, logs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows and declared types of a table always agree, also where a restore crosses a rebuild."""
    load(lake, *logs)
    first = deltalake.DeltaTable(lake / "gold/status_metrics").version()
    before = rows(lake, "gold/status_metrics")
    other_models(monkeypatch, sql("status_metrics", AS_BIGINT, AS_DOUBLE))
    load(lake, *logs)
    after = rows(lake, "gold/status_metrics")
    assert type_of(lake, "requests") == "double" and after != before
    operations.restore(settings(lake), "status_metrics", first)
    assert (type_of(lake, "requests"), rows(lake, "gold/status_metrics")) == ("long", before)
    assert load(lake, *logs).gold_rebuilt == ("status_metrics",)
    assert (type_of(lake, "requests"), rows(lake, "gold/status_metrics")) == ("double", after)


def type_of(lake: Path, column: str) -> str:
    fields = deltalake.DeltaTable(lake / "gold/status_metrics").schema().fields
    (kind,) = [field.type for field in fields if field.name == column]
    return str(getattr(kind, "type", kind))


def test_a_column_that_a_model_drops_leaves_the_table(
    lake: Path, logs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    load(lake, *logs)
    name = "avg_response_time_ms"
    [model] = [model for model in load_models() if model.name == "status_metrics"]
    [line] = [line for line in model.sql.splitlines(keepends=True) if f"as {name}," in line]
    other_models(monkeypatch, sql("status_metrics", line, ""))
    load(lake, *logs)
    assert name not in table(lake, "gold/status_metrics")[0]
    fields = deltalake.DeltaTable(lake / "gold/status_metrics").schema().fields
    assert name not in {field.name for field in fields}


def test_gold_of_the_first_release_is_rebuilt_once(
    lake: Path, logs: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    load(lake, *logs)
    gold_seconds = sorted(row["bronze_to_gold_seconds"] for row in table(lake, "gold/pipeline_metrics"))
    before = {name: rows(lake, name) for name in GOLD}
    for name in GOLD:
        damage.forget_fingerprint(lake, name)
    report = operations.verify(settings(lake))
    assert [check.name for check in report.checks if not check.is_ok] == [
        "gold follows the models and the contract"
    ]
    assert set(load(lake, *logs).gold_rebuilt) == NAMES
    assert "recorded no fingerprint" in caplog.text
    assert {name: rows(lake, name) for name in GOLD} == before
    now = sorted(row["bronze_to_gold_seconds"] for row in table(lake, "gold/pipeline_metrics"))
    assert now == gold_seconds, "when gold counted a batch is history, which a rebuild keeps"
    assert load(lake, *logs).gold_rebuilt == ()


def test_a_bookmark_that_the_log_has_forgotten_doubles_nothing(lake: Path, logs: list[Path]) -> None:
    """Delta forgets application transactions that nobody has renewed for sixty days."""
    load(lake, *logs)
    before = {name: rows(lake, name) for name in GOLD}
    for name in NAMES:
        assert committer.try_commit(
            as_it_stands(name, lake / "gold" / name), Commit(transactions={SILVER_VERSION: 0})
        )
    load(lake, *logs)
    assert {name: rows(lake, name) for name in GOLD} == before


@pytest.mark.parametrize("names", [(), ("sessions", "pipeline_metrics")], ids=["all", "some"])
def test_a_rebuild_on_request_repairs_rows(lake: Path, logs: list[Path], names: tuple[str, ...]) -> None:
    load(lake, *logs)
    before = {name: rows(lake, name) for name in GOLD}
    chosen = names or tuple(NAMES)
    for name in chosen:
        deltalake.DeltaTable(lake / "gold" / name).delete()
    report = operations.rebuild_gold(settings(lake), names)
    assert set(report.rebuilt) <= set(chosen)
    assert {name: rows(lake, name) for name in GOLD} == before
    verify(lake)


def test_the_command_rebuilds_and_says_what(
    lake: Path, logs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGLODE_KEY_FILE", str(settings(lake).key_file))
    load(lake, *logs)
    words = ["gold", "rebuild", "sessions", "--lake", str(lake), "--json"]
    done = CliRunner().invoke(cli, words, obj=State())
    assert done.exit_code == 0 and '"rebuilt": ["sessions"]' in done.stdout
    unknown = CliRunner().invoke(cli, ["gold", "rebuild", "web_logs", "--lake", str(lake)], obj=State())
    assert unknown.exit_code != 0 and "not a gold table" in str(unknown.exception)


def test_readers_see_all_old_or_all_new_rows(
    lake: Path, tmp_path: Path, logs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DuckDBEngine, "chunk_days", 1)
    load(lake, *logs)
    changed = applied(CHANGES["goals"][0], tmp_path, monkeypatch)
    select = "select date, goal, sum(conversions) from conversion_metrics group by all order by all"
    old, commit = ask(lake, select), committer.try_commit
    seen: list[tuple[str, bool]] = []

    def watched(snapshot: Snapshot, what: Commit) -> bool:
        seen.append((snapshot.table.spec.name, ask(lake, select) == old))
        return commit(snapshot, what)

    monkeypatch.setattr(committer, "try_commit", watched)
    load(lake, *logs, **changed)
    new = ask(lake, select)
    assert {row[-1] for row in new} == {0} and len(new) == len(old) and new != old
    # Two chunks are computed before the one commit that replaces all rows.
    assert {name for name, _ in seen} == readers("goals")
    place = [name for name, _ in seen].index("conversion_metrics")
    assert [is_old for _, is_old in seen] == [number <= place for number in range(len(seen))]


class Killed(BaseException):
    """Ends a run as `kill -9` does: nothing catches it."""


@pytest.mark.parametrize("after", [2, 4])
def test_an_interrupted_rebuild_goes_on_where_it_stopped(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Chunks that are done are not computed again, but for days that changed meanwhile."""
    days = [write(tmp_path / f"{day}.json", records(4, first=day * DAY)) for day in range(0, 50, 10)]
    load(lake, *days)
    before = {name: rows(lake, name) for name in BY_DAY}
    computed: list[Any] = []
    run = DuckDBModels.run

    def dying(self: DuckDBModels, inputs: Any, names: Any) -> Any:
        if len(computed) == after:
            raise Killed
        computed.extend(inputs.days)
        return run(self, inputs, names)

    monkeypatch.setattr(DuckDBEngine, "chunk_days", 1)
    with monkeypatch.context() as killed:
        killed.setattr(DuckDBModels, "run", dying)
        with pytest.raises(Killed):
            operations.rebuild_gold(settings(lake))
    assert {name: rows(lake, name) for name in BY_DAY} == before
    late = write(tmp_path / "late.json", [record(7, path="/late")])
    done, after = after, -1
    computed.clear()
    monkeypatch.setattr(DuckDBModels, "run", dying)
    load(lake, late)
    # The late line changes the first day, which was done; and a first plan may be made from the bookmarks
    # that were known before the rebuild was requested.
    assert len(computed) - (5 - done) in (1, 2)
    whole = tmp_path / "whole"
    load(whole, *days, late)
    assert_same(lake, whole, names=BY_DAY)
    assert not (lake / "gold/_rebuild.json").exists()
