"""From the sources that a user names to a list of objects."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loglode.errors import AccessDeniedError, SourceNotFoundError, StorageBusyError
from loglode.sources.folders import HIDDEN, LINKS, OWN, Search, is_hidden
from loglode.sources.objects import UNKNOWN_SIZE, SourceObject, Unlisted
from loglode.sources.outcomes import read_error
from loglode.storage import SCHEME, Location, S3Object, S3Path, head, list_objects

STDIN = "-"
_LEFT_OUT = {
    HIDDEN: "names that begin with . or _",
    LINKS: "symbolic links (--follow-links reads them)",
    OWN: "files of the lake itself",
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What no source may contain: the folders of the lake that is loaded, and the file of its key.

    Logs may lie in the lake's folder beside them, as in `bronze/` of a bucket that is a lake.
    """

    folders: tuple[Location, ...] = ()
    key: Path | None = None

    @property
    def on_disk(self) -> tuple[str, ...]:
        """The lake's folders without links, where they are on a disk."""
        return tuple(os.path.realpath(folder) for folder in self.folders if isinstance(folder, Path))

    def is_key(self, path: str) -> bool:
        """Whether a file is that of the key, by whatever name."""
        try:
            return self.key is not None and Path(path).samefile(self.key)
        except OSError:
            return False  # one of them is not there

    def is_own_object(self, place: S3Path) -> bool:
        """Whether an object on S3 is one of the lake."""
        return any(
            isinstance(folder, S3Path) and folder.bucket == place.bucket and _is_below(place.key, folder.key)
            for folder in self.folders
        )


def discover(
    sources: Sequence[str], own: Surroundings | None = None, *, follows_links: bool = False
) -> list[SourceObject]:
    """Find the objects that the sources name, each once, in the order of their names.

    A source is a file, a folder (searched through; names that begin with `.` or `_` are left out),
    a glob, `-`, or an object, prefix or folder on S3. Symbolic links that a user names are followed; those
    that are found in a folder only on request. What cannot be listed is among the objects, and fails when
    it is opened. Raises SourceNotFoundError when a source names nothing.
    """
    own = own or Surroundings()
    found: dict[str, SourceObject] = {}
    for source in sources:
        if source == STDIN:
            found[STDIN] = _standard_input()
        elif source.startswith(SCHEME):
            found |= {object_.uri: object_ for object_ in _on_s3(source, own)}
        else:
            found |= {object_.uri: object_ for object_ in _on_disk(source, own, follows_links=follows_links)}
    return [found[key] for key in sorted(found)]


def on_s3(uri: str, version: str = "") -> SourceObject:
    """One object on S3, as it is now or in a version. Raises StorageError."""
    found = head(S3Path.parse(uri), version)
    return replace(_source(found), version=version)


def _standard_input() -> SourceObject:
    if sys.stdin is None:
        raise SourceNotFoundError("standard input is closed", hint="pipe a log into the command")
    return SourceObject("stdin", 0, time.time_ns(), is_stream=True)


def _on_disk(source: str, own: Surroundings, *, follows_links: bool) -> list[SourceObject]:
    search = Search(follows_links=follows_links, own=own.on_disk)
    found: list[SourceObject] = []
    for path in search.files(source):
        real = os.path.realpath(path)
        if any(_is_below(real, folder) for folder in own.on_disk) or own.is_key(real):
            search.left_out[OWN] += 1
        else:
            found.append(_file(real))
    for folder, error in search.errors.items():
        shown = SourceObject(os.path.realpath(folder), UNKNOWN_SIZE, 0).display_uri
        found.append(Unlisted.of(folder, read_error(shown, error, to="list")))
    return _unless_empty(source, found, search.left_out)


def _on_s3(source: str, own: Surroundings) -> list[SourceObject]:
    """Objects below a folder (ends in /, or a bucket), else those whose keys begin with the source."""
    place = S3Path.parse(source)
    is_prefix = not source.endswith("/")
    named = len(place.key)  # what the user names explicitly is never left out
    found: list[SourceObject] = []
    left_out: Counter[str] = Counter()
    try:
        for there in list_objects(place, as_prefix=is_prefix):
            below = f"named{there.path.key[named:]}" if is_prefix else there.path.key[named:]
            if own.is_own_object(there.path):
                left_out[OWN] += 1
            elif there.size and is_hidden(below):
                left_out[HIDDEN] += 1
            elif there.size:
                found.append(_source(there))
    except (AccessDeniedError, StorageBusyError) as error:
        found.append(Unlisted.of(source, error))
    return _unless_empty(source, found, left_out)


def _unless_empty(source: str, found: list[SourceObject], left_out: Counter[str]) -> list[SourceObject]:
    """What was found; what was left out is logged. Raises SourceNotFoundError where nothing was found."""
    reasons = {why: count for why, count in left_out.items() if count}
    if not found:
        but = " and ".join(f"{count:,} {_LEFT_OUT[why]}" for why, count in reasons.items())
        raise SourceNotFoundError(
            f"nothing to load at {source!r}" + (f" but {but}" if but else ""),
            hint="name files, a folder, a quoted glob, - for standard input, or s3://BUCKET/PREFIX",
        )
    for why, count in reasons.items():
        level = logging.WARNING if why == LINKS else logging.INFO
        _log.log(
            level, f"left out: {_LEFT_OUT[why]}", extra={"object": source, "counts": {"left_out": count}}
        )
    return found


def _file(path: str) -> SourceObject:
    """A file as it is now. One whose state cannot be read fails when it is opened."""
    try:
        facts = os.stat(path)
    except OSError:
        return SourceObject(path, UNKNOWN_SIZE, time.time_ns())
    return SourceObject(path, facts.st_size, facts.st_mtime_ns, inode=facts.st_ino)


def _source(found: S3Object) -> SourceObject:
    return SourceObject(str(found.path), found.size, found.modified_ns, etag=found.etag)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
