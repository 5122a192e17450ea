"""Objects that begin alike are several logs where they go on differently, and states of one log where one ends."""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglode.engines.heads import HeadRow, own_ids
from loglode.silver.identity import APART, IN_HEAD

# Each letter is a line, whose id depends on the letters up to it. Capitals come a day later.
Log = str
Batch = dict[str, Log]


def digits(lines: Log) -> str:
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def line_id(lines: Log) -> str:
    above = digits(lines[:-1])[:15] if len(lines) > 1 else digits(f"\n{lines}")[:15]
    return f"{IN_HEAD}{above}{digits(lines)}"


def micros(lines: Log) -> int:
    """`x` and `y` at one place are of one second, all others are not."""
    letter = "x" if lines[-1] == "y" else lines[-1]
    return (lines[-1].isupper() * 86_400 + len(lines) * 100 + ord(letter)) * 1_000_000


def head(name: str, lines: Log) -> list[HeadRow]:
    states = [lines[:n] for n in range(1, len(lines) + 1)]
    return [HeadRow(name, len(state), line_id(state), micros(state)) for state in states]


class Table:
    """Rows by id, and what a load adds to them: as the engines do it, without their speed."""

    def __init__(self) -> None:
        self.rows: dict[str, HeadRow] = {}
        self.apart: dict[str, str] = {}

    def staged(self, rows: Iterable[HeadRow]) -> list[HeadRow]:
        """The rows that would be added. May be given these again, after another load."""
        rows = [row._replace(id=self.apart.get(row.id, row.id)) for row in rows]
        halves = {row.id[:16] for row in rows}
        own = own_ids(rows, [known for known in self.rows if known[:16] in halves], self.held)
        renamed = [row._replace(id=own.get((row.object, row.line), row.id)) for row in rows]
        self.apart |= {new.id: row.id for row, new in zip(rows, renamed, strict=True) if row != new}
        unique = {row.id: row for row in reversed(renamed) if row.id not in self.rows}
        return list(unique.values())

    def held(self, halves: Collection[str]) -> list[tuple[str, int]]:
        return [(known, row.micros) for known, row in self.rows.items() if known[:16] in halves]

    def load(self, batch: Batch) -> None:
        self.commit(self.staged(row for name, lines in batch.items() for row in head(name, lines)))

    def commit(self, rows: Iterable[HeadRow]) -> None:
        self.rows |= {row.id: row for row in rows}

    def counts(self) -> Counter[int]:
        """Rows by time."""
        return Counter(row.micros for row in self.rows.values())


def expected(logs: Iterable[Log]) -> Counter[int]:
    """Rows by time: each line once, and once more for each log but one that goes on differently below it."""
    states = {log[:n] for log in logs for n in range(1, len(log) + 1)}
    found = Counter(map(micros, states))
    siblings: dict[tuple[Log, bool], dict[int, list[Log]]] = defaultdict(lambda: defaultdict(list))
    for state in states:
        if len(state) > 1:
            siblings[state[:-1], state[-1].isupper()][micros(state)].append(state)
    for (above, _), instants in siblings.items():
        followed = [sum(any(s[:-1] == one for s in states) for one in same) for same in instants.values()]
        for n in range(1, len(above) + 1):
            found[micros(above[:n])] += sum(count or 1 for count in followed) - 1
    return found


def loaded(*batches: Batch) -> Counter[int]:
    table = Table()
    for batch in batches:
        table.load(batch)
    return table.counts()


@pytest.mark.parametrize(
    ("logs", "rows"),
    [
        (["hab", "hcd"], 6),
        (["hab", "hcd", "hef"], 9),
        (["habc", "habd"], 8),
        (["habc", "habd", "hef"], 11),
        (["hab", "hab"], 3),  # a copy
        (["hab", "habcd"], 5),  # a state
        (["h", "hab", "hcd"], 6),
        (["ab", "cd"], 4),
        (["hx", "hyb"], 4),  # x may be y, half written
        (["hxa", "hyb"], 6),
        (["ha", "hB"], 3),  # on another day
    ],
)
def test_logs_that_begin_alike(logs: list[Log], rows: int) -> None:
    for order in (logs, logs[::-1]):
        named = {str(n): log for n, log in enumerate(order)}
        assert loaded(named).total() == rows
        assert loaded(*({name: log} for name, log in named.items())).total() == rows


_LOGS = st.lists(st.text("axyB", min_size=1, max_size=4), min_size=1, max_size=6)


def batches(logs: Sequence[Log], chance: random.Random) -> list[Batch]:
    """All logs with some of their earlier states and copies, in any order and cut."""
    sent = [*logs, *(log[: chance.randint(1, len(log))] for log in chance.choices(logs, k=len(logs)))]
    chance.shuffle(sent)
    count = chance.randint(1, 4)
    return [{str(m): log for m, log in enumerate(sent[n::count])} for n in range(count)]


@given(logs=_LOGS, chance=st.randoms(use_true_random=False))
def test_neither_order_nor_batches_change_the_rows(logs: list[Log], chance: random.Random) -> None:
    assert loaded(*batches(logs, chance)) == expected(logs)


@given(logs=_LOGS, chance=st.randoms(use_true_random=False))
def test_a_load_that_is_made_again_after_another_adds_no_line_twice(
    logs: list[Log], chance: random.Random
) -> None:
    """Its rows were staged without those of the others, and what it had twice is gone already."""
    table = Table()
    first, *more = batches(logs, chance)
    staged = table.staged(row for name, lines in first.items() for row in head(name, lines))
    for batch in more:
        table.load(batch)
    table.commit(table.staged(staged))
    assert table.counts() <= expected(logs)
    assert set(table.counts()) == set(expected(logs))


@given(logs=_LOGS)
def test_new_ids_differ_from_each_other_and_from_all_others(logs: list[Log]) -> None:
    rows = [row for n, log in enumerate(logs) for row in head(str(n), log)]
    found = own_ids(rows, [], lambda _: [])
    assert len(set(found.values())) == len(found)
    assert all(new.startswith(APART) and len(new) == 32 for new in found.values())
