"""What makes two lines one event, as SQL: hashes with the pseudonymisation key, so that nobody can test a guess.

A lake follows one rule for all its rows, which its silver table records (see `lake.facts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loglode.formats.base import Format, without_ending
from loglode.silver.layers import column
from loglode.silver.masking import KEY
from loglode.sql import literal

# Rule 1 is that of lakes of earlier releases: hashes without a key, and of a source's own id alone.
FIRST_RULE, RULE = 1, 2
# Of an event with an id of its source: digits of the id's hash, before those of its content's.
SOURCE_ID_DIGITS = 16
_TEXT = column("line", "text")
Period = Literal["none", "day", "month"]


@dataclass(frozen=True, slots=True)
class Keying:
    """How a lake uses its key: the rule of identity, and the time (UTC) for which a pseudonym is good."""

    rule: int = RULE
    period: Period = "none"


DEFAULT = Keying()


def line_id(keying: Keying) -> str:
    """Identity of a line by its place: the fingerprint of the object's head, the line's number and its text.

    A line that was rejected before keeps the id that it got then.
    """
    place = f"{column('line', 'fingerprint')} || ':' || {column('line', 'source_line')}"
    whole = f"{place} || ':' || {without_ending(_TEXT)}"
    found = f"md5({whole})" if keying.rule == FIRST_RULE else _keyed("line", whole)
    return f"coalesce({column('line', 'line_id')}, {found})"


def event_id(keying: Keying, fmt: Format) -> str:
    """Identity of an event: of the source's id and of the line's text, so that both must agree; else `line_id`."""
    source_id = column("ok", "source_event_id")
    if keying.rule == FIRST_RULE:
        own = f"md5('id:' || {source_id})"
    else:
        own = f"{_half('id', source_id)} || {_half('text', _content(fmt))}"
    return f"case when {source_id} is null then {line_id(keying)} else {own} end"


def _content(fmt: Format) -> str:
    """The line's text without spaces around it, and the header by which it is read."""
    text = without_ending(_TEXT)
    text = f"case when starts_with({_TEXT}, ' ') or ends_with({text}, ' ') then trim({text}, ' ') else {text} end"
    if fmt.header_prefix is None:
        return text
    return f"coalesce({column('line', 'header')}, '') || {text}"


def _half(kind: str, text: str) -> str:
    return f"substr({_keyed(kind, text)}, 1, {SOURCE_ID_DIGITS})"


def _keyed(kind: str, text: str) -> str:
    """MD5 with the key before and behind the text, 32 digits: it cannot be extended, and no two texts can be
    made to collide without the key."""
    return f"md5({KEY} || {literal(kind + ':')} || {text} || {KEY})"
