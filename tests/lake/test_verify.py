"""`verify` proves something only if it notices every damage: lakes are damaged in all ways that it looks for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.helpers import damage
from tests.helpers.lakes import (
    ALL_TABLES,
    GOLD,
    KNOWS_PROBES,
    QUALITY,
    QUARANTINE,
    RUNS,
    SILVER,
    Record,
    changed_contract,
    load,
    probe,
    record,
    records,
    replay,
    settings,
    state,
    verify,
    write,
)

from loglode import operations
from loglode.lake.state import load as load_state
from loglode.models.model import load_models
from loglode.reports.reconcile import GOLD_FIGURES
from loglode.reports.verify import VerifyReport

FOLLOWED = "quarantine, runs and quality have followed silver"
FILES = "every committed file is there and whole"
READABLE = "every file can be read"
COLUMNS = "every file has the columns that its table declares"
BALANCE = "row counts of every batch reconcile"
SILVER_ROWS = "web_logs holds what the batches say"
QUARANTINE_ROWS = "quarantine holds what the batches say"
BATCHES = "silver holds every batch whole"
LINES = "lines read = silver + quarantined + duplicates + blank"
COUNTED = "quality counts what the batches say"
EVENTS_ONCE = "silver holds each event once"
LINES_ONCE = "quarantine holds each line once"
APART = "no line is in silver and in quarantine"
PLACES = "rows lie in the partition of their day"
SEEN = "gold has seen all of silver"
DAILY = "gold counts every silver row"
FOLLOWS = "gold follows the models and the contract"
AGREE = "gold tables agree with what they are made from"

Damage = Callable[[Path], object]


def rows(table: str, sql: str) -> Damage:
    """Replaces each file's rows by the result of a query over `rows`."""
    return lambda lake: damage.change_rows(lake, table, sql)


def changed(table: str, column: str, value: str) -> Damage:
    """Changes a column of one row in each file."""
    new = f"case when number = 1 then {value} else {column} end"
    numbered = "with numbered as (select *, row_number() over () as number from rows)"
    return rows(table, f"{numbered} select * exclude (number) replace ({new} as {column}) from numbered")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, laxer_contract_file: Path) -> Path:
    """A lake of two days and three batches with rejected, doubled, blank and replayed lines."""
    folder = tmp_path_factory.mktemp("whole")
    lake = folder / "lake"
    bad: list[Record | str] = [
        probe(5, "strange", path="/bad"),
        probe(90_000),
        "broken",
        "broken too",
    ]
    again = [record(0, request_id="r"), record(0, request_id="r")]
    bots = records(3, first=60, user_agent="Googlebot/2.1", status=404)
    first: list[Record | str] = [*records(6), *again, *bots, *bad, ""]
    load(lake, write(folder / "a.json", first))
    load(
        lake,
        write(folder / "b.json", [*records(6, first=86_400, status=503), "also broken", probe(9, "strange")]),
    )
    replay(lake, contract=laxer_contract_file)
    return lake


@pytest.fixture(scope="module")
def laxer_contract_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("contract")
    return changed_contract(folder / "laxer.yaml", KNOWS_PROBES)


@pytest.fixture
def copy(whole: Path, lake: Path) -> Path:
    return shutil.copytree(whole, lake)


def found(lake: Path) -> VerifyReport:
    return operations.verify(settings(lake))


def failing(lake: Path) -> set[str]:
    return {check.name for check in found(lake).checks if not check.is_ok}


def test_a_whole_lake_passes(whole: Path) -> None:
    assert failing(whole) == set()


TWICE = (
    "select * replace (case when {where} then (select min({key}) from rows where not ({where})) else {key} end as {key})"
    " from rows"
)
OF_GOLD = {
    **{model.name: " ".join(model.totals) for model in load_models() if model.layer == "gold"},
    "daily_metrics": "requests bytes_sent human_requests bot_requests timed_requests requests_2xx requests_5xx"
    " requests_without_status quarantined_lines sessions",
    "hourly_metrics": "requests bytes_sent human_requests bot_requests timed_requests requests_1xx requests_2xx"
    " requests_3xx requests_4xx requests_5xx requests_without_status quarantined_lines sessions",
    "status_metrics": "requests bytes_sent human_requests bot_requests timed_requests status",
    "route_metrics": "requests bytes_sent errors timed_requests requests_without_status",
    "referrer_metrics": "requests bytes_sent errors human_requests requests_without_status",
    "session_metrics": "sessions human_sessions requests",
    "conversion_metrics": "human_sessions",
    "sessions": "requests",
    "visit_slots": "requests",
    "pipeline_metrics": "lines_read rows_silver lines_quarantined duplicates blank_lines",
}
DAMAGES: dict[str, tuple[Damage, set[str]]] = {
    "a row of silver is lost": (
        rows(SILVER, "from rows where path <> '/page/3'"), {SILVER_ROWS, BATCHES, DAILY, AGREE},
    ),
    "a row of silver is there twice": (
        rows(SILVER, "from rows union all from rows where path = '/page/3'"),
        {SILVER_ROWS, BATCHES, EVENTS_ONCE, DAILY, AGREE},
    ),
    "a row of silver has the identity of another": (
        rows(SILVER, TWICE.format(key="event_id", where="path = '/page/3'")), {EVENTS_ONCE},
    ),
    "a row of silver has the batch of another": (changed(SILVER, "batch_id", "'another'"), {BATCHES}),
    "an event of silver happened on another day": (
        changed(SILVER, "event_ts", "event_ts + interval 1 day"), {PLACES},
    ),
    "a value of silver differs": (changed(SILVER, "bytes_sent", "bytes_sent + 1"), {DAILY, AGREE}),
    "a status of silver differs": (changed(SILVER, "status", "status + 100"), {DAILY, AGREE}),
    "a visitor of silver is unknown": (
        rows(SILVER, "select * replace (null::varchar as visitor_id) from rows"), {AGREE},
    ),
    "a file of silver lies in the partition of another day": (
        partial(damage.move_to_another_day, name=SILVER), {PLACES, DAILY, AGREE},
    ),
    "a file of silver was committed twice": (
        partial(damage.commit_file_twice, name=SILVER), {SILVER_ROWS, BATCHES, EVENTS_ONCE, DAILY, AGREE},
    ),
    "a file of silver is not in the log": (
        partial(damage.forget_file, name=SILVER), {SILVER_ROWS, BATCHES, DAILY, AGREE},
    ),
    "a line of quarantine is lost": (rows(QUARANTINE, "from rows where raw <> 'broken'"), {QUARANTINE_ROWS}),
    "a line of quarantine is there twice": (
        rows(QUARANTINE, "from rows union all from rows where raw = 'broken'"), {QUARANTINE_ROWS, LINES_ONCE},
    ),
    "a line of quarantine stands in the place of another": (
        rows(QUARANTINE, TWICE.format(key="line_id", where="raw = 'broken'")), {LINES_ONCE},
    ),
    "a line of quarantine is in silver": (
        lambda lake: [
            rows(table, f"select * replace (case when {where} then 'it' else event_id end as event_id) from rows")(lake)
            for table, where in ((SILVER, "path = '/page/3' and status = 200"), (QUARANTINE, "raw = 'broken'"))
        ],
        {APART},
    ),
    "a line of quarantine was rejected on another day": (
        changed(QUARANTINE, "processed_at", "processed_at + interval 1 day"), {PLACES},
    ),
    "a line of quarantine happened on another day": (
        rows(QUARANTINE, "select * replace (event_ts + interval 1 day as event_ts) from rows"), {AGREE},
    ),
    "a file of quarantine lies in the partition of another day": (
        partial(damage.move_to_another_day, name=QUARANTINE), {PLACES},
    ),
    "a file of quarantine was committed twice": (
        partial(damage.commit_file_twice, name=QUARANTINE), {QUARANTINE_ROWS, LINES_ONCE, AGREE},
    ),
    "a file of quarantine is not in the log": (
        partial(damage.forget_file, name=QUARANTINE), {QUARANTINE_ROWS, AGREE},
    ),
    "a batch reports a line more than it accounts for": (
        changed(RUNS, "lines_read", "lines_read + 1"), {BALANCE, LINES, AGREE},
    ),
    "a batch reports a line more and another one less": (
        rows(
            RUNS,
            "select * replace (lines_read + case when silver_version = 1 then 1 when silver_version = 2 then -1"
            " else 0 end as lines_read) from rows",
        ),
        {BALANCE, AGREE},
    ),
    "a batch takes a duplicate for a blank line": (
        rows(RUNS, "select * replace (duplicates + 1 as duplicates, blank_lines - 1 as blank_lines) from rows"),
        {COUNTED, AGREE},
    ),
    "a batch takes a blank line for a row of silver": (
        rows(RUNS, "select * replace (rows_silver + 1 as rows_silver, blank_lines - 1 as blank_lines) from rows"),
        {SILVER_ROWS, BATCHES, COUNTED, AGREE},
    ),
    "a batch takes a blank line for a rejected one": (
        rows(
            RUNS,
            "select * replace (lines_quarantined + 1 as lines_quarantined, blank_lines - 1 as blank_lines) from rows",
        ),
        {QUARANTINE_ROWS, COUNTED, AGREE},
    ),
    "a batch is not in ops.runs": (
        rows(RUNS, "from rows where silver_version <> 2"), {SILVER_ROWS, QUARANTINE_ROWS, BATCHES, AGREE},
    ),
    "quality counts a line more": (
        rows(QUALITY, "select * replace (checked + (rule = 'line_readable')::bigint as checked) from rows"), {COUNTED},
    ),
    "quality counts a duplicate more": (
        rows(QUALITY, "select * replace (refused + (rule = 'event_unique')::bigint as refused) from rows"), {COUNTED},
    ),
    "quality has nothing of a batch": (rows(QUALITY, "from rows where silver_version <> 2"), {COUNTED}),
    "quarantine does not know the last batch": (
        partial(damage.forget_commit, name=QUARANTINE), {FOLLOWED, QUARANTINE_ROWS, APART, AGREE},
    ),
    "ops.runs does not know the last batch": (
        partial(damage.forget_commit, name=RUNS), {FOLLOWED, SILVER_ROWS, QUARANTINE_ROWS, BATCHES, AGREE},
    ),
    "quality does not know the last batch": (partial(damage.forget_commit, name=QUALITY), {FOLLOWED, COUNTED}),
    "a session is a bot's": (changed("gold/sessions", "is_bot", "not is_bot"), {AGREE}),
    **{
        f"{column} of {table} differs": (
            changed(f"gold/{table}", column, f"{column} + {100 if column == 'status' else 1}"),
            {DAILY} if table == "daily_metrics" and column not in {"sessions", "quarantined_lines"} else {AGREE},
        )
        for table, columns in OF_GOLD.items()
        for column in columns.split()
    },
    **{f"{name} is behind silver": (partial(damage.forget_commit, name=name), {SEEN}) for name in GOLD},
    **{
        f"{name} was computed by other models": (partial(damage.forget_fingerprint, name=name), {FOLLOWS})
        for name in GOLD
    },
    **{f"{name} is gone": (partial(damage.remove_table, name=name), {SEEN}) for name in GOLD},
    **{
        f"a file of {name} {what}": (partial(damage.change_file, name=name, change=change), set(expected))
        for name in (*ALL_TABLES, QUALITY)
        for what, change, *expected in (
            ("is gone", lambda _: None, FILES),
            ("holds other bytes", lambda content: bytes(len(content)), READABLE, COLUMNS),
        )
    },
    "a column has another type": (
        rows(SILVER, "select * replace (bytes_sent::double as bytes_sent) from rows"), {COLUMNS},
    ),
    "a file is empty": (partial(damage.change_file, name=SILVER, change=lambda _: b""), {FILES}),
    "a file is too short": (partial(damage.change_file, name=RUNS, change=lambda content: content[:-9]), {FILES}),
    "a file is too long": (partial(damage.change_file, name=GOLD[0], change=lambda content: content + b"PAR1"), {FILES}),
}  # fmt: skip
# A row of gold that is lost or that lies in another day's partition.
for _name in GOLD:
    _seen = {"gold/daily_metrics": {DAILY, AGREE}}.get(_name, {AGREE})
    DAMAGES[f"a row of {_name} is lost"] = (
        partial(damage.lose_row, name=_name),
        _seen,
    )
    if _name != "gold/pipeline_metrics":
        DAMAGES[f"a file of {_name} lies in the partition of another day"] = (
            partial(damage.move_to_another_day, name=_name),
            _seen,
        )


@pytest.mark.parametrize("name", DAMAGES)
def test_damage(copy: Path, name: str) -> None:
    harm, expected = DAMAGES[name]
    harm(copy)
    assert failing(copy) == expected


def test_every_check_has_a_damage_that_only_it_or_few_others_find(whole: Path) -> None:
    """A check that always passed would fail one of the tests above."""
    assert {check.name for check in found(whole).checks} == set().union(
        *(names for _, names in DAMAGES.values())
    )


def test_every_gold_table_is_compared() -> None:
    """By the totals that its model declares, or by an entry of `OF_GOLD`."""
    assert {f"gold/{name}" for name in OF_GOLD} == set(GOLD)
    assert {name.split(" and ")[0] for name in GOLD_FIGURES} == set(OF_GOLD)


def test_the_damage_is_named(copy: Path) -> None:
    damage.change_file(copy, "gold/sessions", lambda _: b"")
    (check,) = [check for check in found(copy).checks if not check.is_ok]
    assert check.detail.startswith("sessions/year=2026/") and " has 0 bytes instead of " in check.detail


def test_the_table_that_disagrees_is_named(copy: Path) -> None:
    damage.change_rows(copy, "gold/route_metrics", "select * replace (requests + 1 as requests) from rows")
    (check,) = [check for check in found(copy).checks if not check.is_ok]
    assert check.detail == "route_metrics and silver_days differ in 2"


def test_a_lake_without_gold_is_verified_as_far_as_it_goes(copy: Path) -> None:
    shutil.rmtree(copy / "gold")
    assert failing(copy) == {SEEN}
    damage.change_rows(copy, SILVER, "from rows limit 1")
    assert failing(copy) == {SEEN, SILVER_ROWS, BATCHES}


def test_verify_changes_nothing(copy: Path) -> None:
    before = state(copy, [*ALL_TABLES, QUALITY])
    found(copy)
    assert state(copy, [*ALL_TABLES, QUALITY]) == before


@pytest.mark.parametrize("moment", ["before", "after"])
def test_verify_beside_a_load_reads_versions_that_belong_together(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """A whole load happens while verify reads the log of silver: the tables read before it are older."""
    logs = [write(tmp_path / f"{n}.json", [*records(3, first=n * 90_000), f"broken {n}"]) for n in range(2)]
    load(lake, logs[0])
    true, waiting = load_state, [str(logs[1])]

    def loading(name: str, *others: Any) -> Any:
        found = true(name, *others) if moment == "after" else None
        if name == "web_logs" and waiting:
            operations.run(settings(lake), [waiting.pop()])
        return found or true(name, *others)

    monkeypatch.setattr("loglode.lake.table.load", loading)
    report = operations.verify(settings(lake))
    assert not waiting
    failed = {check.name for check in report.checks if not check.is_ok}
    # After silver was read, all of what was read is older; before, gold was read long before.
    assert failed <= {SEEN}
    verify(lake)
