"""What Glue is asked to install: all that the package needs, and nothing that Glue carries itself."""

from __future__ import annotations

import tomllib
from pathlib import Path

import dev
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_a_job_has_all_that_the_package_needs_and_keeps_what_glue_carries() -> None:
    carried, locked = dict(dev.pins(dev.GLUE_PROVIDES)), dict(dev.pins(dev.GLUE_LOCK))
    for text in (*PROJECT["dependencies"], "sqlglot>=26"):
        wanted = Requirement(text)
        version = (carried | locked).get(wanted.name)
        assert version is not None and wanted.specifier.contains(version), text
    assert {name: locked[name] for name in carried.keys() & locked.keys()} == {
        name: carried[name] for name in carried.keys() & locked.keys()
    }
