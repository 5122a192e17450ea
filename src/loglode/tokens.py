"""What keys, tokens and addresses look like: one list for texts that are masked and names that are recorded.

Regular expressions that DuckDB (RE2) and Python read alike. Every token begins as its issuer writes it. None
needs a boundary before it: what precedes a token in a log may be a letter or an underscore.
"""

from __future__ import annotations

import re

# Stands between texts that are looked at as one. A class of what is not there names it too.
BETWEEN = r"\x1f"
_WORD, _BASE64URL = "[0-9A-Za-z]", "[0-9A-Za-z_-]"

JWT = rf"eyJ{_BASE64URL}+(?:\.{_BASE64URL}+\.{_BASE64URL}*|\.{_BASE64URL}{{6,}})(?:\.{_BASE64URL}*)*"
API_KEY = "|".join(
    [
        # Payments
        rf"(?:sk|pk|rk)_(?:live|test)_[0-9A-Za-z_]+|rzp_(?:live|test)_{_WORD}{{10,}}|whsec_[0-9A-Za-z+/=]{{16,}}",
        rf"sq0[a-z]{{3}}-{_BASE64URL}{{20,}}|EAA{_WORD}{{20,}}|shp(?:at|ca|pa|ss|tka)_[0-9A-Fa-f]{{16,}}",
        # Code and packages
        rf"gh[opsur]_{_WORD}{{16,}}|github_pat_[0-9A-Za-z_]{{20,}}|npm_{_WORD}{{20,}}|pypi-{_BASE64URL}{{16,}}|rubygems_[0-9a-f]{{32,}}",
        rf"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[0-9A-Za-z_.=-]{{16,}}|dckr_[a-z]{{3}}_{_BASE64URL}{{16,}}|oy2[0-9a-z]{{43}}|pul-[0-9a-f]{{40}}|CLOJARS_[0-9a-z]{{32,}}",
        rf"AT(?:ATT|CTT|BB){_BASE64URL}{{16,}}|figd_{_BASE64URL}{{16,}}|lin_(?:api|oauth)_{_WORD}{{16,}}",
        # Messages and mail
        r"xox[a-z]-[0-9A-Za-z-]+|xapp-[0-9A-Za-z-]{10,}|hooks\.slack\.com/services/[0-9A-Za-z/]+",
        rf"SG\.{_BASE64URL}{{10,}}\.{_BASE64URL}{{10,}}|(?:AC|SK)[0-9a-f]{{32}}|key-[0-9a-f]{{32}}",
        rf"[0-9a-f]{{32}}-us[0-9]{{1,2}}|xkeysib-[0-9a-f]{{32,}}|[0-9]{{8,10}}:{_BASE64URL}{{35}}",
        rf"[MNO]{_BASE64URL}{{23,27}}\.{_BASE64URL}{{6}}\.{_BASE64URL}{{27,}}|/webhooks/[0-9]{{15,}}/{_BASE64URL}{{20,}}",
        # Clouds
        rf"AIza{_BASE64URL}{{20,}}|ya29\.[0-9A-Za-z_.-]+|GOCSPX-{_BASE64URL}{{20,}}|1//0{_BASE64URL}{{20,}}",
        rf"do[opr]_v1_[0-9a-f]{{32,}}|HRKU-{_BASE64URL}{{16,}}|hv[bsr]\.{_BASE64URL}{{16,}}",
        rf"{_WORD}{{14}}\.atlasv1\.{_BASE64URL}{{20,}}|dapi[0-9a-f]{{32}}(?:-[0-9])?|fo1_{_BASE64URL}{{16,}}",
        rf"dp\.(?:pt|st|ct|sa|scim|audit)\.[0-9A-Za-z._-]{{16,}}|{_WORD}{{3}}8Q~[0-9A-Za-z_.~-]{{31,}}|pscale_[a-z]+_[0-9A-Za-z_.=-]{{16,}}",
        r"sb(?:p|_secret|_publishable)_[0-9A-Za-z_-]{20,}|NR[A-Z]{2}-[0-9A-Za-z-]{16,}|gl(?:c|sa)_[0-9A-Za-z_+/=]{16,}",
        r"dt0[a-z][0-9]{2}\.[0-9A-Z]{24}\.[0-9A-Z]{20,}|sntry[su]_[0-9A-Za-z_+/=-]{16,}|PMAK-[0-9a-f-]{20,}",
        # Models
        rf"sk-(?:proj|ant|svcacct|admin|or-v1|live|test)-{_BASE64URL}{{10,}}|sk-{_WORD}{{20,}}|hf_{_WORD}{{20,}}",
        rf"r8_{_WORD}{{20,}}|gsk_{_WORD}{{20,}}|xai-{_WORD}{{20,}}|pplx-{_WORD}{{16,}}|ntn_{_WORD}{{16,}}",
        # Keys as files
        r"AGE-SECRET-KEY-1[0-9A-Z]{20,}|AAAA[BCE][0-9]N[0-9A-Za-z+/]{4,}[0-9A-Za-z+/=]+",
    ]
)
AWS_KEY = r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|ANPA|ANVA|AIPA|APKA|ASCA)[0-9A-Z]{12,}"
TOKEN = f"{JWT}|{API_KEY}|{AWS_KEY}"

# What tokens begin with, as a quick look for texts that may contain one.
BEGINNINGS = (
    r"eyJ|_live_|_test_|whsec_|sq0[a-z]|EAA|shp|gh[opsur]_|github_pat_|npm_|pypi-|rubygems_|gl(?:pat|dt|rt|cbt|ptt|ft|imt"
    r"|agent|oas|soat|ffct)-|dckr_|oy2|pul-|CLOJARS_|AT(?:ATT|CTT|BB)|figd_|lin_|xox[a-z]-|xapp-|hooks\.slack|SG\."
    r"|key-[0-9a-f]|-us[0-9]|xkeysib|[0-9]:[0-9A-Za-z_-]|webhooks|AIza|ya29|GOCSPX|1//0|do[opr]_v1|HRKU-|hv[bsr]\."
    r"|atlasv1|dapi|fo1_|dp\.|8Q~|pscale|sb(?:p|_)|NR[A-Z]|gl(?:c|sa)_|dt0|sntry|PMAK|sk-|hf_|r8_|gsk_|xai-|pplx|ntn_"
    r"|AGE-|AAAA|(?:AC|SK)[0-9a-f]{8}|[MNO][0-9A-Za-z_-]+\.[0-9A-Za-z_-]{6}\.|A[A-Z]{3}[0-9A-Z]{12}"
)

BYTE = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"
IPV4 = rf"{BYTE}(?:[.]{BYTE}){{3}}"
_GROUP, _DIGIT_GROUP = "[0-9A-Fa-f]{1,4}", "[0-9A-Fa-f]{0,3}[0-9][0-9A-Fa-f]{0,3}"
# Letters and colons alone are words of programs: a group on either side of `::` has a digit, or there are
# two groups on one side of it.
IPV6 = "|".join(
    [
        rf"(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}{IPV4}",
        rf"(?:{_GROUP}:){{7}}{_GROUP}",
        rf"{_GROUP}(?::{_GROUP})+::(?:{_GROUP}(?::{_GROUP})*)?",
        rf"(?:{_GROUP})?::{_GROUP}(?::{_GROUP})+",
        rf"{_DIGIT_GROUP}::(?:{_GROUP})?|{_GROUP}::{_DIGIT_GROUP}",
        r"\B::[0-9A-Fa-f]{1,4}\b|(?:[0-9a-f][.]){16,}ip6[.]arpa|(?:[0-9a-f]{0,4}-){3,7}[0-9a-f]{0,4}[.]ipv6-literal",
    ]
)
EMAIL = (
    rf"(?:\"[^\"{BETWEEN}]{{1,64}}\"|[^\s/?&=;,:\"<>(){BETWEEN}]+)"
    rf"(?:@|[\[({{]at[\])}}])[^\s/?&=;,\"<>(){BETWEEN}]+"
)

_ENCODED = re.compile(r"%(?:25)*([2-7][0-9A-Fa-f])")
_HIDDEN = re.compile(f"(?P<ip>{IPV6}|{IPV4})|(?P<token>{TOKEN})|(?P<email>{EMAIL})")


def hidden(text: str) -> str:
    """A name (of an object, a field) without the addresses, tokens and e-mail addresses that it holds."""
    plain = _ENCODED.sub(lambda found: chr(int(found[1], 16)), text) if "%" in text else text
    shown = _HIDDEN.sub(lambda found: f":{found.lastgroup}", plain)
    return text if shown == plain else shown
