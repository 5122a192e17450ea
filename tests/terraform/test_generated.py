"""What is made from the code says what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from tests.terraform.conftest import ROOT


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "terraform" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
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
