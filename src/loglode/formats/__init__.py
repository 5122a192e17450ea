"""Log formats: telling them apart, and the SQL that turns a line into named text fields."""

from loglode.formats.base import Format
from loglode.formats.detect import FORMATS, detect_format

__all__ = ["FORMATS", "Format", "detect_format"]
