"""Personal data and secrets by kind, and ordinary texts. Nothing here is real: addresses are from ranges for
documentation, numbers from their checksums, and tokens are put together when they are needed."""

from __future__ import annotations

import random
import string

_LETTERS, _BASE64URL = string.ascii_letters + string.digits, string.ascii_letters + string.digits + "-_"
_HEX, _CONTEXTS = (
    "0123456789abcdef",
    ("/a/{}/b", "q={}&x=1", "/a/x_{}", "https://host.example/{}?a=1", "id:{}"),
)
_AREAS = (
    "(415) ",
    "(415)+",
    "(415)",
    "%28415%29%20",
    "415-",
    "+1+415+",
    "%2B1+415-",
    "+1 (415) ",
    "tel:+1-415-",
    "001 415 ",
)
_STARTS = (
    "ghp_ gho_ ghs_ github_pat_ glpat- xoxb- xoxp- sk_live_ rk_live_ pk_test_ AIza ya29. npm_ pypi- sk-proj-"
    " sk-ant- dop_v1_ hf_ ATATT3 hvs. dapi shpat_ sq0atp- whsec_ figd_ dckr_pat_ GOCSPX- SG.abcdefghij. key- AKIA ASIA"
).split()


def _random(draw: random.Random, letters: str, count: int) -> str:
    return "".join(draw.choice(letters) for _ in range(count))


def _secret(draw: random.Random, start: str) -> str:
    if start.startswith(("A", "dapi", "dop", "key", "shpat")) and not start.startswith(("AI", "AT")):
        return start + _random(
            draw, "0123456789ABCDEF" if start.isupper() else _HEX, 32 if start[0] != "A" else 16
        )
    return start + _random(draw, _LETTERS, 36)


def _luhn(body: str) -> str:
    digits = [int(c) for c in body]
    total = sum(sum(divmod(d * 2, 10)) if i % 2 == 0 else d for i, d in enumerate(reversed(digits)))
    return body + str(-total % 10)


def _iban(draw: random.Random) -> str:
    body = _random(draw, string.digits, 18)
    check = 98 - int(f"{body}131400") % 97
    return f"DE{check:02d}{body}"


def canaries() -> dict[str, list[str]]:
    """Secrets by kind."""
    draw = random.Random(16)
    ipv4 = [
        f"{net}.{draw.randrange(1, 255)}" for net in ("192.0.2", "198.51.100", "203.0.113") for _ in range(10)
    ]
    groups = [f"{draw.randrange(1, 1 << 16):x}" for _ in range(60)]
    return {
        "ipv4": ipv4,
        "ipv4_in_words": [f"ip-{a.replace('.', '-')}" for a in ipv4[:10]] + [f"x{a}y" for a in ipv4[10:20]],
        "ipv4_in_ipv6": [f"{p}{a}" for p in ("::ffff:", "64:ff9b::", "::") for a in ipv4[:8]],
        "ipv6": [f"2001:db8:{a}::{b}" for a, b in zip(groups[::2], groups[1::2], strict=True)],
        "email": [
            f"{n}.canary{i}@mail.example" for i, n in enumerate(["joe", "ann", "o'neil", "x+y", "li"] * 5)
        ],
        "email_encoded": [f"joe{i}{at}mail.example" for i in range(8) for at in ("%40", "%2540", "\\u0040")],
        "token": [_secret(draw, start) for start in _STARTS for _ in range(3)],
        "random_43": [_random(draw, _BASE64URL, 43) for _ in range(30)],
        "random_32_hex": [_random(draw, _HEX, 32) for _ in range(30)],
        "random_22": [_random(draw, _BASE64URL, 22) for _ in range(30)],
        "card": [_luhn(start + _random(draw, string.digits, 14)) for start in ("4", "51") for _ in range(10)][
            :10
        ]
        + [_luhn("51" + _random(draw, string.digits, 13)) for _ in range(10)],
        "iban": [_iban(draw) for _ in range(20)],
        "coordinates": [f"{draw.uniform(10, 60):.6f},{draw.uniform(1, 90):.6f}" for _ in range(20)],
        "phone": [f"+4930{draw.randrange(10**7, 10**8)}" for _ in range(10)]
        + [f"{start}{draw.randrange(200, 1000)}-{draw.randrange(1000, 10000)}" for start in _AREAS],
        "us_ssn": [
            f"{draw.randrange(100, 600)}-{draw.randrange(10, 99)}-{draw.randrange(1000, 9999)}"
            for _ in range(15)
        ],
    }


def placed(secret: str) -> list[str]:
    """Texts with a secret in them."""
    return [context.format(secret) for context in _CONTEXTS]


def ordinary() -> list[str]:
    """Paths and queries that hold nothing personal."""
    draw = random.Random(61)
    words = "red shoes for running winter sale blue jacket children guide best price how to choose".split()
    found = [f"/blog/{'-'.join(draw.choices(words, k=draw.randrange(3, 9)))}" for _ in range(100)]
    found += [f"/products/{draw.randrange(10, 10**7)}" for _ in range(40)]
    found += [f"/static/app.{_random(draw, _HEX, 12)}.js" for _ in range(40)]
    found += [f"/assets/main-{_random(draw, _HEX, 20)}.css" for _ in range(20)]
    found += [
        f"/v{draw.randrange(9)}.{draw.randrange(20)}.{draw.randrange(20)}.{draw.randrange(20)}/x"
        for _ in range(30)
    ]
    found += [f"/2026/{m:02d}/{d:02d}/{draw.choice(words)}" for m in range(1, 13) for d in (1, 15, 28)]
    found += [f"q={'+'.join(draw.choices(words, k=4))}&page={n}" for n in range(50)]
    found += [f"sort=price&_={1_700_000_000_000 + n * 7919}" for n in range(30)]
    found += [f"/items/{'-'.join(_random(draw, _HEX, n) for n in (8, 4, 4, 4, 12))}" for _ in range(30)]
    found += [f"/{lang}/about" for lang in ("en", "de-DE", "pt-BR", "zh-Hans", "sr-Latn-RS")]
    found += [
        "/node_modules/@babel/core/lib/index.js", "/npm/vue@3.2.1/dist/vue.js", "/img/logo@2x.png", "/docs/std::vector",
        "t=12:30:45", "/wp-content/themes/twentytwentyfour/style.css", "/Donaudampfschifffahrtsgesellschaft",
        "/thisisaverylongwordwithoutanydashesatall", "/jquery-3.7.1.min.js", "/watch/dQw4w9WgXcQ", "/build/20260304.12",
        "/sony-wh1000xm5-noise-cancelling-headphones", "/iPhone15ProMax256GB", "fields=title,body&tags=a,b", "/a/b/c;v=2",
        "?v=1.2.3.4", "/download/app-1.2.3.4.zip", "/favicon.ico", "/robots.txt", "/caf%C3%A9", "q=gr%C3%B6%C3%9Fe+42",
    ]  # fmt: skip
    return found
