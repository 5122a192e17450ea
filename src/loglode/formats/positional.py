"""Lines of parts in a fixed order: words, quoted texts and texts in brackets, separated by spaces.

A format declares its parts by name and what each field of the contract reads from them. Detection, SQL and
checks follow from the declaration.

A line is split at its quotes and then at its spaces, which costs a sixth of a regular expression with as
many groups. A line that does not fit, such as one with a quote that the server did not escape, is matched
as a whole, once with greedy and once with lazy quoted parts. It is read only when both agree: what can be
read in two ways is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from loglode.formats.base import NO_TEXT, Format, sample_lines, without_ending
from loglode.sql import identifier, literal, literals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loglode.contract import Contract

Kind = Literal["word", "quoted", "bracketed"]
# Columns of a part's text begin so.
PREFIX: Final = "p_"
OPTIONAL, OPEN = "|", "*"
SNIFFED_BYTES = 8192  # of a line; parts that detection looks at lie within
# The shape of a number that may be missing. An odd one, as a negative count, costs the value and not the line.
NUMBER: Final = "-|-?[0-9][0-9.]*"
_DECLARED = re.compile(r'"(?P<quoted>\w+)"|\[(?P<bracketed>\w+)(?::(?P<words>\d))?\]|(?P<word>\w+)|[|*]')
_USED = re.compile(rf"\b{PREFIX}(\w+)")
_HIDDEN_QUOTE, _HIDDEN_SLASH = "chr(1) || 'q'", "chr(1) || 's'"
_QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a line. `segment` counts the stretches between quotes from 1: odd ones hold words, even ones
    are quoted. `place` is the first word of the part within its segment, from 1."""

    name: str
    kind: Kind
    segment: int
    place: int
    words: int
    is_required: bool


@dataclass(frozen=True)
class Declaration:
    """The parts of a line, as a text says: `client [time:2] "request" status | "agent"`.

    `name` is a word, `"name"` a quoted text, `[name:2]` a text of two words in brackets. Parts after `|` may
    be absent, and whatever follows the last part is ignored. `*` stands for any further words.
    """

    text: str
    # Linear expressions that the texts of parts must match as a whole.
    shapes: Mapping[str, str]

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        found: list[Part] = []
        segment, place, is_required = 1, 1, True
        for match in _DECLARED.finditer(self.text):
            if match[0] in (OPTIONAL, OPEN):
                is_required = is_required and match[0] != OPTIONAL
                continue
            kind: Kind = "word" if match["word"] else "bracketed" if match["bracketed"] else "quoted"
            words = int(match["words"] or 1)
            if kind == "quoted":
                found.append(Part(match["quoted"], kind, segment + 1, 1, 0, is_required))
                segment, place = segment + 2, 1
            else:
                found.append(
                    Part(match["word"] or match["bracketed"], kind, segment, place, words, is_required)
                )
                place += words
        return tuple(found)

    @cached_property
    def open_segment(self) -> int:
        """The segment that may hold further words, or 0."""
        before, is_open, _ = self.text.partition(OPEN)
        return 1 + before.count('"') if is_open else 0

    @cached_property
    def required(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.is_required)

    @cached_property
    def last_required(self) -> int:
        """The segment that a line must reach."""
        return self.required[-1].segment

    def pattern(self, *, quoted: str = _QUOTED, gap: str = " ", is_grouped: bool = False) -> str:
        """An expression for a line from its beginning to the last required part."""
        pieces = ["^"]
        for number, part in enumerate(self.required):
            if number:
                is_behind_open = self.open_segment and part.segment == self.open_segment + 1
                pieces.append(f'{gap}(?:[^"]*{gap})?' if is_behind_open else gap)
            pieces.append(self._piece(part, quoted, is_grouped=is_grouped))
        # Behind the last required part come words alone, where quoted parts are not declared to follow.
        has_quotes = self.parts[-1].segment > self.last_required + 1
        is_loose = quoted != _QUOTED and not has_quotes
        return "".join(pieces) + (r"(?:[ \t][^\"]*)?$" if is_loose else r"(?:[ \t\r\n]|$)")

    def _piece(self, part: Part, quoted: str, *, is_grouped: bool) -> str:
        if part.kind == "quoted":
            return quoted if is_grouped else quoted.replace("([", "(?:[", 1).replace("(.", "(?:.", 1)
        other = r"[^\]\[]*" if part.kind == "bracketed" else r"[^ \t\r\n\"]+"
        inner = f"(?:{self.shapes[part.name]})" if part.name in self.shapes else other
        inner = f"({inner})" if is_grouped else inner
        return rf"\[{inner}\]" if part.kind == "bracketed" else inner


def quoteless(name: str) -> str:
    """The column of a part's text."""
    return f"{PREFIX}{name}"


class PositionalFormat(Format):
    """A format that is a declaration: its parts, and an expression over `p_<part>` for each field."""

    declared: ClassVar[Declaration]
    values: ClassVar[Mapping[str, str]]
    rank: ClassVar[int] = 1

    @cached_property
    def _front(self) -> re.Pattern[bytes]:
        return re.compile(self.declared.pattern().encode())

    def sniff(self, sample: bytes) -> float:
        lines = sample_lines(sample)
        if len(lines) > 1 and not sample.endswith(b"\n"):
            del lines[-1]  # it may be cut short
        return sum(bool(self._front.match(line[:SNIFFED_BYTES])) for line in lines) / max(len(lines), 1)

    def looks_like(self) -> str:
        return f"regexp_matches(line, {literal(self.declared.pattern())})"

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        del contract, known_keys
        hidden = f"replace(replace(body, '\\\\', {_HIDDEN_SLASH}), '\\\"', {_HIDDEN_QUOTE})"
        used = {name for sql in self.values.values() for name in _USED.findall(sql)}
        parts = [part for part in self.declared.parts if part.name in used]
        segments = {part.segment for part in self.declared.parts if part.kind != "quoted"}
        names = literals([part.name for part in self.declared.required])
        greedy, lazy = (
            self.declared.pattern(quoted=q, gap="[ \t]+", is_grouped=True) for q in ('"(.*)"', '"(.*?)"')
        )
        return [
            {"body": without_ending("line")},
            {"is_escaped": "contains(body, '\\\"')"},
            {"segments": f"string_split(case when is_escaped then {hidden} else body end, '\"')"},
            {f"words_{n}": f"string_split(segments[{n}], ' ')" for n in sorted(segments)},
            {"fits": self._fits()},
            {
                "greedy": f"case when not fits then regexp_extract(body, {literal(greedy)}, [{names}]) end",
                "lazy": f"case when not fits then regexp_extract(body, {literal(lazy)}, [{names}]) end",
            },
            {
                "is_matched": f"case when fits then false else greedy = lazy and greedy.{identifier(self._first)} <> '' end"
            },
            {quoteless(part.name): self._text(part) for part in parts},
        ]

    @property
    def _first(self) -> str:
        """A part that is never empty."""
        return next(
            part.name
            for part in self.declared.required
            if part.kind == "word" or part.name in self.declared.shapes
        )

    def _fits(self) -> str:
        """Whether a line has its parts where the declaration says."""
        declared = self.declared
        last = declared.last_required
        conditions = [
            f"len(segments) >= {last}" if last % 2 else f"len(segments) > {last}",
            "len(segments) % 2 = 1",
        ]
        if last % 2 == 0:
            conditions.append(f"(segments[{last + 1}] = '' or starts_with(segments[{last + 1}], ' '))")
        for segment in range(1, last + 1, 2):
            count = sum(part.words for part in declared.required if part.segment == segment)
            # Behind a quote a segment begins with a space, and before one it ends with one.
            count += (segment > 1) + (segment < last)
            sign = ">=" if segment in (last, declared.open_segment) else "="
            if any(part.segment == segment for part in declared.parts):
                conditions.append(f"len(words_{segment}) {sign} {count}")
            else:
                conditions.append(f"segments[{segment}] = {literal(' ' if segment > 1 else '')}")
        for part in declared.required:
            if part.kind == "bracketed":
                conditions.append(
                    f"starts_with({_word(part)}, '[') and ends_with({_word(part, part.words - 1)}, ']')"
                )
            elif part is declared.required[-1] and part.kind == "word":
                conditions.append(f"{_split(part)} <> ''")
            if part.name in declared.shapes:
                conditions.append(f"regexp_full_match({_split(part)}, {literal(declared.shapes[part.name])})")
        return f"coalesce({' and '.join(conditions)}, false)"

    def _text(self, part: Part) -> str:
        fitting = _shown(_split(part)) if part.kind == "quoted" else _split(part)
        other = f" when is_matched then greedy.{identifier(part.name)}" if part.is_required else ""
        return f"nullif(nullif(case when fits then {fitting}{other} end, ''), '-')"

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        del known_keys
        return {f.name: self.values.get(f.name, NO_TEXT) for f in contract.read_fields}

    def invalid(self) -> str:
        return "(not fits and not is_matched)"

    def invalid_reason(self) -> str:
        return literal(f"{self.name.replace('-', '_')}_invalid")


def _word(part: Part, offset: int = 0) -> str:
    """A word of a part. The empty word before the space behind a quote is skipped."""
    return f"words_{part.segment}[{part.place + offset + (part.segment > 1)}]"


def _split(part: Part) -> str:
    """The text of a part in a line that fits."""
    if part.kind == "quoted":
        return f"segments[{part.segment}]"
    if part.kind == "word":
        return _word(part)
    words = " || ' ' || ".join(_word(part, n) for n in range(part.words))
    return f"substr({words}, 2, length({words}) - 2)"


def _shown(text: str) -> str:
    """A quoted text with its escapes read: those of Apache, and the one that nginx and AWS write for a quote."""
    plain = f"replace(replace({text}, {_HIDDEN_QUOTE}, '\"'), {_HIDDEN_SLASH}, '\\')"
    text = f"case when is_escaped then {plain} else {text} end"
    return f"case when contains({text}, '\\x22') then replace({text}, '\\x22', '\"') else {text} end"


def port_cut(text: str) -> str:
    """An address without the port that always follows it, whatever colons it holds."""
    return f"substr({text}, 1, length({text}) - strpos(reverse({text}), ':'))"


def milliseconds(text: str, factor: str) -> str:
    """A duration in milliseconds; what is not a number stays as it is, and the contract judges it."""
    return f"coalesce(round(try_cast({text} as double) * {factor}, 6)::varchar, {text})"


def unless_negative(text: str) -> str:
    """A duration, or null for `-1`, which means that it was not measured."""
    return f"case when not starts_with({text}, '-') then {text} end"
