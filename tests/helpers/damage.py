"""Damages lakes behind the pipeline's back, so that a test can see whether anybody notices.

Files are changed in place and the log is changed to fit: versions, bookmarks and sizes stay consistent, and the
damage is the only thing that is wrong.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import pyarrow.parquet as pq

from loglode.batches.effects import SILVER_VERSION
from loglode.lake import Commit, committer
from loglode.lake.table import as_it_stands

Action = dict[str, Any]


def change_rows(lake: Path, name: str, sql: str) -> None:
    """Replace each file's rows by the result of a query over `rows`. Partition columns are not in the files."""
    for file in _files(lake / name):
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            connection.register("rows", pq.ParquetFile(file).read())
            pq.write_table(connection.execute(sql).to_arrow_table(), file)
    _change_log(lake / name, lambda add: _measured(lake / name, add))


def lose_row(lake: Path, name: str) -> None:
    """Take the last row out of a table's first file."""
    file = _files(lake / name)[0]
    rows = pq.ParquetFile(file).read()
    pq.write_table(rows.slice(0, len(rows) - 1), file)
    _change_log(lake / name, lambda add: _measured(lake / name, add))


def change_file(lake: Path, name: str, change: Callable[[bytes], bytes | None]) -> None:
    """Change the bytes of a table's first file, and not the log; None removes the file."""
    file = _files(lake / name)[0]
    content = change(file.read_bytes())
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)


def forget_fingerprint(lake: Path, name: str) -> None:
    """Give a gold table the bookmark that the first release recorded: silver's version alone."""
    snapshot = as_it_stands(name.removeprefix("gold/"), lake / name)
    version = (snapshot.transaction(SILVER_VERSION) or 0) % 2**31
    assert committer.try_commit(snapshot, Commit(transactions={SILVER_VERSION: version}))


def move_to_another_day(lake: Path, name: str) -> None:
    """Move a table's first file to the partition of another day, in the log as well."""
    root = lake / name
    source = _files(root)[0].relative_to(root)
    target = Path("year=2031", "month=1", "day=1", source.name)
    (root / target).parent.mkdir(parents=True)
    (root / source).rename(root / target)

    def moved(add: Action) -> Action:
        if add["path"] == source.as_posix():
            return {
                **add,
                "path": target.as_posix(),
                "partitionValues": {"year": "2031", "month": "1", "day": "1"},
            }
        return add

    _change_log(root, moved)


def commit_file_twice(lake: Path, name: str) -> None:
    """Let the newest commit with files add a copy of one of them."""
    root = lake / name
    for log in reversed(_logs(root)):
        lines = log.read_text("utf-8").splitlines()
        adds = [line for line in lines if "add" in json.loads(line)]
        if adds:
            add = json.loads(adds[0])["add"]
            copy = f"{add['path'].removesuffix('.parquet')}-copy.parquet"
            shutil.copy(root / add["path"], root / copy)
            log.write_text("\n".join([*lines, json.dumps({"add": {**add, "path": copy}})]) + "\n", "utf-8")
            return


def forget_file(lake: Path, name: str) -> None:
    """Take one file out of the log."""
    gone = _files(lake / name)[0].name
    for log in _logs(lake / name):
        lines = [
            line for line in log.read_text("utf-8").splitlines() if '"add"' not in line or gone not in line
        ]
        log.write_text("\n".join(lines) + "\n", "utf-8")


def forget_commit(lake: Path, name: str) -> None:
    """Take the newest commit out of the log, as if the process had died before it."""
    _logs(lake / name)[-1].unlink()


def remove_table(lake: Path, name: str) -> None:
    """Delete a table, its log included."""
    shutil.rmtree(lake / name)


def _files(root: Path) -> list[Path]:
    return [Path(uri) for uri in sorted(deltalake.DeltaTable(str(root)).file_uris())]


def _logs(root: Path) -> list[Path]:
    return sorted((root / "_delta_log").glob("*.json"))


def _change_log(root: Path, change: Callable[[Action], Action]) -> None:
    for log in _logs(root):
        actions = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
        changed = [{**a, "add": change(a["add"])} if "add" in a else a for a in actions]
        log.write_text("".join(f"{json.dumps(action)}\n" for action in changed), "utf-8")


def _measured(root: Path, add: Action) -> Action:
    """The action with the size and the number of rows that the file has now."""
    file = root / add["path"]
    if not file.is_file():
        return add
    stats = json.loads(add["stats"]) | {"numRecords": pq.ParquetFile(file).metadata.num_rows}
    return {**add, "size": file.stat().st_size, "stats": json.dumps(stats)}
