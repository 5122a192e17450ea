"""Checkpoints: a table's whole state in one file, which spares other readers most of the log."""

from __future__ import annotations

from pathlib import Path

import deltalake

from loglode.lake.delta import reaching
from loglode.lake.log import LOG, commit_name, commits_in
from loglode.lake.staging import new_name, staging
from loglode.lake.state import newest_checkpoint
from loglode.lake.table import Table
from loglode.storage import names_after, upload

_POINTER = "_last_checkpoint"


def write_checkpoint(table: Table) -> None:
    """Write a checkpoint of the newest version. Raises LakeError, StorageError, OSError.

    deltalake reads each commit of the log four times. On S3 it gets a copy of the log on this disk: the
    newest checkpoint and the commits since, each read once.
    """
    if isinstance(table.root, Path):
        with reaching(table.root):
            table.delta().create_checkpoint()
        return
    names = names_after(table.root / LOG)
    base, parts = newest_checkpoint(names)
    commits = sorted(commits_in(names))
    with staging(table.root, new_name()) as folder:
        log = folder / LOG
        log.mkdir()
        for name in [*parts, *(commit_name(version) for version in commits if version > base)]:
            (log / name).write_bytes((table.root / LOG / name).read_bytes())
        with reaching(table.root):
            deltalake.DeltaTable(folder).create_checkpoint()
        _, written = newest_checkpoint(path.name for path in log.iterdir())
        for name in [*written, _POINTER]:  # the pointer last: it names what is there
            upload(log / name, table.root / LOG / name)
