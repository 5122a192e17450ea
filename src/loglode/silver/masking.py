"""Masking of personal data as SQL. The key is a bound parameter, so no SQL text contains it."""

from __future__ import annotations

from loglode.sql import literal, regex_escape
from loglode.tokens import API_KEY, AWS_KEY, JWT

KEY = "$pseudonym_key"
PSEUDONYM_DIGITS = 16
# 64 bits: among ten million clients two share a pseudonym with a chance of 3 in a million.

# What a name and its host are joined by, as browsers, mail programs and pages write it.
_AT = r"%(?:25)*40|\x{FF20}|\\u0040|&#(?:64|[xX]40);|&commat;"
_WRITTEN_OTHERWISE = ((_AT, "@"), (r"%(?:25)*3[Aa]", ":"), (r"%(?:25)*2[Ee]", "."))
# Addresses come first: the colon of a word put in would pass for one of theirs.
_SECRETS = (
    (r"://[^\s/?#@]*@", "://"),
    (r"[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7}", ":ip"),
    (r"\b[0-9]{1,3}([.][0-9]{1,3}){3}\b", ":ip"),
    (JWT, ":token"),
    (r"[^\s/?&=;,:\"<>()]+@[^\s/?&=;,\"<>()]+", ":email"),
    (rf"\b(?:{API_KEY})", ":token"),
    (rf"\b{AWS_KEY}|[0-9A-Za-z_+]{{32,}}={{0,2}}", ":token"),
)
_ANY_SECRET = "|".join(pattern for pattern, _ in _SECRETS)
# One cheap look decides whether any of them can match.
_SUSPECT = (
    rf"@|{_AT}|%(?:25)*(?:3[Aa]|2[Ee])|[0-9][.][0-9]|:|eyJ|_live_|_test_|gh[pousr]_|xox|AKIA|ASIA|AIza"
    r"|[0-9A-Za-z_+]{32}"
)
MIN_ID_LENGTH = 6
REDACTED = ":redacted"
# What stands where something was cut out.
PLACEHOLDERS = frozenset({REDACTED, ":ip", ":token", ":email"})


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


def network(address: str) -> str:
    """/24 of an IPv4 address, /48 of an IPv6 address, null for anything else."""
    # One name for one network, however its addresses are written: no leading zeros, no zeros before ::.
    groups = f"regexp_replace(split_part({address}, '::', 1), '(^|:)0+([0-9A-Fa-f])', '\\1\\2', 'g')"
    first_three = f"regexp_extract({groups}, '^[^:]*(?::[^:]*){{0,2}}')"
    return (
        f"case when contains({address}, ':') then"
        f" case when regexp_full_match({address}, '[0-9A-Fa-f]{{0,4}}(:[0-9A-Fa-f]{{0,4}}){{2,7}}')"
        f" then lower(regexp_replace({first_three}, '(^0)?(:0)*$', '')) || '::/48' end"
        f" when regexp_full_match({address}, '[0-9]{{1,3}}([.][0-9]{{1,3}}){{3}}')"
        f" then substr({address}, 1, length({address}) - strpos(reverse({address}), '.')) || '.0/24' end"
    )


def redact(text: str) -> str:
    """Cut e-mail and IP addresses, users of URLs and what looks like a token or key out of a text.

    A text that holds one only once `%3A`, `%2540` and the like are read is kept as it reads then.
    """
    plain = _replaced(text, _WRITTEN_OTHERWISE)
    holds = f"regexp_matches({plain}, {literal(_ANY_SECRET)})"
    cut = f"case when {holds} then {_replaced(plain, _SECRETS)} else {text} end"
    return f"case when regexp_matches({text}, {literal(_SUSPECT)}) then {cut} else {text} end"


def _replaced(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    for pattern, word in pairs:
        text = f"regexp_replace({text}, {literal(pattern)}, {literal(word)}, 'g')"
    return text


def without(text: str, identifiers: tuple[str, ...]) -> str:
    """Cut the line's own identifiers (user, session) out of another of its fields."""
    hits = [f"(length({i}) >= {MIN_ID_LENGTH} and contains({text}, {i}))" for i in identifiers]
    cut = text
    for identifier in identifiers:
        cut = f"replace({cut}, case when length({identifier}) >= {MIN_ID_LENGTH} then {identifier} else chr(0) end, {literal(REDACTED)})"
    return f"case when {' or '.join(hits)} then {cut} else {text} end"


def redact_parameters(query: str, names: tuple[str, ...]) -> str:
    """Replace the values of sensitive parameters; names are compared without regard to case."""
    if not names:
        return query
    listed = "|".join(regex_escape(n) for n in names)
    pattern = literal(f"(?i)(^|[&;?])({listed})=[^&;]*")
    return (
        f"case when contains({query}, '=') and regexp_matches({query}, {pattern})"
        f" then regexp_replace({query}, {pattern}, '\\1\\2=REDACTED', 'g') else {query} end"
    )
