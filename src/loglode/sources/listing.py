"""From the sources that a user names to a list of objects."""

from __future__ import annotations

import glob
import logging
import os
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from loglode.errors import SourceNotFoundError
from loglode.sources.objects import UNKNOWN_SIZE, SourceObject
from loglode.storage import SCHEME, S3Object, S3Path, head, list_objects

STDIN = "-"
_log = logging.getLogger(__name__)


def discover(sources: Sequence[str]) -> list[SourceObject]:
    """Find the objects that the sources name, each once, in the order of their names.

    A source is a file, a folder (searched through; names that begin with `.` or `_` are left out),
    a glob, `-`, or an object, prefix or folder on S3. Raises SourceNotFoundError when one names nothing.
    """
    found: dict[str, SourceObject] = {}
    for source in sources:
        if source == STDIN:
            found[STDIN] = SourceObject("stdin", 0, time.time_ns(), is_stream=True)
            continue
        if source.startswith(SCHEME):
            found |= {object_.uri: object_ for object_ in _on_s3(source)}
            continue
        for path in _paths(source):
            real = os.path.realpath(path)
            found[real] = _file(real)
    return [found[key] for key in sorted(found)]


def _file(path: str) -> SourceObject:
    """A file as it is now. One whose state cannot be read fails when it is opened."""
    try:
        facts = os.stat(path)
    except OSError:
        return SourceObject(path, UNKNOWN_SIZE, time.time_ns())
    return SourceObject(path, facts.st_size, facts.st_mtime_ns, inode=facts.st_ino)


def on_s3(uri: str, version: str = "") -> SourceObject:
    """One object on S3, as it is now or in a version. Raises StorageError."""
    found = head(S3Path.parse(uri), version)
    return replace(_source(found), version=version)


def _on_s3(source: str) -> list[SourceObject]:
    """Objects below a folder (ends in /, or a bucket), else those whose keys begin with the source."""
    place = S3Path.parse(source)
    is_prefix = not source.endswith("/")
    named = len(place.key)  # what the user names explicitly is never left out
    there = [o for o in list_objects(place, as_prefix=is_prefix) if o.size]
    hidden = {
        o.path.key
        for o in there
        if is_hidden(f"named{o.path.key[named:]}" if is_prefix else o.path.key[named:])
    }
    _log_hidden(source, len(hidden))
    if len(hidden) == len(there):
        raise SourceNotFoundError(
            f"no object at {source!r}{_but(len(hidden))}", hint="check bucket and prefix"
        )
    return [_source(o) for o in there if o.path.key not in hidden]


def _log_hidden(source: str, hidden: int) -> None:
    if hidden:
        facts = {"object": source, "counts": {"left_out": hidden}}
        _log.info("names that begin with . or _ are left out", extra=facts)


def _but(hidden: int) -> str:
    return f" but {hidden} with names that begin with . or _" if hidden else ""


def is_hidden(below: str) -> bool:
    """Whether a part of a path begins with `.` or `_`, as files of tools do; `.` and `..` do not count."""
    return any(part.startswith((".", "_")) for part in below.split("/") if part not in (".", ".."))


def _source(found: S3Object) -> SourceObject:
    return SourceObject(str(found.path), found.size, found.modified_ns, etag=found.etag)


def _paths(source: str) -> Iterator[str]:
    hidden = 0
    if os.path.isdir(source):
        names = list(_walk(source))
        paths = [path for path in names if not is_hidden(os.path.relpath(path, source))]
        hidden = len(names) - len(paths)
        _log_hidden(source, hidden)
    elif os.path.isfile(source):
        paths = [source]
    else:
        paths = sorted(p for p in glob.glob(source, recursive=True) if _is_file(p))
    if not paths:
        raise SourceNotFoundError(
            f"no file at {source!r}{_but(hidden)}",
            hint="name files, a folder, a quoted glob, or - for standard input",
        )
    yield from paths


def _walk(folder: str) -> Iterator[str]:
    """Files below, hidden folders, and folders that cannot be listed: those fail when they are opened."""
    unreadable: list[str] = []
    for where, folders, files in os.walk(folder, onerror=lambda error: unreadable.append(error.filename)):
        yield from (f"{where}/{name}" for name in folders if is_hidden(name))
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(files):
            if _is_file(path := str(Path(where, name))):
                yield path
    yield from unreadable


def _is_file(path: str) -> bool:
    """Whether there is a file. One whose state cannot be read counts as one, so that it is reported."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return False
    except OSError:
        return True
