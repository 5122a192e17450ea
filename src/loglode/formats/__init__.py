"""Log formats: detection, and the SQL that turns a line into named text fields.

Every module of this package is imported, and a format in it registers itself: a new format is a new
module.
"""

import importlib
import pkgutil

from loglode.formats.base import Format, LineTemplate
from loglode.formats.registry import (
    AUTO,
    FALLBACK,
    FORMATS,
    Head,
    is_known,
    known_format,
    look,
    named_format,
    own_format,
    refusal,
    register,
    scored,
)

__all__ = [
    "AUTO", "FALLBACK", "FORMATS", "Format", "Head", "LineTemplate", "is_known",
    "known_format", "look", "named_format", "own_format", "refusal",
    "register", "scored",
]  # fmt: skip

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
