"""What statements of IAM allow by action, resource and conditions (AWS's reference of policy elements)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

Statement = Mapping[str, Any]
Context = Mapping[str, str]


def allows(statements: Iterable[Statement], action: str, resource: str, context: Context) -> bool:
    """Whether one allows it and none denies it. Raises ValueError for what is not understood here."""
    effects = {s["Effect"] for s in statements if is_about(s, action, resource, context)}
    return effects == {"Allow"}


def is_about(statement: Statement, action: str, resource: str, context: Context) -> bool:
    """Whether a statement speaks of the call. Raises ValueError for parts and operators not known here."""
    unknown = set(statement) - {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    if unknown:
        raise ValueError(f"not understood: {sorted(unknown)}")
    return (
        # Names of actions know no case, ARNs do.
        any(_pattern(a.lower()).match(action.lower()) for a in listed(statement["Action"]))
        and any(_pattern(r).match(resource) for r in listed(statement["Resource"]))
        and all(
            _holds(operator, context.get(key), listed(wanted))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def listed(value: str | list[str]) -> list[str]:
    """A policy's value that may stand alone or in a list."""
    return [value] if isinstance(value, str) else value


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """`*` is any text and `?` any letter."""
    escaped = re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped + r"\Z", re.DOTALL)


def _holds(operator: str, found: str | None, wanted: list[str]) -> bool:
    if operator not in _OPERATORS:
        raise ValueError(f"not understood: {operator}")
    # A key that the call does not have fits no condition.
    return found is not None and any(_OPERATORS[operator](found, one) for one in wanted)


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda found, wanted: found == wanted,
    "StringLike": lambda found, wanted: bool(_pattern(wanted).match(found)),
    "ArnEquals": lambda found, wanted: bool(_pattern(wanted).match(found)),
    "ArnLike": lambda found, wanted: bool(_pattern(wanted).match(found)),
    "Bool": lambda found, wanted: found.lower() == wanted.lower(),
    "NumericLessThan": lambda found, wanted: float(found) < float(wanted),
}
