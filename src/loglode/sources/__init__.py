"""Bronze: finding objects, telling them apart, and reading their lines."""

from loglode.sources.listing import discover
from loglode.sources.objects import SourceObject

__all__ = ["SourceObject", "discover"]
