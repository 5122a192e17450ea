"""What makes two lines one event, as SQL: hashes with the pseudonymisation key, so that nobody can test a guess.

A lake follows one rule for all its rows, which its silver table records (see `lake.facts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loglode.formats.base import Format, without_ending
from loglode.silver.layers import column
from loglode.silver.masking import KEY
from loglode.sources.lines import FINGERPRINT_DIGITS
from loglode.sql import literal

# Rule 1 is that of lakes of earlier releases: hashes without a key, and of a source's own id alone.
FIRST_RULE, RULE = 1, 3
# Digits that an id shares with others: a source's id with other content, or lines that follow the same lines.
SHARED_DIGITS = 16
# The first character of an id by the source's id, by the line's place in the head of its object, and of a line that
# was distinguished from such a line (see `engines.heads`). Other ids begin with a digit of their hash.
BY_SOURCE, IN_HEAD, APART = "s", "h", "p"
_TEXT = column("line", "text")
Period = Literal["none", "day", "month"]


@dataclass(frozen=True, slots=True)
class Keying:
    """How a lake uses its key: the rule of identity, and the time (UTC) for which a pseudonym is good."""

    rule: int = RULE
    period: Period = "none"


DEFAULT = Keying()


def line_id(keying: Keying) -> str:
    """Identity of a line by its place: of the lines at the object's head up to it; below the head, also of the line's
    number and its text.

    In the head it is two hashes: of the lines above it, and of these with the line. So lines that follow the
    same lines share the first digits, which are also the last ones of the line above them.
    A line that was rejected before keeps the id that it got then.
    """
    fingerprint = column("line", "fingerprint")
    place = f"{fingerprint} || ':' || {column('line', 'source_line')}"
    whole = f"{place} || ':' || {without_ending(_TEXT)}"
    if keying.rule == FIRST_RULE:
        found = f"md5({whole})"
    else:
        above = _keyed("head", f"substr({fingerprint}, 1, {FINGERPRINT_DIGITS})", SHARED_DIGITS - 1)
        head = _keyed("head", f"substr({fingerprint}, {FINGERPRINT_DIGITS + 1})", SHARED_DIGITS)
        found = (
            f"case when length({fingerprint}) > {FINGERPRINT_DIGITS} then {literal(IN_HEAD)} || {above} || {head}"
            f" else {_keyed('line', whole)} end"
        )
    return f"coalesce({column('line', 'line_id')}, {found})"


def event_id(keying: Keying, fmt: Format) -> str:
    """Identity of an event: of the source's id and of the line's text, so that both must agree; else `line_id`."""
    source_id = column("ok", "source_event_id")
    if keying.rule == FIRST_RULE:
        own = f"md5('id:' || {source_id})"
    else:
        named = _keyed("id", source_id, SHARED_DIGITS - 1)
        own = f"{literal(BY_SOURCE)} || {named} || {_keyed('text', _content(fmt), SHARED_DIGITS)}"
    return f"case when {source_id} is null then {line_id(keying)} else {own} end"


def _content(fmt: Format) -> str:
    """The line's text without spaces around it, and the header by which it is read."""
    text = without_ending(_TEXT)
    text = f"case when starts_with({_TEXT}, ' ') or ends_with({text}, ' ') then trim({text}, ' ') else {text} end"
    if fmt.header_prefix is None:
        return text
    return f"coalesce({column('line', 'header')}, '') || {text}"


def _keyed(kind: str, text: str, digits: int = 0) -> str:
    """The first digits of an MD5, or all 32, with the key before and behind the text: it cannot be extended, and no
    two texts can be made to collide without the key."""
    found = f"md5({KEY} || {literal(kind + ':')} || {text} || {KEY})"
    return f"substr({found}, 1, {digits})" if digits else found
