"""Bounds of what one object may cost: a few bytes of a visitor or of a writer may unpack to very many."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from loglode.errors import LimitError

_MB: Final = 1 << 20
# Below this many decompressed bytes the ratio does not matter: small logs of equal lines compress well.
RATIO_FREE_BYTES: Final = 128 * _MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What exceeds one of them fails, and none of it is loaded; other objects are."""

    # Decompressed bytes for each stored one, from 128 MB on.
    max_ratio: int = 500
    # Decompressed MB of an object.
    max_object_mb: int = 65_536
    # Lines of an object, and blank ones among them where lines are very short.
    max_lines: int = 500_000_000
    max_blank_lines: int = 1_000_000
    # MB of staged files of a batch, and those for quarantine among them.
    max_staging_mb: int = 65_536
    max_quarantine_mb: int = 8_192

    def check(self, uri: str, stored: int, *, size: int, lines: int, blank: int) -> None:
        """Raise LimitError for an object of which this much was read; `stored` are its bytes as stored."""
        ratio = size // stored if stored > 0 and size > RATIO_FREE_BYTES else 0
        for name, value, found in (
            ("max_ratio", ratio, f"unpacks to more than {self.max_ratio:,} times its size"),
            ("max_object_mb", -(-size // _MB), f"unpacks to more than {self.max_object_mb:,} MB"),
            ("max_lines", lines, f"has more than {self.max_lines:,} lines"),
            ("max_blank_lines", blank, f"has more than {self.max_blank_lines:,} blank lines"),
        ):
            if value > getattr(self, name):
                raise exceeded(uri, found, name)

    def exceeded_by(self, staged: int, quarantine: int) -> tuple[str, str]:
        """The limit that files of so many bytes exceed, and what to say of it; empty where none is."""
        if staged > self.max_staging_mb * _MB:
            return "max_staging_mb", f"needs more than {self.max_staging_mb:,} MB of staged files"
        if quarantine > self.max_quarantine_mb * _MB:
            return "max_quarantine_mb", f"would put more than {self.max_quarantine_mb:,} MB into quarantine"
        return "", ""


DEFAULT: Final = Limits()
NAMES: Final = tuple(field.name for field in fields(Limits))


def exceeded(uri: str, found: str, name: str) -> LimitError:
    """The error for an object that exceeds a limit."""
    hint = f"look at it before you raise {option(name)} or {variable(name)}; none of it was loaded"
    return LimitError(f"cannot load {uri}: it {found}", hint=hint, uri=uri)


def option(name: str) -> str:
    """The option of the command line for a limit."""
    return f"--{name.replace('_', '-')}"


def variable(name: str) -> str:
    """The environment variable for a limit."""
    return f"LOGLODE_{name.upper()}"
