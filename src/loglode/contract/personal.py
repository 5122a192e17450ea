"""Kinds of personal data that a contract may switch on and off."""

from __future__ import annotations

from collections.abc import Mapping

from loglode.errors import ContractError

# Whether each kind is removed where the contract says nothing. One in eleven numbers of nine digits passes
# the test of a BSN, and a UUID may identify a product as well: those two are off.
PERSONAL_KINDS: Mapping[str, bool] = {
    "card": True,
    "iban": True,
    "phone": True,
    "coordinates": True,
    "mac": True,
    "be_national_number": True,
    "br_cpf": True,
    "ch_ahv": True,
    "cn_resident_id": True,
    "de_steuer_id": True,
    "es_dni": True,
    "fi_henkilotunnus": True,
    "fr_nir": True,
    "in_pan": True,
    "it_codice_fiscale": True,
    "mx_curp": True,
    "nl_bsn": False,
    "pl_pesel": True,
    "se_personnummer": True,
    "uk_nino": True,
    "us_ssn": True,
    "uuid": False,
}


def personal_kinds(value: object) -> frozenset[str]:
    """The kinds that are on: the defaults, with what a contract's `personalData` switches.

    Raises ContractError for an unknown kind or a value that is neither true nor false.
    """
    switched = {} if value is None else value
    if not isinstance(switched, dict) or not all(isinstance(is_on, bool) for is_on in switched.values()):
        raise ContractError(f"personalData is {value!r}", hint="write a mapping of kinds to true or false")
    if unknown := sorted(set(map(str, switched)) - PERSONAL_KINDS.keys()):
        raise ContractError(
            f"personalData: unknown kinds: {', '.join(unknown)}", hint=f"kinds: {', '.join(PERSONAL_KINDS)}"
        )
    return frozenset(name for name, is_on in {**PERSONAL_KINDS, **switched}.items() if is_on)
