"""Mutation testing: small faults are put into the package one at a time, and the tests have to notice each.

Run as `python3 dev.py mutate [TARGET...] [--sample N] [--seed S] [--jobs J]`. Every target is copied to
build/mutation/TARGET, where mutmut works: `mutmut show NAME` and `mutmut browse` in that folder explain a result.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.utils.format_utils import get_mutant_name

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "mutation"
COPIED = ("src", "tests", "docs", "local_aws", "terraform", "README.md", "dev.py", "pyproject.toml")
# Texts for people: a test that compared them word by word would only repeat them.
TEXTS = [r"^\s*raise \w+Error\(", r"\bhint=", r"\b_log\."]
# Not a timeout: it may be an endless loop, or a fork that hung, or a machine under load.
KILLED = {"killed", "segfault", "caught by type check"}


@dataclass(frozen=True)
class Target:
    """A folder of code to change, and globs of the tests that are quick and know it best."""

    code: str
    tests: tuple[str, ...]


TARGETS = {
    "contract": Target(
        "src/loglode/contract", ("tests/unit/test_contract*.py", "tests/lake/test_contract*.py")
    ),
    "silver": Target(
        "src/loglode/silver",
        (
            "tests/unit/test_agents.py", "tests/unit/test_casts.py", "tests/unit/test_masking.py",
            "tests/unit/test_silver*.py", "tests/unit/test_contract*.py", "tests/lake/test_silver*.py",
            "tests/lake/test_contract*.py", "tests/lake/test_hostile_values.py", "tests/lake/test_samples.py",
        ),
    ),
    "formats": Target(
        "src/loglode/formats",
        ("tests/unit/test_formats*.py", "tests/unit/test_detection.py", "tests/lake/test_samples.py"),
    ),
    "sources": Target(
        "src/loglode/sources",
        (
            "tests/unit/test_lines.py", "tests/unit/test_records.py", "tests/unit/test_sources*.py",
            "tests/lake/test_vanishing_files.py", "tests/lake/test_samples.py",
        ),
    ),
    "lake": Target(
        "src/loglode/lake",
        (
            "tests/unit/test_lake*.py", "tests/lake/test_history.py", "tests/lake/test_restore.py",
            "tests/lake/test_exactly_once.py", "tests/lake/test_maintain.py", "tests/lake/test_concurrency.py",
        ),
    ),
    "batches": Target(
        "src/loglode/batches",
        (
            "tests/unit/test_batches*.py", "tests/lake/test_exactly_once.py", "tests/lake/test_quality.py",
            "tests/lake/test_replay.py", "tests/lake/test_samples.py",
        ),
    ),
    "loading": Target(
        "src/loglode/loading",
        (
            "tests/lake/test_exactly_once.py", "tests/lake/test_replay.py", "tests/lake/test_samples.py",
            "tests/lake/test_vanishing_files.py",
        ),
    ),
    "gold": Target(
        "src/loglode/gold",
        ("tests/lake/test_incremental_gold.py", "tests/lake/test_gold*.py", "tests/lake/test_restore.py"),
    ),
    "functions": Target("src/lambda_functions", ("tests/aws/test_lambda*.py", "tests/aws/test_trigger*.py")),
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Run the targets one after the other; returns 0 unless mutmut itself fails."""
    parser = argparse.ArgumentParser(prog="dev.py mutate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"any of {', '.join(TARGETS)}; all if none"
    )
    parser.add_argument(
        "--sample", type=int, metavar="N", help="only N mutants of each target, drawn by chance"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants tested side by side")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.targets) - TARGETS.keys():
        parser.error(f"unknown target {', '.join(sorted(unknown))}")
    codes = [
        mutate(name, TARGETS[name], sample=chosen.sample, seed=chosen.seed, jobs=chosen.jobs)
        for name in chosen.targets or TARGETS
    ]
    return max(codes)


def mutate(name: str, target: Target, *, sample: int | None, seed: int, jobs: int) -> int:
    """Run mutmut on a copy; prints the share of killed mutants and the names of the others."""
    folder = WORK / name
    tests = sorted(str(path.relative_to(ROOT)) for glob in target.tests for path in ROOT.glob(glob))
    code = sorted((ROOT / target.code).rglob("*.py"))
    prepare(folder, code, tests)
    names = sorted(name for path in code for name in mutants(folder, path.relative_to(ROOT)))
    words = [] if sample is None else random.Random(seed).sample(names, min(sample, len(names)))
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    mutmut = [sys.executable, "-m", "mutmut"]
    done = subprocess.run(
        [*mutmut, "run", "--max-children", str(jobs), *words], cwd=folder, env=environment, check=False
    )
    if done.returncode:
        return done.returncode
    text = subprocess.run(
        [*mutmut, "results", "--all", "true"],
        cwd=folder, env=environment, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    report(name, len(names), dict(re.findall(r"^\s*(\S+): (.+)$", text, re.MULTILINE)), set(words))
    return 0


def prepare(folder: Path, code: list[Path], tests: list[str]) -> None:
    """A fresh copy of the project, with mutmut's settings in its pyproject.toml."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for part in COPIED:
        source = ROOT / part
        if source.is_dir():
            left_out = shutil.ignore_patterns("__pycache__", ".terraform*", "*.egg-info")
            shutil.copytree(source, folder / part, ignore=left_out)
        else:
            shutil.copy(source, folder)
    settings = {
        "source_paths": ["src"],
        "only_mutate": [str(path.relative_to(ROOT)) for path in code],
        "also_copy": [part for part in COPIED if part not in {"src", "tests", "pyproject.toml"}],
        "do_not_mutate_patterns": TEXTS,
        "pytest_add_cli_args_test_selection": tests,
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-m", "not slow and not kill"],
        # Threads of DuckDB and Arrow do not survive a fork: the process that is forked has run and collected no test.
        "process_isolation": "forkserver",
        "forkserver_warmup": "none",
    }
    # JSON's texts and lists are TOML's too.
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as stream:
        stream.write("\n[tool.mutmut]\n" + "\n".join(lines) + "\n")


def mutants(folder: Path, path: Path) -> list[str]:
    """Names of all mutants of a file."""
    before = Path.cwd()
    os.chdir(folder)  # mutmut reads its settings here
    try:
        made = mutate_file_contents(str(path), path.read_text("utf-8"))
    finally:
        os.chdir(before)
    return [get_mutant_name(path, name) for name in made.mutant_names]


def report(target: str, count: int, results: dict[str, str], chosen: set[str]) -> None:
    """One line of numbers, and each mutant that was not noticed."""
    states = {name: state for name, state in results.items() if not chosen or name in chosen}
    tally = Counter(states.values())
    killed = sum(number for state, number in tally.items() if state in KILLED)
    share = 100 * killed / max(1, len(states))
    shown = ", ".join(f"{number} {state}" for state, number in tally.most_common())
    sys.stdout.write(f"\n{target}: {share:.1f} % of {len(states)} killed (of {count} mutants): {shown}\n")
    sys.stdout.writelines(
        f"  {name}: {state}\n" for name, state in sorted(states.items()) if state not in KILLED
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
