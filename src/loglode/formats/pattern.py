"""Formats that a user describes: Apache's `LogFormat` and nginx's `log_format`.

A pattern becomes one linear regular expression for the whole line, with a group for each field that is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Final

from loglode.errors import UsageError
from loglode.formats.base import NO_TEXT, Format, sample_lines, without_ending
from loglode.formats.positional import SNIFFED_BYTES, milliseconds
from loglode.sql import identifier, literal, literals, regex_escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loglode.contract import Contract

_APACHE = re.compile(
    r"%(?P<percent>%)|%[!0-9,<>]*(?:\{(?P<argument>[^}]*)\})?[<>]?(?P<letter>[A-Za-z]|\^t[io])"
)
_NGINX = re.compile(r"\$(?:\{(?P<braced>\w+)\}|(?P<name>\w+))")
# By directive: the field of the contract, and the factor to milliseconds of a duration. Of several directives for
# a field the first one here that the line fills wins.
_FIELDS: Final[dict[str, tuple[str, str]]] = {
    **dict.fromkeys(("%a", "%h", "$remote_addr", "$http_x_real_ip", "$http_x_forwarded_for", "%X-Forwarded-For",
                     "%X-Real-IP", "$realip_remote_addr", "$proxy_protocol_addr", "%CF-Connecting-IP",
                     "$http_cf_connecting_ip"), ("client_ip", "")),
    **dict.fromkeys(("%u", "$remote_user"), ("user_id", "")),
    **dict.fromkeys(("%t", "%{}t", "$time_local", "$time_iso8601", "$msec"), ("event_ts", "")),
    **dict.fromkeys(("%r", "$request"), ("request", "")),
    **dict.fromkeys(("%m", "$request_method"), ("method", "")),
    **dict.fromkeys(("$request_uri", "%U", "$uri", "$document_uri"), ("path", "")),
    **dict.fromkeys(("%q", "$args", "$query_string"), ("query", "")),
    **dict.fromkeys(("%s", "$status"), ("status", "")),
    **dict.fromkeys(("%b", "%B", "$body_bytes_sent", "$bytes_sent", "%O"), ("bytes_sent", "")),
    **dict.fromkeys(("$host", "$http_host", "%Host", "%v", "%V", "$server_name"), ("host", "")),
    **dict.fromkeys(("%Referer", "%Referrer", "$http_referer"), ("referrer", "")),
    **dict.fromkeys(("%User-Agent", "$http_user_agent"), ("user_agent", "")),
    **dict.fromkeys(("%L", "%X-Request-ID", "%UNIQUE_ID", "$request_id", "$http_x_request_id"), ("source_event_id", "")),
    **dict.fromkeys(("$geoip_country_code", "$geoip2_data_country_code", "$geoip2_data_country_iso_code"), ("country", "")),
    "%D": ("response_time_ms", "0.001"), "%usT": ("response_time_ms", "0.001"), "%msT": ("response_time_ms", "1.0"),
    "$request_time": ("response_time_ms", "1000.0"), "%T": ("response_time_ms", "1000.0"), "%sT": ("response_time_ms", "1000.0"),
}  # fmt: skip
_ORDER: Final = {name: place for place, name in enumerate(_FIELDS)}
_USERS: Final = frozenset({"%u", "$remote_user"})
_LISTS: Final = frozenset(name for name in _FIELDS if "forwarded" in name.lower())
_EXAMPLE: Final = (
    "such as '%h %l %u %t \"%r\" %>s %b' or '$remote_addr - $remote_user [$time_local] \"$request\" $status'"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A literal text of the pattern, or a directive by its normal name."""

    text: str
    is_directive: bool


def is_pattern(name: str) -> bool:
    """Whether a format's name is a pattern."""
    return bool(_APACHE.search(name) or _NGINX.search(name))


class PatternFormat(Format):
    """The format of a pattern. Raises UsageError for one that cannot be read."""

    title = "a pattern of your own"
    templates: ClassVar = {}
    rank = 9

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._pieces = tuple(_pieces(pattern))
        found = {
            _FIELDS[piece.text][0] for piece in self._pieces if piece.text in _FIELDS and piece.is_directive
        }
        missing = [field for field in ("event_ts", "status") if field not in found]
        if missing:
            raise UsageError(
                f"the format {pattern!r} has no directive for {' and '.join(missing)}",
                hint=f"write a pattern {_EXAMPLE}",
            )

    @property
    def name(self) -> str:
        return self._pattern

    def read(self) -> dict[str, str]:
        """For each group of the expression the field that it is read into."""
        return {
            f"g{n}": piece.text
            for n, piece in enumerate(self._pieces)
            if piece.is_directive and piece.text in _FIELDS
        }

    @cached_property
    def expression(self) -> str:
        """The regular expression of a line; it groups what is read."""
        pieces = ["^"]
        for number, piece in enumerate(self._pieces):
            if not piece.is_directive:
                pieces.append(r"[ \t]+".join(regex_escape(part) for part in re.split(r"[ \t]+", piece.text)))
                continue
            inner = _shape(self._pieces, number)
            pieces.append(f"({inner})" if piece.text in _FIELDS else f"(?:{inner})")
        return "".join(pieces) + r"[ \t]*$"

    def sniff(self, sample: bytes) -> float:
        # Python writes the same characters in another way.
        pattern = re.compile(
            re.sub(r"\\x\{([0-9A-F]+)\}", lambda m: re.escape(chr(int(m[1], 16))), self.expression).encode()
        )
        lines = [line.rstrip(b"\r\n")[:SNIFFED_BYTES] for line in sample_lines(sample)]
        return sum(bool(pattern.match(line)) for line in lines) / max(len(lines), 1)

    def steps(self, contract: Contract, known_keys: frozenset[str]) -> list[dict[str, str]]:
        del contract, known_keys
        names = literals(self.read())
        return [
            {"body": without_ending("line")},
            {"matched": f"regexp_matches(body, {literal(self.expression)})"},
            {
                "groups": f"case when matched then regexp_extract(body, {literal(self.expression)}, [{names}]) end"
            },
        ]

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        del known_keys
        found: dict[str, list[str]] = {}
        for group, directive in sorted(self.read().items(), key=lambda item: _ORDER[item[1]]):
            field, factor = _FIELDS[directive]
            text = f"nullif(nullif({_unescaped(f'groups.{identifier(group)}')}, ''), '-')"
            if directive == "%t":
                text = f"trim({text}, '[]')"
            elif directive == "%q":
                text = f"nullif(ltrim({text}, '?'), '')"
            found.setdefault(field, []).append(milliseconds(text, factor) if factor else text)
        texts = {field: f"coalesce({', '.join(values)})" for field, values in found.items()}
        if "bytes_sent" in texts:
            texts["bytes_sent"] = (
                f"coalesce({texts['bytes_sent']}, case when {texts['status']} is not null then '0' end)"
            )
        return {f.name: texts.get(f.name, NO_TEXT) for f in contract.read_fields}

    def invalid(self) -> str:
        return "not matched"

    def invalid_reason(self) -> str:
        return "'pattern_invalid'"


def _pieces(pattern: str) -> Iterator[Piece]:
    """The pattern's literals and directives, in order. Raises UsageError where two directives touch."""
    directive = _NGINX if "$" in pattern and not _APACHE.search(pattern) else _APACHE
    end, was_directive = 0, False
    for match in directive.finditer(pattern):
        before = pattern[end : match.start()].replace('\\"', '"')
        end = match.end()
        if directive is _APACHE and match["percent"]:
            yield Piece(before + "%", is_directive=False)
            was_directive = False
            continue
        name = _name(match)
        if before:
            yield Piece(before, is_directive=False)
        elif was_directive and name != "%q":
            raise UsageError(
                f"the format {pattern!r} has two directives without a text between them", hint="separate them"
            )
        yield Piece(name, is_directive=True)
        was_directive = True
    if end < len(pattern):
        yield Piece(pattern[end:].replace('\\"', '"'), is_directive=False)


def _name(match: re.Match[str]) -> str:
    groups = match.groupdict()
    if "letter" not in groups:
        return f"${groups['braced'] or groups['name']}"
    argument, letter = groups["argument"] or "", groups["letter"]
    if letter == "i":
        known = {name.lower(): name for name in _FIELDS}
        return known.get(f"%{argument}".lower(), f"%{argument}i")
    if letter == "T" and argument:
        return f"%{argument}T"
    if letter == "t":
        return "%t" if not argument else f"%{argument}t" if argument.endswith("_frac") else "%{}t"
    if letter == "e" and argument == "UNIQUE_ID":
        return "%UNIQUE_ID"
    # %{c}a is the peer, a proxy where there is one; %{x}L is the id of something else.
    return f"%{argument}{letter}"


def _shape(pieces: tuple[Piece, ...], number: int) -> str:
    """What a directive's text may be, given the texts around it."""
    name = pieces[number].text
    before = pieces[number - 1].text if number else ""
    after = pieces[number + 1].text if number + 1 < len(pieces) else ""
    by_name = {"%t": r"\[[^\]]*\]", "%{}t": r"[^\[\]\"]*", "%q": r"(?:[?][^ \"]*)?"}
    if name in by_name:
        return by_name[name]
    if after == "%q":
        return r"[^? \"]*"
    if name in _USERS and after.startswith(" "):
        return r"[^\[\]\"]+"
    if name in _LISTS and not before.endswith('"'):
        return r"(?:[^ ,\"]+, ?)*[^ ,\"]*"
    return _up_to(after[:1], is_last=number + 1 == len(pieces))


def _up_to(end: str, *, is_last: bool) -> str:
    """What comes before a character."""
    if end == '"':
        return r"[^\"\\]*(?:\\.[^\"\\]*)*"
    if end == "]":
        return r"[^\]]*"
    if is_last or end in ("", " ", "%"):
        return r"[^\"]*" if is_last else r"[^ \"]*"
    return rf"[^\"{regex_escape(end)}]*"


def _unescaped(text: str) -> str:
    plain = text
    for escape, character in (('\\"', '"'), ("\\x22", '"')):
        plain = f"replace({plain}, {literal(escape)}, {literal(character)})"
    return f"case when contains({text}, '\\') then {plain} else {text} end"
