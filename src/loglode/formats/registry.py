"""All formats by name, and the format of an object, chosen by its first bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Final

from loglode.errors import UsageError
from loglode.formats import wrapping
from loglode.formats.base import BOM, LINES, Format
from loglode.formats.pattern import PatternFormat, is_pattern
from loglode.sql import literal

FORMATS: dict[str, Format] = {}
AUTO: Final = "auto"
# The format of what no format recognises: its lines are refused with reasons.
FALLBACK: Final = "json"
OTHER: Final = "format_other:"  # reasons for lines of another format begin so
_SHARE = 0.5


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


def look(sample: bytes, name: str = AUTO, own: Format | None = None) -> Head:
    """Read the first bytes of an object, in linear time. `own` is a format that a user describes.

    Raises UsageError for an unknown format.
    """
    text = sample.removeprefix(BOM)
    lines = wrapping.unwrapped_sample(text)
    fmt = named_format(name) or _detected(sample, own)
    return Head(fmt, fmt.layout(text), fmt.keys(lines))


def scored(sample: bytes, own: Format | None = None) -> list[tuple[Format, float]]:
    """Each format with its score for the first bytes of an object, without what shippers wrap around lines."""
    lines = wrapping.unwrapped_sample(sample.removeprefix(BOM))
    # In the order of their names, so that the result depends on nothing else; the fallback wins ties.
    ranked = sorted(FORMATS.items(), key=lambda item: (item[0] != FALLBACK, item[0]))
    found = [*dict.fromkeys(fmt for _, fmt in ranked), *([own] if own else [])]
    return [(fmt, fmt.sniff(lines)) for fmt in found]


def _detected(sample: bytes, own: Format | None = None) -> Format:
    """The format with the highest score; FALLBACK when none scores.

    Of formats that score at least half as high, the one with the highest rank: lines of a special format look
    like lines of a general one as well, and a few odd lines must not decide between the two. The lines of
    other formats are then refused with reasons that name these.
    """
    scores = scored(sample, own)
    enough = max(score for _, score in scores) * _SHARE
    return max(
        ((fmt.rank if score else 0, score, fmt) for fmt, score in scores if score >= enough),
        key=lambda found: found[:2],
    )[2]


def refusal(fmt: Format) -> str:
    """Expression giving the reason for a line that `fmt` refuses; it names the format of which the line is."""
    others = sorted({o.name: o for o in FORMATS.values() if o is not fmt}.items(), key=lambda o: -o[1].rank)
    cases = " ".join(f"when {o.looks_like()} then {literal(OTHER + name)}" for name, o in others)
    return f"case {cases} else {fmt.invalid_reason()} end" if others else fmt.invalid_reason()


def named_format(name: str) -> Format | None:
    """The format of a name, or of a pattern; None for auto. Raises UsageError for an unknown name."""
    if name == AUTO:
        return None
    if is_known(name):
        return known_format(name)
    raise UsageError(
        f"unknown format {name!r}",
        hint=f"one of {AUTO}, {', '.join(sorted(FORMATS))}, or a pattern of Apache's LogFormat or nginx's log_format",
    )


def is_known(name: str) -> bool:
    """Whether lines that were recorded under a name can be read again."""
    return name in FORMATS or is_pattern(name)


def known_format(name: str) -> Format:
    """The format of a known name."""
    return FORMATS[name] if name in FORMATS else PatternFormat(name)


def own_format(pattern: str | None) -> Format | None:
    """The format that a contract describes, if it does. Raises UsageError for a pattern that cannot be read."""
    return PatternFormat(pattern) if pattern else None
