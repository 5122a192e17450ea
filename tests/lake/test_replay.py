"""Quarantine is a waiting room: when the contract changes, lines go through; and users' own contracts."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.lakes import (
    ALL_TABLES,
    BY_BATCH,
    GOLD,
    KNOWS_LONG_AGO,
    KNOWS_PROBES,
    LONG_AGO,
    QUARANTINE,
    RUNS,
    SILVER,
    ask,
    assert_same,
    changed_contract,
    counts,
    load,
    probe,
    record,
    records,
    replay,
    rows,
    settings,
    state,
    table,
    write,
)

from loglode import operations
from loglode.errors import LakeError

EVENT_GOLD = [name for name in GOLD if name not in BY_BATCH]
PROBES = [probe(i, path=f"/probe/{i}") for i in range(6)]
STRANGE = [record(path=f"/strange/{i}", timestamp=LONG_AGO) for i in range(3)]
BOTH = probe(path="/both", timestamp=LONG_AGO)
NEVER = ["not json", '{"status": 200}']
COMBINED = '198.51.100.9 - - [11/Mar/1985:01:00:00 +0000] "PROBE /c HTTP/1.1" 200 5 "-" "curl/8"'


@pytest.fixture
def refused(lake: Path, tmp_path: Path) -> Path:
    """A log of which 5 lines pass and 12 do not."""
    log = write(tmp_path / "a.json", [*records(5, first=60), *PROBES, *STRANGE, BOTH, *NEVER])
    report = load(lake, log)
    assert (report.rows_silver, report.lines_quarantined) == (5, 12)
    return log


def reasons(lake: Path) -> list[str]:
    return sorted(",".join(row["reasons"]) for row in table(lake, QUARANTINE))


def test_lines_that_pass_now_move_to_silver_and_to_gold(
    lake: Path, tmp_path: Path, refused: Path, laxer_contract: Path
) -> None:
    report = replay(lake, contract=laxer_contract)
    assert (report.rows_silver, report.lines_quarantined, report.duplicates) == (6, -6, 0)
    assert report.lines_read == 0 and report.days == {(2026, 3, 10)}
    assert sorted(reasons(lake)) == sorted(
        [*["event_ts_invalid"] * 3, "event_ts_invalid,request_missing", "json_invalid", "event_ts_missing"]
    )
    # As if the laxer contract had held from the beginning.
    fresh = tmp_path / "fresh"
    load(fresh, refused, contract=laxer_contract)
    names = (SILVER, *EVENT_GOLD)
    assert_same(lake, fresh, names=names, without={"batch_id", "contract_version"})
    days = {
        row["date"].year: (row["requests"], row["quarantined_lines"])
        for row in table(lake, "gold/daily_metrics")
    }
    assert days == {1985: (0, 4), 2026: (11, 0)}
    freed = [row for row in table(lake, SILVER) if row["method"] == "PROBE"]
    assert {row["contract_version"] for row in freed} == {"1.1.0"}
    assert {row["batch_id"] for row in freed} == {report.batch_id}
    assert {row["source_object"] for row in freed} == {str(refused)}
    assert sorted(row["source_line"] for row in freed) == list(range(6, 12))


def test_a_replay_is_a_batch_of_the_books(lake: Path, refused: Path, laxer_contract: Path) -> None:
    assert refused.exists()
    replay(lake, contract=laxer_contract)
    told = {row["kind"]: row for row in table(lake, RUNS)}
    assert told["replay"]["lines_quarantined"] == -6 and told["replay"]["rows_silver"] == 6
    assert told["replay"]["contract_version"] == "1.1.0"
    assert counts(lake) == {
        "lines_read": 17, "rows_silver": 11, "lines_quarantined": 6, "duplicates": 0, "blank_lines": 0,
    }  # fmt: skip
    assert sorted(row["kind"] for row in table(lake, "gold/pipeline_metrics")) == ["load", "replay"]


def test_the_same_replay_again_changes_nothing(lake: Path, refused: Path, laxer_contract: Path) -> None:
    assert refused.exists()
    replay(lake, contract=laxer_contract)
    before = state(lake, ALL_TABLES)
    again = replay(lake, contract=laxer_contract)
    assert (again.rows_silver, again.lines_quarantined, again.duplicates) == (0, 0, 0)
    assert again.batches == [] and again.gold_days == 0
    assert state(lake, ALL_TABLES) == before


def test_a_replay_without_a_change_frees_nothing(lake: Path, refused: Path) -> None:
    assert refused.exists()
    before = state(lake, ALL_TABLES)
    assert replay(lake).lines_quarantined == 0
    assert state(lake, ALL_TABLES) == before


def test_only_lines_of_the_reason_are_tried(lake: Path, tmp_path: Path, refused: Path) -> None:
    assert refused.exists()
    contract = changed_contract(
        tmp_path / "lax.yaml",
        {**KNOWS_PROBES, **KNOWS_LONG_AGO},
    )
    report = replay(lake, reason="event_ts_invalid", contract=contract)
    assert (report.rows_silver, report.lines_quarantined) == (4, -4)
    assert {row["path"] for row in table(lake, SILVER) if row["year"] == 1985} == {
        "/strange/0", "/strange/1", "/strange/2", "/both",
    }  # fmt: skip
    assert reasons(lake).count("request_missing") == 6
    assert replay(lake, reason="no such reason", contract=contract).lines_quarantined == 0
    assert replay(lake, reason="' or 1=1 --", contract=contract).lines_quarantined == 0
    assert replay(lake, reason="request_missing", contract=contract).rows_silver == 6
    assert len(table(lake, QUARANTINE)) == 2


def test_a_line_refused_for_two_reasons_needs_both_gone(
    lake: Path, tmp_path: Path, refused: Path, laxer_contract: Path
) -> None:
    assert refused.exists()
    replay(lake, contract=laxer_contract)
    assert [row["path"] for row in table(lake, SILVER)].count("/both") == 0
    both = changed_contract(
        tmp_path / "both.yaml",
        {**KNOWS_PROBES, **KNOWS_LONG_AGO},
    )
    assert replay(lake, contract=both).rows_silver == 4
    assert [row["path"] for row in table(lake, SILVER)].count("/both") == 1


def test_lines_that_are_accepted_by_a_load_leave_quarantine_with_it(
    lake: Path, refused: Path, laxer_contract: Path
) -> None:
    """The rotated file is read under the new contract before anybody replays."""
    rotated = refused.with_suffix(".json.gz")
    rotated.write_bytes(gzip.compress(refused.read_bytes()))
    report = load(lake, rotated, contract=laxer_contract)
    assert (report.rows_silver, report.lines_quarantined, report.duplicates) == (6, -6, 17)
    assert report.lines_read == 17
    freed = replay(lake, contract=laxer_contract)
    assert (freed.rows_silver, freed.lines_quarantined, freed.duplicates) == (0, 0, 0)
    assert len(table(lake, SILVER)) == 11
    assert sorted(row["quarantined_lines"] for row in table(lake, "gold/daily_metrics")) == [0, 4]


def test_freed_lines_of_one_event_become_one_row(lake: Path, tmp_path: Path, laxer_contract: Path) -> None:
    sent_twice = probe(5, request_id="r1")
    lines = [sent_twice, sent_twice, probe(6, request_id="r2")]
    assert load(lake, write(tmp_path / "a.json", lines)).lines_quarantined == 3
    report = replay(lake, contract=laxer_contract)
    assert (report.rows_silver, report.lines_quarantined, report.duplicates) == (2, -3, 1)


def test_lines_of_all_formats_and_files_are_replayed_together(lake: Path, tmp_path: Path) -> None:
    contract = changed_contract(tmp_path / "lax.yaml", {**KNOWS_PROBES, **KNOWS_LONG_AGO})
    load(lake, write(tmp_path / "a.json", [record(0), *PROBES, "broken"]))
    load(lake, write(tmp_path / "b.log", [COMBINED.replace("1985", "2026"), COMBINED, "-"]))
    load(lake, write(tmp_path / "c.json", [probe(90_000)]))
    report = replay(lake, contract=contract)
    assert (report.rows_silver, report.lines_quarantined) == (8, -8)
    assert report.days == {(1985, 3, 11), (2026, 3, 10), (2026, 3, 11)}
    assert len(table(lake, QUARANTINE)) == 2
    [freed] = [row for row in table(lake, SILVER) if row["path"] == "/c" and row["source_line"] == 2]
    assert (freed["method"], freed["bytes_sent"]) == ("PROBE", 5)


def test_a_stricter_contract_frees_nothing_and_takes_nothing_back(
    lake: Path, tmp_path: Path, refused: Path
) -> None:
    assert refused.exists()
    strict = changed_contract(tmp_path / "strict.yaml", {"2100-01-01T00:00:00Z": "2000-01-01T00:00:00Z"})
    before = rows(lake, SILVER), rows(lake, QUARANTINE)
    assert replay(lake, contract=strict).lines_quarantined == 0
    assert (rows(lake, SILVER), rows(lake, QUARANTINE)) == before


def test_without_a_lake_there_is_nothing_to_replay(lake: Path) -> None:
    with pytest.raises(LakeError, match="no lake"):
        operations.replay_quarantine(settings(lake))
    assert not lake.exists()


# A user's own contract: a field with a rule of its own, and a rule between two fields.
TENANT = """\
      - name: tenant
        logicalType: string
        classification: internal
        description: Whose site it is.
        quality:
          - name: tenant_invalid
            type: library
            metric: invalidValues
            arguments:
              pattern: "[a-z]{2,8}"
            mustBe: 0
            severity: reject
          - name: tenant_slow
            type: custom
            engine: loglode
            implementation: "tenant <> 'fast' or response_time_ms < 100"
            severity: reject
        customProperties:
          - property: aliases
            value: [tenant_id, site.tenant]
      - name: warnings
"""


@pytest.fixture
def own_contract(tmp_path: Path) -> Path:
    return changed_contract(tmp_path / "own.yaml", {"      - name: warnings\n": TENANT})


def tenant_lines() -> list[dict[str, Any] | str]:
    return [
        record(0, tenant_id="acme", path="/1"),
        record(1, site={"tenant": "nested"}, path="/2"),
        record(2, path="/3"),
        record(3, tenant_id="NOT ONE", path="/4"),
        record(4, tenant_id="fast", response_time_ms=50, path="/5"),
        record(5, tenant_id="fast", response_time_ms=500, path="/6"),
        record(6, tenant_id="x", timestamp=LONG_AGO, path="/7"),
        "broken",
    ]


def tenants(lake: Path) -> dict[str, str | None]:
    return {row["path"]: row["tenant"] for row in table(lake, SILVER)}


def test_a_field_and_a_rule_of_the_users_own(lake: Path, tmp_path: Path, own_contract: Path) -> None:
    report = load(lake, write(tmp_path / "a.json", tenant_lines()), contract=own_contract)
    assert tenants(lake) == {"/1": "acme", "/2": "nested", "/3": None, "/5": "fast"}
    assert report.reasons == {
        "tenant_invalid": 2, "tenant_slow": 1, "event_ts_invalid": 1, "json_invalid": 1,
    }  # fmt: skip
    [both] = [row for row in table(lake, QUARANTINE) if '"/7"' in row["raw"]]
    assert sorted(both["reasons"]) == ["event_ts_invalid", "tenant_invalid"]
    assert ask(lake, "select tenant, count(*) from web_logs group by all order by all") == [
        ("acme", 1), ("fast", 1), ("nested", 1), (None, 1),
    ]  # fmt: skip
    assert sum(row["requests"] for row in table(lake, "gold/daily_metrics")) == 4


def test_a_field_added_to_a_lake_that_is_there_already(
    lake: Path, tmp_path: Path, own_contract: Path
) -> None:
    old = write(tmp_path / "old.json", [*records(4, first=500), "broken old"])
    new = write(tmp_path / "new.json", tenant_lines())
    load(lake, old)
    with pytest.raises(Exception, match="tenant"):
        ask(lake, "select tenant from web_logs")
    load(lake, new, contract=own_contract)
    assert ask(lake, "select count(*), count(tenant) from web_logs") == [(8, 3)]
    # Whoever still has the built-in contract goes on; its rows have no tenant.
    load(lake, write(tmp_path / "later.json", records(3, first=9000, tenant_id="acme")))
    assert ask(lake, "select count(*), count(tenant) from web_logs") == [(11, 3)]
    load(lake, write(tmp_path / "last.json", [record(9500, tenant_id="acme")]), contract=own_contract)
    assert ask(lake, "select count(*), count(tenant) from web_logs") == [(12, 4)]


def test_lines_refused_before_the_field_was_known_are_freed_with_it(
    lake: Path, tmp_path: Path, own_contract: Path
) -> None:
    refused = probe(0, tenant_id="acme", path="/probe")
    load(lake, write(tmp_path / "a.json", [refused, record(5, tenant_id="lost")]))
    changed_contract(own_contract, {"      - name: warnings\n": TENANT, **KNOWS_PROBES})
    assert replay(lake, contract=own_contract).rows_silver == 1
    assert tenants(lake) == {"/probe": "acme", "/articles/17": None}
