"""What a plan holds, flat."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def resources(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Every resource that the plan makes, of all modules."""
    return [r for r in _below(plan["planned_values"]["root_module"]) if r["mode"] == "managed"]


def _below(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from module.get("resources", ())
    for child in module.get("child_modules", ()):
        yield from _below(child)


def strings(value: Any) -> Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def policies(plan: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Statements by the full name of the role, or of the policy for people, that has them."""
    found = {}
    for r in resources(plan):
        if r["type"] == "aws_iam_role_policy":
            # The one of the stream is no member of the roles' module, and its name is the stream's.
            name = r["values"].get("role") or r["index"]
            found[name] = json.loads(r["values"]["policy"])["Statement"]
        elif r["type"] == "aws_iam_policy":
            found[r["values"]["name"]] = json.loads(r["values"]["policy"])["Statement"]
    return found


def roles(plan: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The same by short names: without the environment's."""
    return {name.split("-", 2)[2]: statements for name, statements in policies(plan).items()}
