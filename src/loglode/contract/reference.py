"""The field reference, for the command line and the docs."""

from __future__ import annotations

from loglode.contract.model import Contract, Rule


def describe(contract: Contract) -> list[dict[str, str]]:
    """One row a field: name, type, required, classification, masking, aliases, rules, description."""
    return [
        {
            "field": f.name,
            "type": f.sql_type if f.is_stored else f"{f.sql_type} (not stored)",
            "required": "yes" if f.is_required else "no",
            "classification": f.classification,
            "masking": f.masking,
            "aliases": ", ".join(a.name + (f" ({a.unit})" if a.unit else "") for a in f.aliases),
            "rules": "; ".join(_rule(r) for r in f.rules),
            "description": f.description,
        }
        for f in contract.fields
    ]


def _rule(rule: Rule) -> str:
    if rule.kind == "absent":
        others = rule.argument if isinstance(rule.argument, tuple) else ()
        return f"{rule.code} [{rule.severity}] {' and '.join(('absent', *(f'{o} unknown' for o in others)))}"
    argument = ", ".join(rule.argument) if isinstance(rule.argument, tuple) else f"{rule.argument}"
    return f"{rule.code} [{rule.severity}] {rule.kind.replace('_', ' ')} {argument}"
