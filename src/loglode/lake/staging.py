"""A folder for files in the making, inside the lake so that publishing is a rename.

A lock tells the living from the dead: what a killed run left behind is removed by the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

FOLDER = "_staging"


@contextlib.contextmanager
def staging(lake: Path, name: str) -> Iterator[Path]:
    """A new folder that is gone afterwards, whatever happens."""
    folder = lake / FOLDER / name
    folder.mkdir(parents=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


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
