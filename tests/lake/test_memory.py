"""A batch that memory does not suffice for is tried once more, in two steps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.helpers.lakes import SILVER, load, records, settings, table, write

from loglode import operations
from loglode.engines.duckdb.engine import DuckDBEngine
from loglode.errors import MemoryShortError


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each attempt is made in two steps; the attempts in one step run out of memory."""
    found: list[bool] = []
    real = DuckDBEngine.stage_lines

    def stage_lines(self: DuckDBEngine, *words: Any, is_wide: bool = False) -> Any:
        found.append(is_wide)
        if not is_wide:
            raise MemoryShortError("memory did not suffice")
        return real(self, *words, is_wide=is_wide)

    monkeypatch.setattr(DuckDBEngine, "stage_lines", stage_lines)
    return found


def test_the_second_attempt_gives_the_same_rows(lake: Path, tmp_path: Path, attempts: list[bool]) -> None:
    log = write(tmp_path / "a.json", [*records(60, step=86_400), "broken", ""])
    report = load(lake, log)
    assert attempts == [False, True]
    assert (report.rows_silver, report.lines_quarantined, report.blank_lines) == (60, 1, 1)
    found = table(lake, SILVER)
    assert sorted(row["path"] for row in found) == sorted(f"/page/{n}" for n in range(60))
    assert all((r["year"], r["month"], r["day"]) == r["event_ts"].timetuple()[:3] for r in found)


def test_there_is_no_third_attempt(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[bool] = []

    def stage_lines(self: DuckDBEngine, *words: Any, is_wide: bool = False) -> Any:
        del self, words
        attempts.append(is_wide)
        raise MemoryShortError("memory did not suffice")

    with monkeypatch.context() as patched:
        patched.setattr(DuckDBEngine, "stage_lines", stage_lines)
        with pytest.raises(MemoryShortError):
            operations.run(settings(lake), [str(write(tmp_path / "a.json", records(3)))])
    assert attempts == [False, True]
    # Nothing was recorded as loaded.
    assert load(lake, tmp_path / "a.json").rows_silver == 3


@pytest.mark.parametrize("megabytes", [700, 2000, 3500])
def test_too_small_an_address_space_is_refused_before_a_library_aborts(
    lake: Path, tmp_path: Path, megabytes: int
) -> None:
    log = write(tmp_path / "a.json", records(3))
    command = f"ulimit -v {megabytes * 1024} && exec {sys.executable} -m loglode run {log} --lake {lake} --memory-mb 512"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert f"limited to {megabytes:,} MB; 3,512 MB are needed" in done.stderr
    assert not lake.exists()
