"""Cut personal data and secrets out of texts, as SQL. docs/privacy.md says what is removed and what is not.

The texts of a line are looked at as one, joined by a character that no pattern matches across: the engine
compiles every pattern once, not once for each text. The guards, a few regular expressions, decide whether they
may contain anything at all: ordinary lines cost these looks. What passes goes through a chain that decodes
it step by step, replaces values of sensitive parameters at each step, and cuts the rest out of the plain text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from loglode.contract import Contract
from loglode.silver import personal
from loglode.silver.layers import Layer, column
from loglode.silver.parameters import REDACTED, names_pattern, replace_parameters
from loglode.sql import literal
from loglode.tokens import BEGINNINGS, BETWEEN, BYTE, EMAIL, IPV4, IPV6, TOKEN

# Between the texts of a line; patterns name it BETWEEN.
_SEPARATOR = "\x1f"
# What stands where something was cut out.
PLACEHOLDERS = frozenset({":ip", ":token", ":email", *personal.PLACEHOLDERS})

_AT = r"\x{FF20}|&(?:#0*64|#[xX]0*40|commat);"
# Escapes of JSON, of servers' logs and of HTML, as percent-encoding.
_ESCAPES = (
    (r"(?:\\+u|%u)00([2-7][0-9A-Fa-f])|\\+x([2-7][0-9A-Fa-f])|&#[xX]0*([2-7][0-9A-Fa-f]);", r"%\1\2\3"),
    (rf"%[eE][fF]%[bB][cC]%[aA]0|{_AT}", "@"),
)
# Characters that need no encoding; who encodes them hides something.
_ODD = (
    r"%(?:25)*(?:2[dDeE]|3[0-9]|40|[46][1-9A-Fa-f]|[57][0-9aA]|5[fF])|(?:\\u|%u)00|\\x[2-7]|&#"
    rf"|(?:[0-9A-Fa-f]|%3[Aa])%(?:25)*3[Aa]|{_AT}|%[eE][fF]%[bB][cC]%[aA]0"
)
_ENCODED = r"%[2-7][0-9A-Fa-f]|%u00|\\[ux]|&#|&commat;|\x{FF20}|%[eE][fF]%[bB][cC]%[aA]0"
_SWITCH = "(?:[a-z][A-Z0-9]|[A-Z][0-9]|[0-9][A-Za-z])[0-9A-Za-z_-]*"
_MAYBE_RANDOM = f"(?:{_SWITCH}){{3}}|[b-df-hj-np-tv-xz]{{6}}[a-z]*[b-df-hj-np-tv-xz]{{6}}"
_RUN = "[0-9A-Za-z_+-]{20,}={0,2}"
# Between the runs of a line.
_BETWEEN_RUNS, _R = "\x1e", r"\x1e"
# A name, a hash and the ending of a file that every visitor of a page loads.
_ASSET = (
    rf"(?i){_R}(?:(?:[0-9a-z_+.~-]*[a-z]{{2,}}[._~-])?[0-9a-z_-]{{6,64}}(?:[.](?:min|chunk|bundle|module|async|esm|umd|map|d))*"
    r"[.](?:js|mjs|cjs|css|map|wasm|woff2?|ttf|otf|eot)"
    r"|[0-9a-z_+.~-]*[a-z]{2,}[._~-][0-9a-f]{6,64}[.](?:png|jpe?g|gif|svg|webp|avif|ico|mp4|webm|json|txt|html))"
    rf"{_R}"
)
_SLASHED = rf'[=:,"\s{BETWEEN}]([0-9A-Za-z+][0-9A-Za-z+/]{{19,}}={{0,2}})[&;,"\s{BETWEEN}]'
_CREDENTIALS = (
    r"(?i:\b(?:bearer|basic|negotiate|digest)(?:[ +:=]|%20)+)"
    r"[0-9A-Za-z._~+/-]*(?:[0-9][A-Za-z]|[a-z][A-Z]|[A-Za-z][0-9]|=)[0-9A-Za-z._~+/=-]*"
)
# Longer than any word and any hash of a file's name.
_LONG = "[0-9A-Za-z]{65}"
_GUARD = "|".join(
    [
        r"@|[\[({]at[\])}]|[0-9][.][0-9]+[.][0-9]+[.][0-9]|[0-9][_-][0-9]+[_-][0-9]+[_-][0-9]|[0-9A-Fa-f]:[0-9A-Fa-f:]",
        r"::[0-9A-Fa-f]|ip6[.]arpa|ipv6-literal|0[xX][0-9A-Fa-f]+|://[0-9]{8}|(?i:bearer|basic|negotiate|digest)[ +:=%]",
        rf"-----BEGIN|AAAA|(?:{_SWITCH}){{3}}",
        _ODD,
        BEGINNINGS,
        _LONG,
    ]
)
_KEY_FILE = rf"-----BEGIN[ +][^-{BETWEEN}]*-----[^{BETWEEN}]*|ssh-(?:rsa|dss|ed25519)[ +]AAAA[0-9A-Za-z+/=]+"
_DASHED = (
    r"(?i:\b|_|\B)(?i:ip|ec2|host|client|static|dyn|dynamic|dhcp|pool|dsl|cable|ppp|node|user|addr)[_.-]?"
)
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9])"
# Version numbers of four parts: after a word that says so, or before the ending of a file.
_SMALL = "([0-9]{1,2})[.]([0-9]{1,2})[.]([0-9]{1,2})[.]([0-9]{1,2})"
_VERSIONS = (
    (
        r"(?i)(\b(?:v|ver|version|versions|release|releases|rev|build|tag|tags|download|downloads|docs|sdk"
        rf"|firmware|updates?|changelog|packages?|rc)[=/._-]{{0,2}}v?){_SMALL}",
        "\\1\\2\x02\\3\x02\\4\x02\\5",
    ),
    (
        rf"(?i)([a-z][_-]v?|/){_SMALL}"
        r"([._-](?:min[.])?(?:js|css|zip|tar|tgz|gz|bz2|xz|whl|jar|war|exe|msi|dmg|deb|rpm|apk|pkg|nupkg)\b)",
        "\\1\\2\x02\\3\x02\\4\x02\\5\\6",
    ),
    (
        rf"(?i)(/){_SMALL}(/[^?&\s{BETWEEN}]*[.](?:js|css|map|png|svg|woff2?)\b)",
        "\\1\\2\x02\\3\x02\\4\x02\\5\\6",
    ),
    # Tags of packages and sizes of images look like names of hosts.
    (
        rf"@(v?[0-9]+(?:[.][0-9x]+)*(?:-[0-9A-Za-z.]+)?(?:/|[&?#\s{BETWEEN}]|x[._])|latest|next|beta|alpha|canary|dev|main|master|stable)",
        "\x03\\1",
    ),
)
_PLAIN = (("\x02", "."), ("\x03", "@"))
_ADDRESSES = (
    (rf"://[^\s/?#@{BETWEEN}]*@", "://"),
    (rf"{IPV6}|{IPV4}|0[xX][0-9A-Fa-f]{{8}}\b", ":ip"),
    (r"://[0-9]{8,10}\b", "://:ip"),
    (rf"({_DASHED}){BYTE}(?:[_-]{BYTE}){{3}}", r"\1:ip"),
    (rf"((?:\b|[A-Za-z_])){_OCTET}([_-]){BYTE}[_-]{BYTE}[_-]{BYTE}\b", r"\1:ip"),
    (EMAIL, ":email"),
)
_MAYBE_ADDRESS = r"[0-9][._-][0-9]+[._-][0-9]|[0-9A-Fa-f]:[0-9A-Fa-f:]|::|0[xX][0-9A-Fa-f]|@|[\[({]at[\])}]|://|arpa|literal"
_MAYBE_CREDENTIALS = "-----BEGIN|ssh-|(?i:bearer|basic|negotiate|digest)[ +:=]"


def redaction(texts: Mapping[str, str], contract: Contract) -> list[Layer]:
    """Layers that cut addresses, secrets and the contract's kinds of personal data out of texts {name: expression}.

    The last one adds the columns of these names. A text that contains something only after decoding is
    stored as it reads then. What is found in one text is cut out of the others as well.
    """
    if not texts:
        return []
    looked, numbered, own, plain = (column("cut", name) for name in ("looked", "numbered", "own", "plain"))
    sensitive = contract.sensitive_parameters
    decoded = replace_parameters(_decoded(_replace_all(own, _ESCAPES)), sensitive)
    decoded = _replace(decoded, "%(?:25)+([0-9A-Fa-f]{2})", r"%\1")
    decoded = replace_parameters(_decoded(decoded), sensitive)
    numbers = personal.guard(contract.personal_data)
    suspect = _is_suspect(looked, numbered, sensitive)
    # What is a separator or a mark already is a space.
    marks = _SEPARATOR + "".join(mark for mark, _ in _PLAIN)
    bare = _joined(
        f"translate(coalesce({text}, ''), {literal(marks)}, {literal(' ' * len(marks))})"
        for text in texts.values()
    )
    layers = [
        {"cut:looked": _joined(f"coalesce({text}, '')" for text in texts.values())},
        {"cut:numbered": _has(looked, numbers) if numbers else "false"},
        {"cut:own": f"case when {suspect} then {replace_parameters(bare, sensitive)} end"},
        {"cut:plain": f"case when {_has(own, _ENCODED)} then {decoded} else {own} end"},
    ]
    before = plain
    for name, (look, step) in {
        "addresses": _without_addresses(plain),
        "tokens": _without_tokens(column("cut", "addresses")),
    }.items():
        layers.append({f"cut:{name}": f"case when {look} then {step} else {before} end"})
        before = column("cut", name)
    layers += personal.cut(before, f"({numbered} or {plain} <> {own})", contract.personal_data)
    layers += _random_runs(column("cut", "numbers"))
    versions = (bare, own, plain, column("cut", "last"))
    split = ", ".join(f"string_split({text}, {literal(_SEPARATOR)})" for text in versions)
    shown = f"list_transform(list_zip({split}), lambda p: {_changed('p')})"
    layers.append({"cut:shown": f"case when {own} is not null then {shown} end"})
    found = {
        name: f"case when {text} is not null then coalesce({column('cut', 'shown')}[{2 * place}], {text}) end"
        for place, (name, text) in enumerate(texts.items(), 1)
    }
    return [*map(Layer, layers), Layer(found, made_of=texts)]


def _joined(texts: Iterable[str]) -> str:
    """Texts as one, each between two separators. One call: each `||` would copy all before it."""
    listed = ", '', ".join(texts)
    return f"concat_ws({literal(_SEPARATOR)}, '', {listed}, '')"


def _changed(parts: str) -> str:
    """What is stored instead of a text, null for the text itself. Decoding alone changes nothing that is stored."""
    first, shallow, plain, last = (f"{parts}[{place}]" for place in range(1, 5))
    count = f"len(string_split({{}}, {literal(REDACTED)}))"
    is_same = f"{last} = {plain} and {count.format(plain)} = {count.format(shallow)}"
    return f"case when not ({is_same}) then {last} when {shallow} <> {first} then {shallow} end"


def _is_suspect(text: str, numbered: str, names: tuple[str, ...]) -> str:
    """Whether a text may contain anything to cut out. Ordinary texts fail three quick looks."""
    looks = [_GUARD, *([names_pattern(names)] if names else [])]
    cases = " ".join(f"when {_has(text, look)} then true" for look in looks)
    return f"(case when {numbered} then true {cases} else false end)"


def _without_addresses(text: str) -> tuple[str, str]:
    """A quick look, and a plain text without addresses."""
    marked = _replace_all(text, (*_VERSIONS, *_ADDRESSES))
    for mark, shown in _PLAIN:
        marked = f"replace({marked}, {literal(mark)}, {literal(shown)})"
    return _has(text, _MAYBE_ADDRESS), marked


def _without_tokens(text: str) -> tuple[str, str]:
    """A quick look, and a plain text without what its issuer or its context marks as a secret."""
    secrets = _replace(text, f"{TOKEN}|{_KEY_FILE}|{_CREDENTIALS}|{_LONG}[0-9A-Za-z]*", ":token")
    return _has(text, f"{_MAYBE_CREDENTIALS}|{BEGINNINGS}|{_LONG}"), secrets


def _has(text: str, pattern: str) -> str:
    return f"regexp_matches({text}, {literal(pattern)})"


def _random_runs(text: str) -> list[dict[str, str]]:
    """Layers whose last column, `cut:last`, is a text with `:token` for runs that look random: keys that no
    issuer has marked.

    A run is random that is neither words nor numbers nor a UUID. Slugs are words; so few of their characters
    stand alone among others of another kind, and few consonants follow each other. All runs of a line are
    looked at as one text.
    """
    segments = f"array_to_string(regexp_extract_all({text}, '[0-9A-Za-z_+.~-]{{20,}}={{0,2}}'), {literal(_BETWEEN_RUNS * 2)})"
    wrapped = f"{literal(_BETWEEN_RUNS)} || {segments} || {literal(_BETWEEN_RUNS)}"
    runs = f"regexp_extract_all({_replace(wrapped, _ASSET, _BETWEEN_RUNS)}, {literal(_RUN)})"
    values = f"regexp_extract_all({text}, {literal(_SLASHED)}, 1)"
    listed, words = column("cut", "runs"), column("cut", "words")
    joined = f"array_to_string({listed}, {literal(_BETWEEN_RUNS)})"
    shapes = {
        "words": (),
        "single": (("[A-Z][a-z]+|[a-z]{2,}|[A-Z]{2,}|[0-9]{2,}", " "), (f"[^0-9A-Za-z{_R}]", "")),
        "clusters": (("[bcdfghjklmnpqrstvwxzBCDFGHJKLMNPQRSTVWXZ]{6,}", "#"), (f"[^#{_R}]", "")),
        "kinds": ((f"[^0-9A-Za-z{_R}]", ""), ("[a-z]+|[A-Z]+|[0-9]+", ".")),
        "turns": (("[0-9][A-Za-z]|[A-Za-z][0-9]", "#"), (f"[^#{_R}]", "")),
    }
    of_words = (
        (personal.KINDS["uuid"].pattern, "-"),
        (f"[^0-9A-Za-z{_R}]+", " "),
        (r"\b[0-9A-Za-z]{1,6}\b ?", ""),
    )
    places = f"list_filter(range(1, len({listed}) + 1), lambda i: {_is_random('i')})"
    random = f"list_transform({places}, lambda i: {listed}[i])"
    without = f"list_reduce(list_concat([{text}], {random}), lambda a, x: replace(a, x, ':token'))"
    return [
        {"cut:runs": f"case when {_has(text, _MAYBE_RANDOM)} then list_concat({values}, {runs}) end"},
        {"cut:words": _replace_all(joined, of_words)},
        {
            f"runs:{name}": f"string_split({_replace_all(words, pairs)}, {literal(_BETWEEN_RUNS)})"
            for name, pairs in shapes.items()
        },
        {
            "cut:last": f"case when len({listed}) > {personal.MOST} then {_replace(text, _RUN, ':token')}"
            f" when len({listed}) > 0 then {without} else {text} end"
        },
    ]


def _is_random(place: str) -> str:
    """Whether the run at a place is random. No regular expression: the engine would compile it for every vector."""
    words, single, clusters, kinds, turns = (
        f"{column('runs', name)}[{place}]" for name in ("words", "single", "clusters", "kinds", "turns")
    )
    longest = f"list_max(list_transform(string_split({words}, ' '), lambda w: length(w)))"
    is_mixed = f"({words} <> upper({words}) and {words} <> lower({words}))"
    has_digit = f"translate({words}, '0123456789', '') <> {words}"
    least = f"case when {longest} >= 24 and {has_digit} then 2 when {is_mixed} then 4 else 3 end"
    size = f"length(trim({words}))"
    switching = f"({is_mixed} and {has_digit} and length({kinds}) * 2 >= {size} and {size} >= 18)"
    whole = f"({longest} >= 32 and {turns} <> '')"
    return f"({whole} or {switching} or length({single}) + 2 * length({clusters}) >= {least})"


def _decoded(text: str) -> str:
    """One step of percent-decoding, of characters that can be printed in ASCII; others stay encoded."""
    return f"url_decode(regexp_replace({text}, '%([018-9A-Fa-f])', '%25\\1', 'g'))"


def _replace_all(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    for pattern, word in pairs:
        text = _replace(text, pattern, word)
    return text


def _replace(text: str, pattern: str, word: str) -> str:
    return f"regexp_replace({text}, {literal(pattern)}, {literal(word)}, 'g')"
