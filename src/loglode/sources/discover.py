"""From the words of the command line to a list of objects."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from loglode.errors import SourceNotFoundError
from loglode.sources.objects import SourceObject

STDIN = "-"


def discover(sources: Sequence[str]) -> list[SourceObject]:
    """Objects that the sources name, each once, in the order of their names.

    A source is a file, a folder (searched through; names that begin with `.` or `_` are left out),
    a glob or `-`. Raises SourceNotFoundError when one names nothing.
    """
    found: dict[str, SourceObject] = {}
    for source in sources:
        if source == STDIN:
            found[STDIN] = SourceObject("stdin", 0, time.time_ns(), is_stream=True)
            continue
        for path in _paths(source):
            real = os.path.realpath(path)
            facts = os.stat(real)
            found[real] = SourceObject(real, facts.st_size, facts.st_mtime_ns)
    return [found[key] for key in sorted(found)]


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
