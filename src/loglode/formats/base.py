"""What a log format declares. One module holds one format, and nothing else needs to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Final

from loglode.formats import wrapping

if TYPE_CHECKING:
    from loglode.contract import Contract

NO_TEXT = "null::varchar"  # the expression of a field that a format never carries
LINES: Final = "lines"  # the layout of an object that holds one record a line
SAMPLE_LINES = 50
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class LineTemplate:
    """How the log generator writes a request in a format.

    `line` is SQL over the columns of a request. Texts: `stamp` (null where the time is left out),
    `request_id`, `addr`, `user_id`, `method`, `host`, `path`, `query`, `status`, `referrer`, `agent`
    and `country`; `user_id`, `query` and `referrer` may be null. Numbers: `took_ms` and `bytes`.

    `time_format` is the strftime pattern of `stamp`. `bad_times` take the place of the real ones in
    damaged lines. A line that is cut to at most 11 + `cut` characters (SQL over
    `whole`, the line) must be unreadable. `carries` names the optional fields of the contract
    that the lines hold. `header` is written at the beginning of each file.
    """

    line: str
    line_bytes: int  # mean length of a line, to size files
    time_format: str
    bad_times: tuple[str, ...]
    cut: str
    suffix: str = ".log"
    carries: frozenset[str] = frozenset()
    header: str = ""


class Format:
    """A log format: detection, the cutting of records, and the SQL from a line to named texts.

    SQL expressions see the columns of a line: `text`, the line as it came; `line`, the same without
    the container around it; `header`; and `key_count`, where the reader counts keys.
    """

    title: ClassVar[str]  # one line for --help and the documentation
    templates: ClassVar[Mapping[str, LineTemplate]]  # by name; the first name is the format's own
    counts_keys: ClassVar[bool] = False  # whether the reader counts JSON keys for each line
    marks_units: ClassVar[bool] = False  # whether durations come beside their unit, see durations.with_unit
    # Among formats of equal scores the highest rank wins: a format whose lines are also lines of a more general
    # one has the higher rank.
    rank: ClassVar[int] = 0
    is_of_requests: ClassVar[bool] = (
        True  # False: a format that is recognised to refuse its lines with a reason
    )
    source: ClassVar[str] = ""  # where the format is specified
    units: ClassVar[Mapping[str, str]] = {}  # by field: what the log counts in, where it is not obvious
    traps: ClassVar[tuple[str, ...]] = ()  # what readers of the format get wrong, and what this one does
    # Lines that begin with this are headers, and `header` holds the last one at or above a line; with
    # b"" the object's first line is the only header. None: no headers, `header` is null.
    header_prefix: ClassVar[bytes | None] = None

    @property
    def name(self) -> str:
        """The name under which lines of the format are recorded."""
        return next(iter(self.templates))

    def sniff(self, sample: bytes) -> float:
        """How surely an object that begins with `sample` has this format: 0 (no) to 1.

        The work must be linear in the sample, whatever it holds: anybody may write a log line.
        """
        raise NotImplementedError

    def layout(self, sample: bytes) -> str:
        """How the records lie in the object: LINES, or a name of the format's own for `cut`."""
        del sample
        return LINES

    def cut(self, stream: BinaryIO, layout: str) -> BinaryIO:
        """The object's bytes as one record a line, for a layout other than LINES."""
        raise NotImplementedError(f"{self.name} has no layout {layout!r} for {stream}")

    def keys(self, sample: bytes) -> frozenset[str]:
        """Names that the first records carry; `steps` and `fields` may read these with less work."""
        del sample
        return frozenset()

    def line(self) -> str:
        """Expression over `text`, never null: the line without what a shipper has wrapped around it."""
        return wrapping.unwrapped("text")

    def looks_like(self) -> str:
        """Boolean expression over `line`, never null: a line that another format refuses has this one."""
        return "false"

    def skipped(self) -> str:
        """Boolean expression, never null: the line holds no event, as a header or a comment."""
        return "false"

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        """Successive projections {column: expression}; each may use the columns made before it."""
        raise NotImplementedError

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        """For each field that is read: an expression over those columns giving text or null."""
        raise NotImplementedError

    def invalid(self) -> str:
        """Boolean expression, never null: the line does not have this format."""
        raise NotImplementedError

    def invalid_reason(self) -> str:
        """Expression giving the reason for an invalid line; evaluated on those alone."""
        raise NotImplementedError


def sample_lines(sample: bytes) -> list[bytes]:
    """The first lines that are not blank; the last one may be cut short by the sample's end."""
    return [line for line in sample.split(b"\n", SAMPLE_LINES)[:SAMPLE_LINES] if line.strip()]


def without_ending(line: str) -> str:
    """A line, which holds no newline but its last character, without that and the returns before it.

    Splitting costs a tenth of trimming: `rtrim` goes through all of a text, character by character.
    """
    cut = f"split_part({line}, chr(10), 1)"
    return f"case when contains({line}, chr(13)) then rtrim({cut}, chr(13)) else {cut} end"
