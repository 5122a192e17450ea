"""Write each module's README from its variables and outputs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

MODULES = Path(__file__).with_name("modules")
ABOUT = {
    "s3": "The lake's bucket: versioned, encrypted, closed to the public, with a lifecycle for each layer.",
    "key": "The key of the pseudonyms, a secret that stands in no plan and in no state.",
    "iam": "Roles for all that runs and policies for people: a right for each call, and no other.",
    "lambda": "The functions trigger and transform from one image, and the queue between S3 and the trigger.",
    "step_functions": "The state machine, from the very file that the tests execute.",
    "glue": "The catalog from the contract and the models, the jobs, the crawler, and Athena's workgroup.",
    "monitoring": "Alarms, dashboard, topic, budget. What to do then: [runbook](../../../docs/runbook.md).",
    "pipeline": "All of the modules together; the environments differ in what they give it.",
}
_KINDS = "variable|output|resource"
_BLOCK = re.compile(rf'^({_KINDS}) "([^"]+)"(?: "[^"]+")? \{{\n(.*?)^\}}', re.MULTILINE | re.DOTALL)


def text(module: Path) -> str:
    """The module's page."""
    blocks = sorted(b for file in module.glob("*.tf") for b in _BLOCK.findall(file.read_text("utf-8")))
    lines = [f"# {module.name}", "", ABOUT[module.name], ""]
    lines += ["Made by `terraform/build_readmes.py`; a test keeps it current.", ""]
    if made := sorted({name for kind, name, _ in blocks if kind == "resource"}):
        lines += ["Makes " + ", ".join(f"`{name}`" for name in made) + ".", ""]
    lines += ["## Variables", "", "| name | type | default | description |", "|---|---|---|---|"]
    lines += [
        f"| {name} | `{_field(body, 'type')}` | {_default(body)} | {_description(body)} |"
        for kind, name, body in blocks
        if kind == "variable"
    ]
    lines += ["", "## Outputs", "", "| name | description |", "|---|---|"]
    lines += [f"| {name} | {_description(body)} |" for kind, name, body in blocks if kind == "output"]
    return "\n".join(lines) + "\n"


def _field(body: str, name: str) -> str:
    found = re.search(rf"^  {name}\s*= (.*)$", body, re.MULTILINE)
    return found[1] if found else ""


def _default(body: str) -> str:
    default = _field(body, "default")
    return f"`{default}`" if default else "needed"


def _description(body: str) -> str:
    return _field(body, "description").strip('"').replace("|", "\\|")


def pages() -> Iterator[tuple[Path, str]]:
    """(README, what it shall say) of each module."""
    for module in sorted(path for path in MODULES.iterdir() if path.is_dir()):
        yield module / "README.md", text(module)


if __name__ == "__main__":
    for page, content in pages():
        page.write_text(content, encoding="utf-8")
        sys.stdout.write(f"{page}\n")
