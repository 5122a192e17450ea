"""Write docs/data-dictionary.md from the contract, the tables' declarations and the models' headers."""

from __future__ import annotations

import sys
from pathlib import Path

from loglode.contract import describe, load_contract
from loglode.models.model import load_models
from loglode.tables import QUALITY, QUARANTINE, RUNS

TARGET = Path(__file__).with_name("data-dictionary.md")


def text() -> str:
    """The whole page."""
    parts = ["# Data dictionary", "", "Made by `docs/build_dictionary.py`; a test keeps it current.", ""]
    parts += ["## web_logs (silver)", ""]
    parts += ["One row per request. Fields that are not stored are read to work others out.", ""]
    fields = describe(load_contract())
    parts += table(("field", "type", "required", "masking", "rules", "description"), fields)
    parts += ["", "### Names under which logs may carry a field", ""]
    parts += table(("field", "aliases"), [f for f in fields if f["aliases"]])
    for spec in (QUARANTINE, RUNS, QUALITY):
        parts += ["", f"## {spec.name}", "", spec.description, ""]
        rows = [{"column": name, "type": kind, "description": what} for name, kind, what in spec.columns]
        parts += table(("column", "type", "description"), rows)
    for model in (m for m in load_models() if m.layer == "gold"):
        parts += ["", f"## {model.name} (gold)", "", f"{model.description} Grain: {model.grain}."]
        parts += [f"Keys: {', '.join(model.keys)}.", ""]
        rows = [{"column": name, "description": what} for name, what in model.columns]
        parts += table(("column", "description"), rows)
    return "\n".join(parts) + "\n"


def table(columns: tuple[str, ...], rows: list[dict[str, str]]) -> list[str]:
    """A Markdown table; bars in values are escaped."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return lines + [f"| {' | '.join(row[c].replace('|', chr(92) + '|') for c in columns)} |" for row in rows]


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{TARGET}\n")
