"""Files on a disk: what a folder holds, and what a glob matches.

Names in a folder are written by others. So links that are found there are not followed, and nothing is
skipped without being counted: a folder that cannot be listed is an error with its name.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

HIDDEN, LINKS, OWN = "hidden", "links", "own"
_NOTHING, _FILE, _FOLDER = 0, stat.S_IFREG, stat.S_IFDIR
_ANY_DEPTH = "**"


class Search:
    """One search; afterwards `errors` holds folders that could not be listed, `left_out` counts names by why.

    `own` are the lake's folders, which are never entered.
    """

    def __init__(self, *, follows_links: bool = False, own: Sequence[str] = ()) -> None:
        self._follows_links = follows_links
        self._own = {inode for folder in own if (inode := _inode(folder)) is not None}
        self._linked: set[str] = set()
        self.errors: dict[str, OSError] = {}
        self.left_out: Counter[str] = Counter()

    def files(self, source: str) -> Iterator[str]:
        """Paths of the files that a source names: a file, a folder, or a glob."""
        kind = _kind(source)
        if kind == _FOLDER:
            yield from self._below(source)
        elif kind == _FILE:
            yield source
        elif glob.has_magic(source):
            yield from self._matching(source)

    def _below(self, folder: str) -> Iterator[str]:
        waiting = [folder]
        while waiting:
            for entry in self._entries(waiting.pop()):
                if is_hidden(entry.name):
                    self.left_out[HIDDEN] += 1
                elif self._is_entered(entry):
                    kind = _kind(entry.path)
                    if kind == _FOLDER:
                        waiting.append(entry.path)
                    elif kind == _FILE:
                        yield entry.path

    def _matching(self, pattern: str) -> Iterator[str]:
        """As a shell: `*` matches no name that begins with a dot, `**` any depth of folders."""
        parts = pattern.split("/")
        fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
        base = "/".join(parts[:fixed]) or pattern[: pattern.startswith("/")]
        waiting = [(base, tuple(parts[fixed:]))] if _kind(base or ".") == _FOLDER else []
        seen = set(waiting)
        while waiting:
            where, (part, *rest) = waiting.pop()
            further: list[tuple[str, tuple[str, ...]]] = []
            if part == _ANY_DEPTH and rest:
                further.append((where, tuple(rest)))
            for path in self._named(where, part):
                kind = _kind(path)
                if kind == _FOLDER:
                    if part == _ANY_DEPTH:
                        further.append((path, (part, *rest)))
                    elif rest:
                        further.append((path, tuple(rest)))
                elif kind == _FILE and not rest:
                    yield path
            waiting += [place for place in further if place not in seen]
            seen.update(further)

    def _named(self, where: str, part: str) -> Iterator[str]:
        """What matches one part of a glob in a folder."""
        if not glob.has_magic(part):
            path = Path(where, part)
            if self._follows_links or not path.is_symlink():
                yield str(path)
            else:
                self.left_out[LINKS] += 1
            return
        pattern = "*" if part == _ANY_DEPTH else part
        for entry in self._entries(where or "."):
            is_seen = part.startswith(".") or not entry.name.startswith(".")
            if is_seen and fnmatch.fnmatchcase(entry.name, pattern) and self._is_entered(entry):
                yield str(Path(where, entry.name))

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as found:
                return sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self.errors[folder] = error
            return []

    def _is_entered(self, entry: os.DirEntry[str]) -> bool:
        """Whether a name that was found is looked at; of a link that is followed, each target once."""
        if entry.is_symlink():
            target = os.path.realpath(entry.path)
            if not self._follows_links:
                self.left_out[LINKS] += 1
                return False
            if os.path.isdir(target):
                if target in self._linked:
                    return False
                self._linked.add(target)
        if any(entry.inode() == inode for _, inode in self._own) and _inode(entry.path) in self._own:
            self.left_out[OWN] += 1
            return False
        return True


def _kind(path: str) -> int:
    """What is there. Something whose state cannot be read counts as a file, so that it is reported."""
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return _NOTHING  # a ValueError: no file can have such a name
    except OSError:
        return _FILE
    return stat.S_IFMT(mode) if stat.S_IFMT(mode) in (_FILE, _FOLDER) else _NOTHING


def is_hidden(below: str) -> bool:
    """Whether a part of a path begins with `.` or `_`, as files of tools do; `.` and `..` do not count."""
    return any(part.startswith((".", "_")) for part in below.split("/") if part not in (".", ".."))


def _inode(path: str) -> tuple[int, int] | None:
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return facts.st_dev, facts.st_ino
