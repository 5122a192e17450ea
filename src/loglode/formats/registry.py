"""All formats by name, and the format of an object, chosen by its first bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Final

from loglode.errors import UsageError
from loglode.formats.base import BOM, LINES, Format

FORMATS: dict[str, Format] = {}
AUTO: Final = "auto"
# The format of what no format recognises: its lines are refused with reasons.
FALLBACK: Final = "json"


@dataclass(frozen=True, slots=True)
class Head:
    """What the first bytes of an object say: its format, how its records lie, and the keys they carry."""

    format: Format
    layout: str
    keys: frozenset[str]

    def cut(self, stream: BinaryIO) -> BinaryIO:
        """The object's bytes, one record a line."""
        return stream if self.layout == LINES else self.format.cut(stream, self.layout)


def register(kind: type[Format]) -> type[Format]:
    """Class decorator: make a format available under all of its names. Raises ValueError for a taken one."""
    found = kind()
    if taken := FORMATS.keys() & found.templates.keys():
        raise ValueError(f"{kind.__name__}: a format named {', '.join(sorted(taken))} is registered already")
    FORMATS.update(dict.fromkeys(found.templates, found))
    return kind


def look(sample: bytes, name: str = AUTO) -> Head:
    """Read the first bytes of an object, in linear time. Raises UsageError for an unknown format."""
    text = sample.removeprefix(BOM)
    fmt = named_format(name) or detect_format(text)
    return Head(fmt, fmt.layout(text), fmt.keys(text))


def scored(sample: bytes) -> list[tuple[Format, float]]:
    """Each format with its score."""
    # In the order of their names, so that the result depends on nothing else; the fallback wins ties.
    ranked = sorted(FORMATS.items(), key=lambda item: (item[0] != FALLBACK, item[0]))
    return [(fmt, fmt.sniff(sample)) for fmt in dict.fromkeys(fmt for _, fmt in ranked)]


def detect_format(sample: bytes) -> Format:
    """The format with the highest score, of several the one with the highest rank; FALLBACK when none scores."""
    scores = [(score, fmt.rank if score else 0, fmt) for fmt, score in scored(sample)]
    return max(scores, key=lambda found: found[:2])[2]


def named_format(name: str) -> Format | None:
    """The format of a name; None for auto. Raises UsageError for an unknown name."""
    if name == AUTO:
        return None
    if name not in FORMATS:
        raise UsageError(f"unknown format {name!r}", hint=f"one of {AUTO}, {', '.join(sorted(FORMATS))}")
    return FORMATS[name]
