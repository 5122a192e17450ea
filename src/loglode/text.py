"""Text that strangers may have written, made safe to show."""

from __future__ import annotations

import itertools
from collections.abc import Sequence


def visible(text: str) -> str:
    r"""The text with all that is not printable (control, bidi, ...) as escapes such as \x1b."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def distinct(names: Sequence[str]) -> list[str]:
    """Names of an object's members: a name that comes again gets a number."""
    found: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" for number in itertools.count(2))
        found.append(next(n for n in itertools.chain([name], numbered) if n not in found))
    return found
