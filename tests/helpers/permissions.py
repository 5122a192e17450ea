"""Reads the permissions page: which role may call what, and whether a test saw it do so."""

from __future__ import annotations

import re

from tests.helpers.terraform import ROOT

TABLES = "silver, quarantine, gold, ops"
# (role, action, folder of the bucket); other services' lines are about all that they name: "".
Triple = tuple[str, str, str]


def page() -> dict[Triple, str]:
    """Each line of the page, and who was seen to make the call; what is listed in a line is lines of its own."""
    text = (ROOT / "docs/permissions.md").read_text(encoding="utf-8")
    line = r"^\| ([a-z, -]+) \| (\w+:[\w:, ]+) \| (.+?) \| .+? \| (run|call|none) \|$"
    return {
        (role, action, folder): seen
        for roles, actions, on, seen in re.findall(line, text, re.MULTILINE)
        for role in roles.split(", ")
        for action in actions.split(", ")
        for folder in _folders(action, on)
    }


def _folders(action: str, on: str) -> list[str]:
    if not action.startswith("s3:"):
        return [""]
    return ["" if name == "the bucket" else name for name in on.replace("tables", TABLES).split(", ")]
