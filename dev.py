"""Development without a tool to install first: needs Python 3.11 or later, and nothing beside it.

python3 dev.py demo [OPTION...]  generated logs in, metrics out (options go to `loglode demo`)
python3 dev.py test [OPTION...]  the whole test suite (options go to pytest)
python3 dev.py coverage [OPTION...]  the tests with the lines that they reach (options go to pytest)
python3 dev.py mutate [TARGET...]    faults put into the code, to see whether the tests notice (--help)
python3 dev.py check             lint, formatting and types
python3 dev.py bench [OPTION...] the benchmarks in benchmarks/
python3 dev.py lock              renew requirements/*.txt from pyproject.toml
python3 dev.py aws [OPTION...]   the pipeline on AWS, emulated on this machine
python3 dev.py package           what AWS is given: dist/*.whl, dist/glue/*
"""

from __future__ import annotations  # an old Python shall get as far as the message

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = ROOT / "requirements"
# What Glue 5.0 carries and a job leaves as it is, and what is installed beside it.
GLUE_PROVIDES = LOCKS / "glue-provides.txt"
GLUE_LOCK = LOCKS / "glue.txt"
DIST = ROOT / "dist"
KINDS = ("run", "dev")  # the second holds all of the first
# `build` stands in both: installing the package then fetches nothing that is not locked.
# Files of tests run side by side, each file in one process: what it shares is made once.
SPREAD = ("--numprocesses", "auto", "--dist", "loadfile", "--no-loadscope-reorder")
COMPILE = (
    "uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes"
    " --no-emit-index-url --no-emit-find-links --no-annotate --group build"
).split()


class StopError(Exception):
    """Ends the command with one line."""


def main(arguments: list[str]) -> int:
    """Run a command; returns its exit code."""
    commands = {f.__name__: f for f in (demo, test, coverage, mutate, check, bench, lock, package, aws)}
    if not arguments or arguments[0] not in commands:
        sys.stderr.write(__doc__ or "")
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    try:
        if sys.version_info < OLDEST:
            found = ".".join(map(str, sys.version_info[:3]))
            raise StopError(f"Python {found} is too old: 3.11 or later is needed")
        return commands[arguments[0]](arguments[1:])
    except StopError as stop:
        sys.stderr.write(f"error: {stop}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def demo(arguments: list[str]) -> int:
    """`loglode demo` from the locked runtime requirements alone."""
    install("run")
    return run(PYTHON, "-m", "loglode", "demo", *arguments, folder=None)


def test(arguments: list[str]) -> int:
    """The whole suite."""
    install("dev")
    return run(PYTHON, "-m", "pytest", *SPREAD, *arguments)


def coverage(arguments: list[str]) -> int:
    """The suite, and which lines and branches it reaches in all its processes; fails below the threshold."""
    install("dev")
    code = run(PYTHON, "-m", "coverage", "run", "-m", "pytest", *SPREAD, *arguments)
    run(PYTHON, "-m", "coverage", "combine", "--quiet")
    return max(code, run(PYTHON, "-m", "coverage", "report"))


def mutate(arguments: list[str]) -> int:
    """Mutation testing: see tests/mutation.py."""
    install("dev")
    return run(PYTHON, "-m", "tests.mutation", *arguments)


def check(arguments: list[str]) -> int:
    """Everything that looks at the code without running it; goes on after the first complaint."""
    install("dev")
    checks = (["ruff", "check", *arguments], ["ruff", "format", "--check"], ["mypy"])
    return max([run(PYTHON, "-m", *words) for words in checks])


def bench(arguments: list[str]) -> int:
    """The benchmarks; they print ratios."""
    install("dev")
    return run(PYTHON, ROOT / "benchmarks", *arguments)


def lock(arguments: list[str]) -> int:
    """Keeps locked versions that still fit, unless --upgrade is given."""
    install("dev")
    compiler = [PYTHON, "-m", *COMPILE, "--custom-compile-command", "python3 dev.py lock"]
    extras = ["--extra", "aws", "--extra", "openlineage", "--extra", "spark"]
    extra = {
        "run": [],
        "dev": ["--group", "dev", *extras, "--constraint", "requirements/run.txt"],
        # What the functions' image holds: no more than was tested, hence the other lock as constraint.
        "aws": ["--extra", "aws", "--extra", "openlineage", "--constraint", "requirements/dev.txt"],
    }
    codes = []
    for kind, words in extra.items():
        target = f"requirements/{kind}.txt"
        codes.append(run(*compiler, *words, *arguments, "--output-file", target))
    # One platform, and no hashes: Glue's list of modules has no place for them.
    plain = [word for word in compiler if word not in ("--universal", "--generate-hashes")]
    glue = ["requirements/glue.in", "--python-platform", "x86_64-manylinux_2_28", "--constraint"]
    files = [GLUE_PROVIDES.relative_to(ROOT), "--output-file", GLUE_LOCK.relative_to(ROOT)]
    codes.append(run(*plain, *glue, *files, *arguments))
    return max(codes)


def package(arguments: list[str]) -> int:
    """The wheel, the scripts of the Glue jobs, and the modules that Glue has to install for them."""
    if arguments:
        raise StopError("package takes no arguments")
    install("dev")
    shutil.rmtree(DIST, ignore_errors=True)
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    quietly([*pip, "--no-build-isolation", "--wheel-dir", DIST, ROOT])
    shutil.copytree(ROOT / "src" / "glue_scripts", DIST / "glue", ignore=shutil.ignore_patterns("__*"))
    carried = {name for name, _ in pins(GLUE_PROVIDES)} | {"setuptools"}
    modules = [f"{name}=={version}" for name, version in pins(GLUE_LOCK) if name not in carried]
    (DIST / "glue" / "modules.txt").write_text(",".join(modules))
    sys.stdout.writelines(f"{file.relative_to(ROOT)}\n" for file in sorted(DIST.rglob("*.*")))
    return 0


def aws(arguments: list[str]) -> int:
    """Functions, state machine and Glue scripts on an emulator, until Ctrl-C."""
    install("dev")
    words = [str(PYTHON), "-m", "local_aws", *arguments]
    # In place of this process: who ends it ends the emulator.
    os.execve(words[0], words, {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"})  # noqa: S606


def pins(lock_file: Path) -> list[tuple[str, str]]:
    """(name, version) of each line of a lock."""
    lines = [line.split(" ", 1)[0].split("==") for line in lock_file.read_text().splitlines()]
    return [(words[0], words[1]) for words in lines if len(words) == 2 and not words[0].startswith("#")]


def install(kind: str) -> None:
    """Make .venv hold what the lock says and this package; quick when it does already."""
    wanted = fingerprint()
    stamps = {name: VENV / f"installed-{name}" for name in KINDS}
    # What is installed for development serves the demo as well.
    if any(holds(stamps[name], wanted) for name in KINDS[KINDS.index(kind) :]):
        return
    sys.stderr.write(f"preparing {VENV.name} ({kind}), once ...\n")
    make_venv()
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    # What is imported is compiled when it is: compiling all of it takes as long as the rest.
    quietly([*pip, "--no-compile", "--require-hashes", "--requirement", LOCKS / f"{kind}.txt"])
    quietly([*pip, "--no-build-isolation", "--no-deps", "--editable", ROOT])
    stamps[kind].write_text(wanted)


def make_venv() -> None:
    """A fresh environment, unless there is one of this very Python."""
    stamp = VENV / "python"
    if PYTHON.exists() and holds(stamp, sys.version):
        return
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        quietly([sys.executable, "-m", "venv", VENV])
    except StopError as stop:
        hint = "on Debian and Ubuntu: apt install python3-venv"
        raise StopError(f"no virtual environment ({hint}): {stop}") from stop
    stamp.write_text(sys.version)


def fingerprint() -> str:
    """Hash of everything that decides what gets installed, the Python included."""
    files = [ROOT / "pyproject.toml", *(LOCKS / f"{kind}.txt" for kind in KINDS)]
    parts = [sys.version.encode(), str(ROOT).encode(), *(file.read_bytes() for file in files)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def holds(path: Path, text: str) -> bool:
    """Whether the file is there and holds just this."""
    return path.is_file() and path.read_text() == text


def quietly(command: list[object]) -> None:
    """Run a step of the installation; raises StopError with the line that says what went wrong."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines() or ["no reason given"]
        line = [*lines, *(line for line in lines if line.startswith("ERROR: "))][-1].strip()
        hint = " (is the network there?)" if "No matching distribution" in line else ""
        raise StopError(line.removeprefix("ERROR: ") + hint)


def run(*command: object, folder: Path | None = ROOT) -> int:
    """Run a command; returns its exit code."""
    # Without stored bytecode, each of the many processes that tests start compiles what it imports: 0.7 s.
    surroundings = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=folder, env=surroundings, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
