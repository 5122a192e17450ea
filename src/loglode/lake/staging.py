"""A folder for files in the making, inside the lake so that publishing is a rename.

For a lake on S3 it is on the local disk, under LOGLODE_STAGING or the system's temporary folder.

A lock shows whether a run is alive: the next run removes what a killed one left behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from loglode.errors import LakeError
from loglode.storage import Location

FOLDER = "_staging"
STAGING_VARIABLE = "LOGLODE_STAGING"
_NAME = re.compile(r"[0-9a-f]{16}")


def staging_root(lake: Location) -> Path:
    """Where staging folders of a lake are. Raises LakeError where somebody else owns that place."""
    if isinstance(lake, Path):
        return lake / FOLDER
    named = os.environ.get(STAGING_VARIABLE)
    root = Path(named) if named else Path(tempfile.gettempdir(), f"loglode-{os.getuid()}")
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if root.is_symlink() or root.stat().st_uid != os.getuid():
        raise LakeError(f"{root} belongs to somebody else", hint=f"name a folder by {STAGING_VARIABLE}")
    return root


def new_name() -> str:
    """A name for a staging folder, which no other has."""
    return secrets.token_hex(8)


@contextlib.contextmanager
def staging(lake: Location, name: str) -> Iterator[Path]:
    """A new folder that is gone afterwards, whatever happens; `name` is one of `new_name`'s."""
    folder = staging_root(lake) / name
    with _locked(folder):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def scratch(root: Location) -> Iterator[Path]:
    """A folder to write a table's small files in: its own on a disk, a staging folder for S3."""
    if isinstance(root, Path):
        yield root
        return
    with staging(root, new_name()) as folder:
        yield folder


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


def is_held(lake: Location, name: str) -> bool:
    """Whether the process that made a staging folder on this disk lives."""
    try:
        with (staging_root(lake) / name / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def is_in_use(lake: Location) -> bool:
    """Whether a run works on a lake on this disk now. False for S3, where nobody can tell."""
    root = lake / FOLDER if isinstance(lake, Path) else None
    names = [f.name for f in root.glob("*") if _NAME.fullmatch(f.name)] if root else []
    return any(is_held(lake, name) for name in names)


def remove_abandoned(lake: Location) -> int:
    """Remove staging folders whose process is gone; returns how many.

    Also one without a lock: processes of a killed run, such as Spark's, write for a moment more, and make
    a folder anew that was removed. Who is just making one waits for the lock taken here, and makes another.
    What has no name of ours is left alone: a user may have named a place that holds other things.
    """
    removed = 0
    for folder in sorted(f for f in staging_root(lake).glob("*") if _NAME.fullmatch(f.name)):
        try:
            with (folder / "lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(folder / "lock", lock.fileno()):
                    shutil.rmtree(folder, ignore_errors=True)
                    removed += 1
        except OSError:
            continue  # somebody works in it, or has just removed it
    return removed
