"""How much of each kind of personal data is removed, and that ordinary texts stay. docs/privacy.md cites the shares."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers.canaries import canaries, ordinary, placed
from tests.helpers.redacting import redacted, redacted_in_pairs

from loglode.contract import load_contract
from loglode.contract.personal import PERSONAL_KINDS, personal_kinds
from loglode.errors import ContractError
from loglode.silver.personal import KINDS, MOST

# Short random texts may look like words; every other kind is removed wholly.
LEAST = {"random_22": 0.8, "random_32_hex": 0.95, "random_43": 0.95}


def test_the_corpora_are_large() -> None:
    assert sum(map(len, canaries().values())) >= 400
    assert len(ordinary()) >= 400


@pytest.mark.parametrize("kind", canaries())
def test_share_removed(kind: str) -> None:
    secrets = canaries()[kind]
    texts = [(secret, text) for secret in secrets for text in placed(secret)]
    shown = redacted([text for _, text in texts])
    leaks = [text for (secret, text), kept in zip(texts, shown, strict=True) if kept and secret in kept]
    assert 1 - len(leaks) / len(texts) >= LEAST.get(kind, 1), leaks[:10]


@pytest.mark.parametrize("kind", ["card", "iban", "random_43"])
def test_a_line_of_very_many_is_cut_at_once(kind: str) -> None:
    """One by one they would take time that grows with the square of their number."""
    secrets = [secret for secret in canaries()[kind] if "%" not in secret][:5] * (MOST * 4)
    (shown,) = redacted(["/p?" + "&".join(secrets)])
    assert shown is not None
    assert not any(secret in shown for secret in secrets)
    assert shown.count(":") == len(secrets)


def test_ordinary_texts_stay() -> None:
    texts = ordinary()
    changed = [(text, kept) for text, kept in zip(texts, redacted(texts), strict=True) if kept != text]
    assert not changed


# One valid number of each national id, made up from its rules.
IDS = {
    "be_national_number": "85.07.30-033.28", "br_cpf": "111.444.777-35", "ch_ahv": "756.9217.0769.85",
    "cn_resident_id": "11010519491231002X", "de_steuer_id": "86095742719", "es_dni": "12345678Z",
    "fi_henkilotunnus": "131052-308T", "fr_nir": "255081416802538", "in_pan": "ABCPE1234F",
    "it_codice_fiscale": "RSSMRA85T10A562S", "pl_pesel": "44051401359", "se_personnummer": "811228-9874",
    "uk_nino": "AB123456C", "us_ssn": "123-45-6789",
}  # fmt: skip


@pytest.mark.parametrize(("kind", "number"), IDS.items())
def test_national_ids_can_be_switched(kind: str, number: str) -> None:
    contract = load_contract()
    assert redacted([f"/x/{number}/y"]) == ["/x/:national_id/y"]
    without = dataclasses.replace(contract, personal_data=contract.personal_data - {kind})
    assert redacted([f"/x/{number}/y"], without) == [f"/x/{number}/y"]


@pytest.mark.parametrize("letters", ["a" * 65, "7" * 70_000, "wordsonly" * 10])
def test_what_is_longer_than_any_word_goes(letters: str) -> None:
    assert redacted([f"/x/{letters}/y?q={letters}"]) == ["/x/:token/y?q=:token"]


def test_numbers_with_a_wrong_checksum_stay() -> None:
    texts = [
        "/x/4111111111111112",
        "/x/44051401358",
        "/x/12345678A",
        "/x/86095742718",
        "/x/DE88370400440532013000",
    ]
    assert redacted(texts) == texts


def test_kinds_of_personal_data_are_those_that_can_be_switched() -> None:
    assert set(KINDS) == set(PERSONAL_KINDS)
    assert "uuid" in personal_kinds({"uuid": True}) and "uuid" not in personal_kinds(None)
    for wrong in ({"nothing": True}, {"card": "on"}, ["card"]):
        with pytest.raises(ContractError):
            personal_kinds(wrong)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("E_Mail=x&a=1", "E_Mail=REDACTED&a=1"), ("user[email]=x", "user[email]=REDACTED"),
        ("%65mail=x&a=1", "email=REDACTED&a=1"), ("/p;jsessionid=A", "/p;jsessionid=REDACTED"),
        ("next=%2Fx%3Ftoken%3Dab%2526cd%26b%3D1&z=1", "next=/x?token=REDACTED&b=1&z=1"),
        ("d=%7B%22token%22%3A%22abc%22%2C%22n%22%3A1%7D", 'd={"token":"REDACTED","n":1}'),
    ],
)  # fmt: skip
def test_names_of_parameters_however_they_are_written(text: str, shown: str) -> None:
    assert redacted([text]) == [shown]


# What a pattern may begin or end in, were it to look beyond its text.
_EDGES = [
    None, "", "/a", "q=shoes", "token=", "token=a", "user[email", "a]=b", '{"token":"a', '{"token":[1', "'email':'x", "joe@", "@mail.example",
    '"joe', "https://joe:", "203.0.113", ".9", "2001:db8:", "::9", "-----BEGIN RSA KEY-----", "Bearer ", "a1B2c3", "41111111", "11111111",
    "+49301", "2345678", "52.520008,", "13.404954", "a\x1fb", "a\x1ftoken=b\x1fc", "/x%2Fy", "%40", "caf\u00e9", "DE8937040044053201", "3000", "v1.2.3.4",
    "k=dGhpcy9pcy9hL3Zlcn/lsb25n12", "k=zGhpcy9pcy9hL3Zlcn/lsb25n34", "eyJhbGciOiJIUzI1NiJ9.", "eyJzdWIiOiIxIn0.sig",
    "q7Rt2Zx9Lm4Kp8Vb3Nc6Ws1Yd5Hf0Jg", "joe%2540mail.example", "/logo@2x",
]  # fmt: skip


@settings(max_examples=10)
@given(
    st.lists(
        st.tuples(*[st.text(st.sampled_from("=&@:/.\"'[]{}\\%\x1f 4aZ0+-,"), max_size=12)] * 2), min_size=1
    )
)
def test_pairs_of_texts_are_redacted_as_each_alone(pairs: list[tuple[str, str]]) -> None:
    order = [text for pair in pairs for text in pair]
    assert redacted_in_pairs(order) == redacted(order)


def test_every_pair_of_texts_is_redacted_as_each_alone() -> None:
    order = [text for left in _EDGES for right in _EDGES for text in (left, right)]
    assert redacted_in_pairs(order) == redacted(order)


def test_characters_that_mark_something_here_become_spaces_and_nothing_else() -> None:
    (shown,) = redacted(["/a\x02b\x03c\x1fd?to=someone@example.com"])
    assert shown == "/a b c d?to=:email"
