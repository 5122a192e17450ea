"""A folder for files in the making, inside the lake so that publishing is a rename.

A lock tells the living from the dead: what a killed run left behind is removed by the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

FOLDER = "_staging"


@contextlib.contextmanager
def staging(lake: Path, name: str) -> Iterator[Path]:
    """A new folder that is gone afterwards, whatever happens."""
    folder = lake / FOLDER / name
    with _locked(folder):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Make the folder and hold its lock. Between the two another process may take it for abandoned."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock = (folder / "lock").open("w")
        except FileNotFoundError:
            continue
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_at(folder / "lock", lock.fileno()):
                yield
                return


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether the open file is the one at the path, and not one that was removed meanwhile."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def remove_abandoned(lake: Path) -> int:
    """Remove staging folders whose process is gone; returns how many."""
    removed = 0
    for folder in sorted((lake / FOLDER).glob("*")):
        try:
            with (folder / "lock").open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
        except OSError:
            continue  # somebody works in it, or is just making or removing it
    return removed
