"""What is made from the code says what the code says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from tests.helpers.terraform import ROOT


def script(name: str, folder: str = "terraform") -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / folder / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_catalog_is_what_the_contract_and_the_models_make() -> None:
    wanted = script("build_catalog").text()
    assert (ROOT / "terraform/catalog.json").read_text() == wanted, "run terraform/build_catalog.py"


READMES = list(script("build_readmes").pages())


@pytest.mark.parametrize(("page", "wanted"), READMES, ids=[page.parent.name for page, _ in READMES])
def test_readme_is_what_the_module_says(page: Path, wanted: str) -> None:
    assert page.read_text() == wanted, "run terraform/build_readmes.py"
    assert "|  |" not in wanted, "a variable or output without type or description"


def test_the_runbook_is_what_the_alarms_say() -> None:
    assert (ROOT / "docs/runbook.md").read_text() == script("build_runbook", "docs").text(), (
        "run docs/build_runbook.py"
    )


def test_costs_are_what_their_arithmetic_says() -> None:
    cost = script("build_cost", "docs")
    assert (ROOT / "docs/cost.md").read_text() == cost.text(), "run docs/build_cost.py"
    # More data costs more, and what is idle computes nothing.
    totals = [cost.month(gb, 288, is_glue=False).total for gb in (0.001, 1, 10, 100)]
    assert totals == sorted(totals)
    assert cost.month(0, 0, is_glue=False).costs["Lambda"] == 0
    assert cost.month(0, 0, is_glue=True).costs["Glue"] == 0
    # One alarm more costs its price more, one on an expected value three times as much.
    alarms, _ = cost.watching()
    declared = yaml.safe_load(cost.ALARMS.read_text("utf-8"))
    assert alarms == len(declared) + 2 * sum(a.get("unit") == "deviations" for a in declared.values())
