"""Checks from the contract as SQL: which lines are refused and why, which values are nulled."""

from __future__ import annotations

from dataclasses import dataclass

from loglode.contract import Contract, Field, Rule
from loglode.errors import ContractError
from loglode.formats.durations import UNKNOWN, UNKNOWN_MARK
from loglode.silver.casts import FIRST_MICROS, LAST_MICROS
from loglode.silver.layers import column
from loglode.sql import literal, literals


@dataclass(frozen=True, slots=True)
class Check:
    """`fails` is a boolean expression over `raw:<field>` and `typed:<field>`; null counts as false.

    That of a contract's own predicate uses the typed fields by their plain names.
    """

    field: str
    code: str
    severity: str
    fails: str


def checks(contract: Contract) -> list[Check]:
    """All checks in the contract's order: presence, type, then rules; those of one code are joined."""
    merged: dict[tuple[str, str], Check] = {}
    for field in contract.read_fields:
        for check in _field_checks(field):
            key = (check.field, check.code)
            fails = f"{merged[key].fails} or {check.fails}" if key in merged else check.fails
            merged[key] = Check(check.field, check.code, check.severity, fails)
    return list(merged.values())


def _field_checks(field: Field) -> list[Check]:
    found = []
    if field.is_required:
        found.append(
            Check(field.name, f"{field.name}_missing", "reject", f"{column('raw', field.name)} is null")
        )
    if field.logical_type != "string":
        raw = column("raw", field.name)
        wrong = f"({raw} is not null and {_is_no_value(field)})"
        if any(alias.unit == UNKNOWN for alias in field.aliases):
            has_no_unit = f"ends_with({raw}, {literal(UNKNOWN_MARK)})"
            found.append(Check(field.name, "unit_unknown", "warn", has_no_unit))
            wrong = f"({wrong} and not {has_no_unit})"
        found.append(Check(field.name, f"{field.name}_invalid", field.on_invalid, wrong))
    found.extend(Check(field.name, r.code, r.severity, f"({_violation(field, r)})") for r in field.rules)
    return found


def _is_no_value(field: Field) -> str:
    value = column("typed", field.name)
    if field.logical_type != "timestamp":
        return f"{value} is null"
    return f"({value} is null or {value} not between {FIRST_MICROS} and {LAST_MICROS})"


def _violation(field: Field, rule: Rule) -> str:
    name = column("typed", field.name)
    match rule.kind, rule.argument:
        case "valid_values", tuple() as values:
            return f"{name} not in ({literals(values)})"
        case "pattern", pattern:
            return f"not regexp_full_match({name}, {literal(str(pattern))})"
        case ("minimum" | "maximum") as kind, bound:
            return f"{name} {'<' if kind == 'minimum' else '>'} {_bound(field, bound)}"
        case "max_length", bound:
            return f"length({name}) > {int(float(str(bound)))}"
        case "absent", tuple() as others:
            known = (f" and {column('typed', other)} is null" for other in others)
            return f"{column('raw', field.name)} is null{''.join(known)}"
        case "predicate", predicate:
            return f"not ({predicate})"
    raise ContractError(f"field {name}: rule {rule.code} cannot be checked")


def _bound(field: Field, bound: object) -> str:
    if field.logical_type == "timestamp":
        return f"epoch_us(timestamptz {literal(str(bound))})"
    if isinstance(bound, bool) or not isinstance(bound, int | float):
        raise ContractError(f"field {field.name}: bound {bound!r} is not a number")
    return repr(bound)
