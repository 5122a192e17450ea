"""How the tests are laid out: shared code lives in `tests/helpers`, and no test module is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
KINDS = {"unit", "lake", "engines", "aws", "terraform", "docs"}
MODULES = sorted(TESTS.rglob("*.py"))


def imported_tests(tree: ast.AST) -> Iterator[str]:
    """Names of modules of the tests that are imported, the helpers excepted."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.split(".")[0] == "tests" and name.split(".")[1] != "helpers":
                yield name


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(TESTS)))
def test_only_helpers_are_imported(module: Path) -> None:
    assert not list(imported_tests(ast.parse(module.read_text(encoding="utf-8"))))


def test_an_import_of_a_test_module_is_found() -> None:
    code = (
        "import tests.lake.test_kill\nfrom tests.aws.test_s3 import put\nfrom tests.helpers.lakes import load"
    )
    assert list(imported_tests(ast.parse(code))) == ["tests.lake.test_kill", "tests.aws.test_s3.put"]


def test_every_test_module_is_of_a_kind() -> None:
    found = {path.relative_to(TESTS).parts[0] for path in MODULES if path.name.startswith("test_")}
    assert found == KINDS


def test_helpers_hold_no_tests() -> None:
    assert not list((TESTS / "helpers").rglob("test_*.py"))
