"""Masking and routes, in the engine, against values written out by hand and Python's own address types."""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Any

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.helpers.redacting import redacted

from loglode.silver import masking, urls
from loglode.silver.memo import host_or_network
from loglode.silver.parameters import replace_parameters

CONNECTION = duckdb.connect(config={"threads": "1"})
KEY = "a-key-of-some-length"


def ask(expression: str, text: str | None, **more: str | None) -> Any:
    """Value of an expression over the column `t`."""
    columns = ", ".join(f"${name}::varchar as {name}" for name in ("t", *more))
    parameters: dict[str, Any] = {"t": text, **more}
    if masking.KEY in expression:
        parameters["pseudonym_key"] = KEY
    row = CONNECTION.execute(f"select {expression} from (select {columns})", parameters).fetchone()
    assert row is not None
    return row[0]


def test_pseudonyms() -> None:
    wanted = hashlib.sha256(f"{KEY}:client:10.0.0.1".encode()).hexdigest()[:16]
    assert ask(masking.pseudonym("client", "t"), "10.0.0.1") == wanted
    assert ask(masking.pseudonym("user_id", "t"), "10.0.0.1") != wanted
    assert ask(masking.pseudonym("client", "t"), None) is None


def test_no_hash_can_be_guessed_without_the_key() -> None:
    for hidden in (masking.keyed_hash("t"), masking.pseudonym("client", "t")):
        one, other = (
            CONNECTION.execute(
                f"select {hidden} from (select 'curl/8' as t)", {"pseudonym_key": key}
            ).fetchall()
            for key in (KEY, KEY[::-1])
        )
        assert one != other


@given(number=st.integers(0, 2**32 - 1))
def test_networks_of_ipv4(number: int) -> None:
    address = ipaddress.IPv4Address(number)
    wanted = ipaddress.ip_network(f"{address}/24", strict=False)
    assert ask(masking.network("t"), str(address)) == str(wanted)


def _forms(address: ipaddress.IPv6Address) -> list[str]:
    return [
        str(address),
        address.exploded,
        str(address).upper(),
        ":".join(f"{int(g, 16):x}" for g in address.exploded.split(":")),
    ]


@pytest.mark.parametrize(
    "address",
    ["2002:cb00:7109::1", "2002:CB00:7109:1:2:3:4:5", "::ffff:203.0.113.9", "::ffff:cb00:7109", "0:0:0:0:0:ffff:cb00:7109",
     "64:ff9b::203.0.113.9", "64:ff9b::cb00:7109", "::cb00:7109", "::203.0.113.9", "::ffff:0:cb00:7109",
     "fe80::5efe:cb00:7109", "fe80::200:5efe:203.0.113.9", "0064:ff9b:0:0:0:0:cb00:7109"],
)  # fmt: skip
def test_an_ipv4_address_inside_ipv6_shows_its_network_alone(address: str) -> None:
    """The first 48 bits of 6to4 would be the whole address."""
    assert ask(masking.network("t"), address) == "203.0.113.0/24"


@given(
    # Nobody has an address that begins with a group of zeros, but for :: and ::1.
    number=st.integers(1 << 112, 2**128 - 1)
    | st.builds(lambda high, low: high << 80 | low, st.integers(1 << 32, 2**48 - 1), st.integers(0, 2**16))
    | st.sampled_from([0, 1, 1 << 127, 0xFE80 << 112 | 1, 0x20010DB8 << 96, 0x20010DB8 << 96 | 1 << 80])
)
def test_networks_of_ipv6_in_any_form(number: int) -> None:
    address = ipaddress.IPv6Address(number)
    assume(not address.sixtofour)
    wanted = ipaddress.ip_network(f"{address}/48", strict=False)
    for text in _forms(address):
        found = ask(masking.network("t"), text)
        assert ipaddress.ip_network(found) == wanted, text


def test_one_network_has_one_name() -> None:
    """Grouping by network needs the same text for every address in it."""
    names = {
        ask(masking.network("t"), text)
        for text in ("2001:db8::1", "2001:0db8:0:1::", "2001:DB8:0:2:3:4:5:6", "2001:db8::ffff:1:2")
    }
    assert len(names) == 1


@pytest.mark.parametrize(
    "text",
    [
        "host.example",
        "",
        "1.2.3",
        "1.2.3.4.5",
        "1:2",
        "unix:",
        "a.b.c.d",
        "fe80::1%eth0",
        "::ffff:1.2.3.4",
        ":::::::::",
    ],
)
def test_what_is_no_address_has_no_network_that_shows_it(text: str) -> None:
    found = ask(masking.network("t"), text)
    assert found is None or text not in found


SECRETS = {
    "joe@example.com": ":email", "joe%40example.com": ":email", "203.0.113.9": ":ip", "2001:db8::9": ":ip", "::1": ":ip",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-x_y": ":token", "sk_live_abc123": ":token", "pk_test_x": ":token",
    "ghp_0123456789abcdef0123": ":token", "xoxb-12-34-abc": ":token", "AKIAABCDEFGHIJKLMNOP": ":token",
    "ASIAABCDEFGHIJKLMNOP": ":token",
    "0123456789abcdef0123456789abcdef": ":token", "AIzaSyZQXDdI0hCZtE6vySjMm-WEfRq3CPzqKqs": ":token",
    "2001%3Adb8%3A%3A9": ":ip", "203%2E0%2e113%252E9": ":ip", "joe%2540example.com": ":email",
    "joe\uff20example.com": ":email", "joe\\u0040example.com": ":email", "joe&#64;example.com": ":email",
}  # fmt: skip


@pytest.mark.parametrize(("secret", "word"), SECRETS.items())
def test_secrets_are_cut_out(secret: str, word: str) -> None:
    around = (("", ""), ("/a/", "/b"), ("q=", "&r=1"), ("x ", " y"), ("(", ")"), ("/", "?"))
    shown = redacted([before + secret + after for before, after in around])
    assert shown == [before + word + after for before, after in around]


@pytest.mark.parametrize(
    "text",
    [
        "/", "/products/1234", "/v1.2/items", "/a-b_c/d.html", "q=shoes&page=2", "/2026/03/04/title-of-a-post", "/img/1.2.3/x.png",
        "/jquery-3.7.1.min.js", "utm_source=mail", "/caf\u00e9", "", "/uuid/123e4567-e89b-12d3-a456-426614174000",
    ],
)  # fmt: skip
def test_ordinary_texts_stay(text: str) -> None:
    assert redacted([text])[0] == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/m/mailto:joe@example.com", "/m/mailto::email"), ("/u/https://joe:pass@host.example/p", "/u/https://host.example/p"),
        ("a:203.0.113.9", "a::ip"), ("next=https%3A%2F%2Fhost.example%2F", "next=https%3A%2F%2Fhost.example%2F"),
        ("/std:x", "/std:x"),
    ],
)  # fmt: skip
def test_what_stands_around_a_secret_stays(text: str, shown: str) -> None:
    assert redacted([text])[0] == shown


@settings(max_examples=25)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
def test_no_neighbour_hides_a_secret(text: str) -> None:
    shown = redacted([f"{text}/{secret}/{text}" for secret in SECRETS])
    assert [secret for secret, kept in zip(SECRETS, shown, strict=True) if secret in (kept or "")] == []


NAMES = ("token", "e-mail", "X-Amz-Signature", "sid")


@pytest.mark.parametrize(
    ("query", "masked"),
    [
        ("token=abc", "token=REDACTED"), ("a=1&TOKEN=abc&b=2", "a=1&TOKEN=REDACTED&b=2"), ("a=1;sid=x;b=2", "a=1;sid=REDACTED;b=2"),
        ("e-mail=x%40y", "e-mail=REDACTED"), ("x-amz-signature=00&a", "x-amz-signature=REDACTED&a"), ("token=", "token=REDACTED"),
        ("token=a=b&c=d", "token=REDACTED&c=d"), ("tokens=abc&mytoken=1", "tokens=abc&mytoken=1"), ("token", "token"),
        ("token=a&token=b", "token=REDACTED&token=REDACTED"), ("exmail=1&e.mail=2", "exmail=1&e.mail=2"), ("", ""), (None, None),
        ("/p?token=a&sid=b", "/p?token=REDACTED&sid=REDACTED"),
    ],
)  # fmt: skip
def test_sensitive_parameters(query: str | None, masked: str | None) -> None:
    assert ask(replace_parameters("t", NAMES), query) == masked


def test_names_of_parameters_are_not_patterns() -> None:
    assert ask(replace_parameters("t", ("a.b", "c[d]", "e'f")), "axb=1&a.b=2&c[d]=3&e'f=4") == (
        "axb=1&a.b=REDACTED&c[d]=REDACTED&e'f=REDACTED"
    )


def test_own_identifiers() -> None:
    expression = masking.without("t", ("u", "s"))
    assert ask(expression, "/users/charlotte/x", u="charlotte", s=None) == "/users/:redacted/x"
    assert (
        ask(expression, "/a/sess-12345?charlotte", u="charlotte", s="sess-12345") == "/a/:redacted?:redacted"
    )
    assert ask(expression, "/users/Charlotte/x", u="charlotte", s=None) == "/users/:redacted/x"
    assert ask(expression, "/u/carla.c/x", u="carla.c@mail.example", s=None) == "/u/:redacted/x"
    assert ask(expression, "/a+b.*c/abbc", u="a+b.*c", s=None) == "/:redacted/abbc"
    # Short ones would cut ordinary words to pieces.
    assert ask(expression, "/about/us", u="us", s=None) == "/about/us"
    assert ask(expression, "/about", u=None, s=None) == "/about"
    assert ask(expression, None, u="charlotte", s=None) is None


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("www.example.com", "www.example.com"), ("10.20.30.40", "10.20.30.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("1.2.3", ":ip"), ("sk_live_abc.example", ":token"), (None, None), ("a1.b2.example", "a1.b2.example"),
        ("203.0.113.77.example.com", ":ip.example.com"), ("ip-203-0-113-77.ec2.example", "ip-:ip.ec2.example"), ("1.2.3.4.5", ":ip"),
    ],
)  # fmt: skip
def test_hosts(host: str | None, shown: str | None) -> None:
    assert ask(host_or_network("t"), host) == shown


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "/"), ("/products/1234", "/products/:id"), ("/products/1234/reviews/5", "/products/:id/reviews/:id"),
        ("/1/2/3/4", "/:id/:id/:id/:id"), ("/o/123e4567-e89b-12d3-a456-426614174000", "/o/:uuid"),
        ("/123e4567-e89b-12d3-a456-426614174000/123E4567-E89B-12D3-A456-426614174000/x", "/:uuid/:uuid/x"),
        ("/c/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/c/:hash"), ("/v1/items", "/v1/items"), ("/2x/items", "/2x/items"),
        ("/a1", "/a1"), ("/deadbeef", "/deadbeef"), ("/facade", "/facade"), ("/x/12/", "/x/:id/"), (None, None), ("", ""),
        ("/css/style.1234.css", "/css/style.1234.css"), ("//12//34", "//:id//:id"),
        (f"/{'a1' * 8}/{'b2' * 8}", "/:hash/:hash"),
    ],
)  # fmt: skip
def test_routes(path: str | None, route: str | None) -> None:
    assert ask(urls.route("t"), path) == route


@given(path=st.text(st.sampled_from("/ab019-"), max_size=40))
def test_a_route_is_its_own_route(path: str) -> None:
    once = ask(urls.route("t"), path)
    assert ask(urls.route("t"), once) == once


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("utm_source=mail", "mail"), ("a=1&utm_source=my+list&b=2", "my list"), ("utm_source=a+b@example.com", "a+b@example.com"), ("xutm_source=no", None), ("utm_source=", None),
        ("", None), (None, None), ("utm_source", None),
    ],
)  # fmt: skip
def test_query_parameters(query: str | None, value: str | None) -> None:
    assert ask(urls.query_parameter("t", "utm_source"), query) == value
