"""What makes two lines one event: its id and its content, wherever, whenever and in whatever batches it comes."""

from __future__ import annotations

import gzip
import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from tests.helpers.lakes import SILVER, Record, ask, load, record, table, write

from loglode.errors import LakeFormatError

DAY = 86_400


def paths(lake: Path) -> list[str]:
    return sorted(row["path"] for row in table(lake, SILVER))


def conflicting(lake: Path) -> int:
    ((found,),) = ask(
        lake, "select coalesce(sum(warned), 0)::bigint from quality where rule = 'conflicting_ids'"
    )
    return int(found)


@pytest.mark.parametrize("seconds", [3 * 3600, 3 * DAY], ids=["hours", "days"])
def test_requests_that_share_an_id_are_events_of_their_own(lake: Path, tmp_path: Path, seconds: int) -> None:
    one, other = record(0, request_id="r", path="/one"), record(seconds, request_id="r", path="/other")
    load(lake, write(tmp_path / "a.json", [one]))
    report = load(lake, write(tmp_path / "b.json", [other, one]))
    assert (report.rows_silver, report.duplicates) == (1, 1)
    assert (load(lake, write(tmp_path / "c.json", [one, other])).rows_silver, paths(lake)) == (
        0,
        ["/one", "/other"],
    )


def test_clients_that_send_one_id_lose_no_request(lake: Path, tmp_path: Path) -> None:
    sent = [record(i, request_id="same", path=f"/{i}") for i in range(1000)]
    report = load(lake, write(tmp_path / "a.json", [*sent, sent[0]]))
    assert (report.rows_silver, report.duplicates, conflicting(lake)) == (1000, 1, 999)
    again = load(lake, write(tmp_path / "b.json", [sent[5], record(7, request_id="same", path="/new")]))
    assert (again.rows_silver, again.duplicates, conflicting(lake)) == (1, 1, 1000)


def test_a_record_of_an_array_is_the_one_of_a_line(lake: Path, tmp_path: Path) -> None:
    events = [record(i, request_id=f"r{i}") for i in range(3)]
    load(lake, write(tmp_path / "a.json", events))
    texts = ",\n ".join(json.dumps(event) for event in events)
    report = load(lake, write(tmp_path / "b.json", [f"[\n {texts}\n]"]))
    assert (report.rows_silver, report.duplicates) == (0, 3)


events = st.builds(
    record,
    st.sampled_from([0, 7, 3 * 3600, DAY, 3 * DAY]),
    request_id=st.sampled_from(["a", "b", "c"]),
    path=st.sampled_from(["/1", "/2"]),
)


@examples(max_examples=4)
@given(sent=st.lists(events, min_size=1, max_size=40), chance=st.randoms(use_true_random=False))
def test_no_cut_and_no_order_changes_what_is_one_event(sent: list[Record], chance: random.Random) -> None:
    """Of each text one row, whatever ids are shared, however the lines fall into files, batches and loads."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Path(folder, "lake")
        wanted = sorted({json.dumps(event) for event in sent})
        late = [*sent, *chance.choices(sent, k=len(sent) // 2)]
        chance.shuffle(late)
        loads = chance.randint(1, 3)
        for n in range(loads):
            files = [write(Path(folder, f"{n}-{m}.json"), late[n::loads][m::2]) for m in range(2)]
            load(lake, *files, batch_bytes=chance.choice([1, 1 << 30]))
        found = [
            (row["path"], row["event_ts"].isoformat(timespec="milliseconds")) for row in table(lake, SILVER)
        ]
        texts = [(event["path"], event["timestamp"]) for event in map(json.loads, wanted)]
        assert sorted(found) == sorted(texts)


CHECK = '10.0.0.1 - - [10/Mar/2026:12:00:{:02d} +0000] "GET /health HTTP/1.1" 200 2 "-" "checker"'


def visit(server: str, second: int) -> str:
    return CHECK.format(second % 60).replace("/health", f"/{server}/{second}")


def test_servers_that_write_equal_lines_after_their_first_difference_lose_none(
    lake: Path, tmp_path: Path
) -> None:
    """A balancer checks all of them in the same second, so lines at equal places are equal."""
    for server in ("web1", "web2"):
        lines = [visit(server, 1), *(CHECK.format(second) for second in range(2, 40))]
        write(tmp_path / server / "access.log", lines)
    report = load(lake, tmp_path / "web1", tmp_path / "web2")
    assert (report.rows_silver, report.duplicates) == (78, 0)


def test_servers_with_equal_first_lines_lose_none(lake: Path, tmp_path: Path) -> None:
    """In one batch or in several, copied, compressed and grown: of each log all lines, and no line twice."""
    logs = {
        server: [CHECK.format(1), CHECK.format(2), visit(server, 3), visit(server, 4)]
        for server in ("web1", "web2", "web3")
    }
    one, two, three = (write(tmp_path / server / "access.log", lines) for server, lines in logs.items())
    (two.parent / "copy.gz").write_bytes(gzip.compress(two.read_bytes()))
    report = load(lake, one.parent, two.parent)
    assert (report.rows_silver, report.duplicates) == (8, 4)
    assert load(lake, three).rows_silver == 4
    ids = "select count(distinct event_id) from web_logs"
    assert ask(lake, ids) == [(12,)]
    for log in (one, two, three):
        write(log, [visit(log.parent.name, 5)], append=True)
    report = load(lake, *(log.rename(log.with_name("old.log")) for log in (one, two, three)))
    assert (report.rows_silver, report.duplicates) == (3, 12)
    assert ask(lake, ids) == [(15,)]


def test_servers_that_had_nothing_but_equal_lines_at_first_lose_none(lake: Path, tmp_path: Path) -> None:
    """Until then, one log is a state of the other. Both go on in the same second, and one line is half written."""
    logs = [tmp_path / server / "access.log" for server in ("web1", "web2")]
    checks = [CHECK.format(1), CHECK.format(2)]
    load(lake, *(write(log, checks) for log in logs))
    logs[0].write_text("\n".join([*checks, visit("web1", 3).rpartition(' "-"')[0]]))
    load(lake, logs[0])
    assert paths(lake).count("/health") == 2
    for log in logs:
        load(lake, write(log, [*checks, visit(log.parent.name, 3), visit(log.parent.name, 4)]))
    assert paths(lake).count("/health") == 4


def test_a_lake_of_a_rule_that_this_version_does_not_know_is_refused(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = write(tmp_path / "a.json", [record(0)])
    load(lake, log)
    monkeypatch.setattr("loglode.context.RULE", 9)
    with pytest.raises(LakeFormatError, match="does not know"):
        load(lake, write(log, [record(1)]))


def renamed(log: Path) -> Path:
    return log.rename(log.with_name("other.log"))


def moved(log: Path) -> Path:
    log.parent.joinpath("archive").mkdir()
    return log.rename(log.parent / "archive" / log.name)


def compressed(log: Path) -> Path:
    target = log.with_name(f"{log.name}.1.gz")
    target.write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    return target


@pytest.mark.parametrize("change", [renamed, moved, compressed])
def test_a_log_that_grew_and_was_rotated_is_the_same(
    lake: Path, tmp_path: Path, change: Callable[[Path], Path]
) -> None:
    """The second state is longer than the head, the first one shorter."""
    log = write(tmp_path / "access.log", [visit("a", n) for n in range(5)])
    load(lake, log)
    write(log, [visit("a", n) for n in range(5, 150)], append=True)
    report = load(lake, change(log))
    assert (report.rows_silver, report.duplicates) == (145, 5)
    assert len(set(paths(lake))) == len(paths(lake)) == 150
