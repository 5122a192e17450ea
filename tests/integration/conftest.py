"""What the tests of whole lakes share: a place for them, and logs with every kind of trouble."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tests.tools import changed_contract

from loglode.generate import GenerateSpec, generate


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Where a lake may be made."""
    return tmp_path / "lake"


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Six files, three days, two servers: 3,000 lines, broken and re-sent ones among them."""
    folder = tmp_path_factory.mktemp("logs")
    generate(
        GenerateSpec(
            out=folder, events=3000, days=3, start=date(2026, 3, 9), seed=11, files=6,
            broken_share=0.02, duplicate_share=0.02,
        )
    )  # fmt: skip
    return sorted(path for path in folder.iterdir() if path.suffix == ".json" and path.name[0] != "_")


@pytest.fixture
def laxer_contract(tmp_path: Path) -> Path:
    """The built-in contract, next version, with one method more."""
    return changed_contract(tmp_path / "laxer.yaml", {"validValues: [GET,": "validValues: [PROBE, GET,"})
