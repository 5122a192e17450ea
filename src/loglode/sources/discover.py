"""From the words of the command line to a list of objects."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from loglode.errors import SourceNotFoundError
from loglode.sources.objects import SourceObject
from loglode.storage import SCHEME, S3Object, S3Path, head, list_objects

STDIN = "-"


def discover(sources: Sequence[str]) -> list[SourceObject]:
    """Objects that the sources name, each once, in the order of their names.

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
            facts = os.stat(real)
            found[real] = SourceObject(real, facts.st_size, facts.st_mtime_ns)
    return [found[key] for key in sorted(found)]


def on_s3(uri: str, version: str = "") -> SourceObject:
    """One object on S3, as it is now or in a version. Raises StorageError."""
    found = head(S3Path.parse(uri), version)
    return replace(_source(found), version=version)


def _on_s3(source: str) -> list[SourceObject]:
    """Below a folder (ending in /, or the bucket), else of that key or with keys that begin so."""
    place = S3Path.parse(source)
    is_prefix = not source.endswith("/")
    named = len(place.key)  # what the user has named himself is not left out
    found = [
        _source(o)
        for o in list_objects(place, as_prefix=is_prefix)
        if o.size and not _is_hidden(f"named{o.path.key[named:]}" if is_prefix else o.path.key[named:])
    ]
    if not found:
        raise SourceNotFoundError(f"no object at {source!r}", hint="check bucket and prefix")
    return found


def _is_hidden(below: str) -> bool:
    return any(part.startswith((".", "_")) for part in below.split("/"))


def _source(found: S3Object) -> SourceObject:
    return SourceObject(str(found.path), found.size, found.modified_ns, etag=found.etag)


def _paths(source: str) -> Iterator[str]:
    if os.path.isdir(source):
        paths = list(_walk(source))
    elif os.path.isfile(source):
        paths = [source]
    else:
        paths = sorted(p for p in glob.glob(source, recursive=True) if os.path.isfile(p))
    if not paths:
        raise SourceNotFoundError(
            f"no file at {source!r}",
            hint="name files, a folder, a quoted glob, or - for standard input",
        )
    yield from paths


def _walk(folder: str) -> Iterator[str]:
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "_")))
        for name in sorted(files):
            path = Path(where, name)
            if not name.startswith((".", "_")) and path.is_file():
                yield str(path)
