"""What the documents say can be run, and what they point to is there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "benchmarks").glob("*.md")),
]


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("loglode ")]


RUNNABLE = [page for page in PAGES if commands(page)]


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda p: p.name)
def test_commands_of_a_page_run_in_their_order(page: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    loglode = [sys.executable, "-m", "loglode"]

    def run(words: list[str]) -> bytes:
        done = subprocess.run(
            [*loglode, *words], cwd=tmp_path, env=environment, capture_output=True, check=False
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    run(["generate", "--out", "logs", "--events", "2000", "--days", "2"])
    run(["run", "logs", "--lake", "lake"])
    for line in commands(page):
        command, _, target = line.partition(" > ")
        output = run(shlex.split(command)[1:])
        if target:
            (tmp_path / target).write_bytes(output)


WITH_PYTHON = [page for page in PAGES if "```python\n" in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda p: p.name)
def test_python_of_a_page_runs_in_its_order(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", *words]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    made = ["generate", "--out", "logs", "--events", "2000", "--days", "2", "--compression", "gzip"]
    assert run("-m", "loglode", *made).returncode == 0
    done = run("-c", "\n".join(blocks))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_tests_named_in_the_readme_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(named) >= 8
    assert [n for n in named if not (ROOT / n).is_file()] == []


def test_tests_that_prove_what_happens_on_a_failure_exist() -> None:
    """A name may be cut short, by dots; every line of the table names one, or the line before it does."""
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    there = set(re.findall(r"^def (test_\w+)", "\n".join(sources), re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)(?:\.\.\.)?`", page))
    assert len(named) >= 10
    files = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    assert {name for name in named - files if not any(test.startswith(name) for test in there)} == set()
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| ")][2:]
    assert [row[1] for row in rows if not re.search(r"test_|the same|\bSM\b|`tests/", row[3])] == []


def test_every_threat_names_a_test_that_exists() -> None:
    """Or, where no test can prove the defense, a page that explains it."""
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    there = set(re.findall(r"^def (test_\w+)", "\n".join(sources), re.MULTILINE))
    sections = re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    tables = [(title, text) for title, text in sections if "| Threat |" in text]
    assert len(tables) == 6  # one for each kind of attacker
    named: list[str] = []
    for _, text in tables:
        rows = [line.split("|") for line in text.splitlines() if line.startswith("| ")][1:]
        assert rows
        for row in rows:
            tests = re.findall(r"`(test_\w+)`", row[3])
            assert tests or "](" in row[3], row
            named += tests
    assert set(named) - there == set()
    assert len(named) >= 25


@pytest.mark.parametrize(
    ("script", "page"),
    [
        ("build_cli", "reference/cli.md"),
        ("build_dictionary", "data-dictionary.md"),
        ("build_observability", "observability.md"),
        ("build_formats", "formats.md"),
    ],
)
def test_pages_made_from_code_are_current(script: str, page: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import {script} as b; print(b.text(), end='')"],
        cwd=ROOT / "docs",
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (ROOT / "docs" / page).read_text(encoding="utf-8")


def test_the_field_of_the_contract_page_loads(tmp_path: Path) -> None:
    from loglode.contract import load_contract

    page = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
    field = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0]
    built_in = (ROOT / "src/loglode/contract/web_logs.odcs.yaml").read_text(encoding="utf-8")
    indented = "".join(f"      {line}\n" for line in field.splitlines())
    mine = built_in.replace("    properties:\n", f"    properties:\n{indented}", 1)
    path = tmp_path / "mine.odcs.yaml"
    path.write_text(mine, encoding="utf-8")
    tenant = next(f for f in load_contract(path).fields if f.name == "tenant")
    assert tenant.is_required
    assert [r.code for r in tenant.rules] == ["tenant_invalid"]
