"""The contract's rules as one list, for counts by rule."""

from __future__ import annotations

from dataclasses import dataclass

from loglode.contract import Contract
from loglode.silver.checks import checks


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """A rule as quarantine and warnings name it. Rules of several fields may share a code.

    The field is None for a rule about the line as a whole.
    """

    code: str
    field: str | None
    severity: str
    dimension: str


def rules(contract: Contract) -> list[RuleFacts]:
    """One for each code, in the contract's order."""
    dimensions = {r.code: r.dimension for f in contract.read_fields for r in f.rules}
    found: dict[str, RuleFacts] = {}
    for check in checks(contract):
        is_presence = check.code == f"{check.field}_missing"
        dimension = "completeness" if is_presence else dimensions.get(check.code, "conformity")
        found.setdefault(check.code, RuleFacts(check.code, check.field, check.severity, dimension))
    return list(found.values())
