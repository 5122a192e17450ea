"""Kinds of personal data that have a checksum or a fixed form, as SQL: cards, accounts, phones, places, ids.

Each kind is a candidate (a regular expression whose first group is the number) and a test over it. The tests
run only over candidates, and the candidates only over texts that pass the guard.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from loglode.silver.layers import column
from loglode.sql import literal

# A number may stand beside letters, but is never a part of a longer one.
_L, _R = r"(?:\b|[A-Za-z_])", r"(?:\b|[A-Za-z_])"
# No regular expressions: in the tests the engine would compile them for every vector.
_DIGITS = "translate(x, ' +.-', '')"
_COMPACT = f"upper({_DIGITS})"
# Stands for what may separate the digits of a number, in plain text and percent-encoded.
_S = "~"
_SEPARATOR, _ENCODED_SEPARATOR = "[ +.-]?", "(?:[ +.-]|%(?:25)*2[0dDeE])?"
_DATE6 = "[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind looks like, and whether a candidate `x` is one; `word` replaces it."""

    pattern: str
    word: str
    test: str = ""


def _weighted(digits: str, weights: str) -> str:
    """Sum of the digits of a text, each times its weight."""
    return (
        f"list_sum(list_transform(range(1, {len(weights.split()) + 1}),"
        f" lambda i: (ascii(substr({digits}, i, 1)) - 48) * [{', '.join(weights.split())}][i]))"
    )


def _digit(digits: str, place: int) -> str:
    return f"(ascii(substr({digits}, {place}, 1)) - 48)"


def _luhn(digits: str) -> str:
    doubled = "(case when i % 2 = 0 then 2 else 1 end)"
    value = f"(ascii(substr(reverse({digits}), i, 1)) - 48) * {doubled}"
    return f"list_sum(list_transform(range(1, length({digits}) + 1), lambda i: ({value}) // 10 + ({value}) % 10)) % 10 = 0"


def _mod97(text: str) -> str:
    """The remainder of a text's number, with letters as 10 to 35, by 97."""
    codes = f"list_transform(string_split({text}, ''), lambda c: case when c between '0' and '9' then ascii(c) - 48 else ascii(c) - 55 end)"
    return f"list_reduce(list_concat([0], {codes}), lambda a, c: case when c > 9 then (a * 100 + c) % 97 else (a * 10 + c) % 97 end)"


def _mod11_10(digits: str, count: int) -> str:
    """ISO 7064 mod 11,10 over `count` digits and the check digit behind them."""
    step = "(case when (a + c) % 10 = 0 then 10 else (a + c) % 10 end) * 2 % 11"
    values = f"list_transform(range(1, {count + 1}), lambda i: ascii(substr({digits}, i, 1)) - 48)"
    product = f"list_reduce(list_concat([10], {values}), lambda a, c: {step})"
    return f"(11 - {product}) % 10 = {_digit(digits, count + 1)}"


def _check11(digits: str, weights: str, place: int) -> str:
    """A check digit of Brazil's kind: (sum * 10) mod 11, 10 counts as 0."""
    return f"({_weighted(digits, weights)} * 10) % 11 % 10 = {_digit(digits, place)}"


_CARD = (
    rf"(?:4(?:{_S}[0-9]){{15}}|(?:5{_S}[1-5]|2{_S}[2-7])(?:{_S}[0-9]){{14}}|3{_S}[47](?:{_S}[0-9]){{13}}"
    rf"|3{_S}[0689](?:{_S}[0-9]){{12}}|(?:6|3{_S}5)(?:{_S}[0-9]){{14,17}}|(?:4|6)(?:{_S}[0-9]){{18}})"
)
_IBAN_LANDS = (
    "AD AE AL AT AZ BA BE BG BH BR BY CH CR CY CZ DE DK DO EE EG ES FI FO FR GB GE GI GL GR GT HR HU IE IL IQ IS"
    " IT JO KW KZ LB LC LI LT LU LV LY MC MD ME MK MR MT MU NL NO PK PL PS PT QA RO RS SA SC SD SE SI SK SM ST SV"
    " TL TN TR UA VA VG XK"
).replace(" ", "|")
_NINO = "(?:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z])"
_CF = "[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]"
_LETTERS_ES, _LETTERS_FI = "'TRWAGMYFPDXBNJZSQVHLCKE'", "'0123456789ABCDEFHJKLMNPRSTUVWXY'"
_NUMBER_ES = f"(translate(substr({_COMPACT}, 1, length({_COMPACT}) - 1), 'XYZ', '012')::bigint % 23 + 1)"
_NUMBER_FR = f"substr(replace(replace({_COMPACT}, '2A', '19'), '2B', '18'), 1, 13)"
_DECIMAL = "[0-9]{1,3}[.][0-9]{4,15}"
_SSN = (
    "(?:00[1-9]|0[1-9][0-9]|[1-57-8][0-9]{2}|6[0-57-9][0-9]|66[0-57-9])[- +](?:0[1-9]|[1-9][0-9])[- +]"
    "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
)

KINDS: dict[str, Kind] = {
    "card": Kind(_CARD, ":card", _luhn(_DIGITS)),
    "iban": Kind(
        f"(?i:(?:{_IBAN_LANDS})[0-9]{{2}}(?:{_S}[0-9A-Z]{{4}}){{2,7}}(?:{_S}[0-9A-Z]{{1,3}})?)",
        ":iban",
        _mod97(f"substr({_COMPACT}, 5) || substr({_COMPACT}, 1, 4)") + " = 1",
    ),
    "coordinates": Kind(f"-?{_DECIMAL}(?:\\s*[,;/|+ ]\\s*|%(?:25)*2[cC])-?{_DECIMAL}", ":coordinates"),
    "mac": Kind("[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}", ":mac"),
    "it_codice_fiscale": Kind(f"(?i:{_CF})", ":national_id"),
    "uk_nino": Kind(f"(?i:{_NINO}{_S}[0-9]{{2}}{_S}[0-9]{{2}}{_S}[0-9]{{2}}{_S}[A-D])", ":national_id"),
    "us_ssn": Kind(_SSN, ":national_id"),
    "be_national_number": Kind(
        "[0-9]{2}[.](?:0[1-9]|1[0-2])[.](?:0[1-9]|[12][0-9]|3[01])-[0-9]{3}[.][0-9]{2}", ":national_id"
    ),
    "mx_curp": Kind(f"(?i:[A-Z]{{4}}{_DATE6}[HMX][A-Z]{{5}}[0-9A-Z][0-9])", ":national_id"),
    "in_pan": Kind("[A-Z]{3}[ABCFGHLJPT][A-Z][0-9]{4}[A-Z]", ":national_id"),
    "es_dni": Kind(
        f"(?i:[0-9]{{8}}{_S}[A-HJ-NP-TV-Z]|[XYZ]{_S}[0-9]{{7}}{_S}[A-HJ-NP-TV-Z])",
        ":national_id",
        f"substr({_LETTERS_ES}, {_NUMBER_ES}, 1) = right({_COMPACT}, 1)",
    ),
    "fr_nir": Kind(
        f"[12]{_S}[0-9]{{2}}{_S}(?:0[1-9]|1[0-2]|[2-9][0-9]){_S}[0-9][0-9AB]{_S}[0-9]{{3}}{_S}[0-9]{{3}}{_S}[0-9]{{2}}",
        ":national_id",
        f"97 - {_mod97(_NUMBER_FR)} = try_cast(right({_DIGITS}, 2) as integer)",
    ),
    "br_cpf": Kind(
        f"[0-9]{{3}}{_S}[0-9]{{3}}{_S}[0-9]{{3}}{_S}[0-9]{{2}}",
        ":national_id",
        f"{_check11(_DIGITS, '10 9 8 7 6 5 4 3 2', 10)} and {_check11(_DIGITS, '11 10 9 8 7 6 5 4 3 2', 11)}",
    ),
    "pl_pesel": Kind(
        "[0-9]{2}(?:[02468][1-9]|[13579][0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{5}",
        ":national_id",
        f"{_weighted(_DIGITS, '1 3 7 9 1 3 7 9 1 3 1')} % 10 = 0",
    ),
    "de_steuer_id": Kind(
        f"[1-9][0-9]{_S}[0-9]{{3}}{_S}[0-9]{{3}}{_S}[0-9]{{3}}",
        ":national_id",
        f"{_mod11_10(_DIGITS, 10)} and len(list_distinct(string_split(substr({_DIGITS}, 1, 10), ''))) in (8, 9)",
    ),
    "nl_bsn": Kind(
        f"[0-9]{{4}}{_S}[0-9]{{2}}{_S}[0-9]{{3}}",
        ":national_id",
        f"{_weighted(_DIGITS, '9 8 7 6 5 4 3 2 -1')} % 11 = 0",
    ),
    "ch_ahv": Kind(
        f"756{_S}[0-9]{{4}}{_S}[0-9]{{4}}{_S}[0-9]{{2}}",
        ":national_id",
        f"{_weighted(_DIGITS, '1 3 1 3 1 3 1 3 1 3 1 3 1')} % 10 = 0",
    ),
    "se_personnummer": Kind(
        f"(?:19|20)?{_DATE6}[-+][0-9]{{4}}", ":national_id", _luhn(f"right({_DIGITS}, 10)")
    ),
    "fi_henkilotunnus": Kind(
        "(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|1[0-2])[0-9]{2}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]",
        ":national_id",
        f"substr({_LETTERS_FI}, (substr(x, 1, 6) || substr(x, 8, 3))::bigint % 31 + 1, 1) = right(x, 1)",
    ),
    "cn_resident_id": Kind(
        "[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]",
        ":national_id",
        f"substr('10X98765432', ({_weighted('x', '7 9 10 5 8 4 2 1 6 3 7 9 10 5 8 4 2')} % 11 + 1)::bigint, 1) = upper(right(x, 1))",
    ),
    "phone": Kind(
        "(?:(?:tel:)?[+]|tel:|00(?:[1-9][0-9]{0,2}[ -]))[ ]?[1-9](?:[ +().-]{0,2}[0-9]){8,14}"
        "|[(]?[2-9][0-9]{2}[)]?[ .-][2-9][0-9]{2}[ .-][0-9]{4}|[(][2-9][0-9]{2}[)][ +]?[2-9][0-9]{2}[ .+-][0-9]{4}",
        ":phone",
    ),
    "uuid": Kind("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", ":uuid"),
}
# Each number takes time for the whole text: of a line with more, whatever looks like a number is cut out at once.
MOST = 32
PLACEHOLDERS = frozenset({":number", *(kind.word for kind in KINDS.values())})
# A plus sign or a bracket is no part of a word.
_LEFT = {"phone": r"(?:^|[^0-9A-Za-z.+-])"}
# Of the raw text: what may be encoded in it.
_PHONE = r"(?:[(]|%(?:25)*28)[2-9][0-9]{2}(?:[)]|%(?:25)*29)|(?:\+|%(?:25)*2[bB])[ (]?[1-9][0-9]|tel(?::|%)|00[1-9][0-9]{0,2}[ -]|[2-9][0-9]{2}[)]?(?:[ .+-]|%(?:25)*2[0dDeE])[2-9][0-9]{2}(?:[ .+-]|%(?:25)*2[0dDeE])[0-9]{4}"


def guard(names: Collection[str]) -> str:
    """The regular expression that every text matches which contains one of these kinds, encoded or plain."""
    parts = [
        rf"{_L}(?:{_written(name, _ENCODED_SEPARATOR)}){_R}"
        for name in KINDS
        if name in names and name != "phone"
    ]
    return "|".join([*parts, *([_PHONE] if "phone" in names else [])])


def cut(text: str, look: str, names: Collection[str]) -> list[dict[str, str]]:
    """Layers whose last column, `cut:numbers`, is a plain text with each number of these kinds replaced by
    the word of its kind, where `look` is true."""
    plain = {name: kind for name, kind in KINDS.items() if name in names and not kind.test}
    tested = {name: kind for name, kind in KINDS.items() if name in names and kind.test}
    layers, shown_text = [], text
    if tested:
        hits = column("cut", "hits")
        every = ", ".join(_hits(column("number", name), kind) for name, kind in tested.items())
        layers = [
            {f"number:{name}": f"case when {look} then {_candidates(text, name)} end" for name in tested},
            {"cut:hits": f"case when {look} then list_concat({every}) end"},
        ]
        shown = "replace(a, split_part(x, chr(10), 2), split_part(x, chr(10), 1))"
        without = f"list_reduce(list_concat([{text}], {hits}), lambda a, x: {shown})"
        either = "|".join(_written(name, _SEPARATOR) for name in tested)
        every_one = f"regexp_replace({text}, {literal(f'{_L}(?:{either}){_R}')}, ':number', 'g')"
        shown_text = f"case when len({hits}) > {MOST} then {every_one} when len({hits}) > 0 then {without} else {text} end"
    for word in sorted({kind.word for kind in plain.values()}):
        same = [name for name, kind in plain.items() if kind.word == word]
        left = next((_LEFT[name] for name in same if name in _LEFT), _L)
        either = "|".join(_written(name, _SEPARATOR) for name in same)
        pattern, shown = f"({left})(?:{either})({_R})", rf"\1{word}\2"
        shown_text = f"regexp_replace({shown_text}, {literal(pattern)}, {literal(shown)}, 'g')"
    return [*layers, {"cut:numbers": f"case when {look} then {shown_text} else {text} end"}]


def _candidates(text: str, name: str) -> str:
    """Numbers of a text that look like those of a kind."""
    return f"regexp_extract_all({text}, {literal(f'{_L}({_written(name, _SEPARATOR)}){_R}')}, 1)"


def _hits(candidates: str, kind: Kind) -> str:
    """Those that pass the test of a kind, each behind the word that replaces it; null where there is none. The
    engine makes a test ready for every vector, so it is asked only for those that have a candidate."""
    passed = f"list_filter({candidates}, lambda x: {kind.test})"
    shown = f"list_transform({passed}, lambda x: {literal(kind.word)} || chr(10) || x)"
    return f"case when len({candidates}) > 0 then {shown} end"


def _written(name: str, separator: str) -> str:
    return KINDS[name].pattern.replace(_S, separator)
