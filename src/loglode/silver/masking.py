"""Masking of personal data as SQL. The key is a bound parameter, so no SQL text contains it."""

from __future__ import annotations

from loglode.sql import literal

KEY = "$pseudonym_key"
PSEUDONYM_DIGITS = 16
# 64 bits: among ten million clients two share a pseudonym with a chance of 3 in a million.

MIN_ID_LENGTH = 6
REDACTED = ":redacted"


def pseudonym(kind: str, text: str, period: str = "") -> str:
    """First 16 hexadecimal digits of SHA-256 over key, kind, period and text; null stays null.

    `period` is an expression (see `period_label`): pseudonyms of two periods cannot be joined.

    The hash is cut to a quarter, so it cannot be extended, and the key's 256 bits cannot be searched.
    """
    before = f"{literal(':' + kind + ':')} || " + (f"{period} || ':' || " if period else "")
    return f"substr(sha256({KEY} || {before}{text}), 1, {PSEUDONYM_DIGITS})"


def period_label(micros: str, period: str) -> str:
    """The UTC day or month of a time in microseconds since 1970 as a text, never null."""
    moment = f"make_timestamp({micros})"
    months = f"year({moment}) * 12 + month({moment})"
    number = f"{micros} // 86400000000" if period == "day" else months
    return f"coalesce(({number})::varchar, '')"


def keyed_hash(text: str) -> str:
    """Like a pseudonym but of MD5, which costs half: for values that are built from pseudonyms already."""
    return f"substr(md5({KEY} || {text}), 1, {PSEUDONYM_DIGITS})"


# IPv6 that contains an IPv4 address: 6to4, mapped, compatible and translated, NAT64, ISATAP, or written with dots.
_SIX_TO_FOUR = "(?i)^2002:([0-9a-f]{1,4}):([0-9a-f]{0,4})"
_AT_THE_END = (
    "(?i)^(?:(?:0{0,4}:){1,6}(?:ffff:(?:0{1,4}:)?)?|(?:0{0,2}64):ff9b:(?:0{0,4}:){1,5}|.*:5efe:)"
    "(0{0,3}[1-9a-f][0-9a-f]{0,3}):([0-9a-f]{1,4})$"
)
_DOTTED = "^[0-9A-Fa-f:]*:([0-9]{1,3}(?:[.][0-9]{1,3}){2})[.][0-9]{1,3}$"


def network(address: str) -> str:
    """/24 of an IPv4 address, also of one inside an IPv6 address; /48 of another IPv6 address; else null."""
    # One name for one network, however its addresses are written: no leading zeros, no zeros before ::.
    groups = f"regexp_replace(split_part({address}, '::', 1), '(^|:)0+([0-9A-Fa-f])', '\\1\\2', 'g')"
    first_three = f"regexp_extract({groups}, '^[^:]*(?::[^:]*){{0,2}}')"
    first_48 = f"lower(regexp_replace({first_three}, '(^0)?(:0)*$', '')) || '::/48'"
    embedded = " ".join(
        f"when regexp_matches({address}, {literal(pattern)}) then {_inner_network(address, pattern)}"
        for pattern in (_SIX_TO_FOUR, _AT_THE_END)
    )
    dotted = f"regexp_extract({address}, {literal(_DOTTED)}, 1)"
    return (
        f"case when contains({address}, ':') then case"
        f" when contains({address}, '.') then case when {dotted} <> '' then {dotted} || '.0/24' end"
        f" when not regexp_full_match({address}, '[0-9A-Fa-f]{{0,4}}(:[0-9A-Fa-f]{{0,4}}){{2,7}}') then null"
        f" {embedded} else {first_48} end"
        f" when regexp_full_match({address}, '[0-9]{{1,3}}([.][0-9]{{1,3}}){{3}}')"
        f" then substr({address}, 1, length({address}) - strpos(reverse({address}), '.')) || '.0/24' end"
    )


def _inner_network(address: str, pattern: str) -> str:
    """/24 of an IPv4 address whose two halves are the groups of a pattern, in hexadecimal."""
    high, low = (
        f"try_cast('0x0' || regexp_extract({address}, {literal(pattern)}, {group}) as integer)"
        for group in (1, 2)
    )
    return f"({high} // 256) || '.' || ({high} % 256) || '.' || ({low} // 256) || '.0/24'"


def without(text: str, identifiers: tuple[str, ...]) -> str:
    """Cut the line's own identifiers (user, session) out of another of its fields, in whatever case.

    Of an identifier that is an e-mail address, the part before the `@` alone is one as well.
    """
    own = [*identifiers, *(f"split_part({i}, '@', 1)" for i in identifiers)]
    hits = [f"(length({i}) >= {MIN_ID_LENGTH} and contains(lower({text}), lower({i})))" for i in own]
    cut = text
    for hit, identifier in zip(hits, own, strict=True):
        pattern = f"'(?i)' || regexp_escape(case when {hit} then {identifier} else chr(0) end)"
        cut = f"regexp_replace({cut}, {pattern}, {literal(REDACTED)}, 'g')"
    return f"case when {' or '.join(hits)} then {cut} else {text} end"
