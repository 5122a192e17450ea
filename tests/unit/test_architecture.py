"""Imports point one way, libraries stay in their rooms, and nothing grows too long."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "loglode"
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 50

# Which part may import which. Parts are the folders and lone modules of src/loglode.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    # The list of column types, for all who declare or write columns.
    "types": set(),
    "files": {"errors", "storage"},
    # What S3's refusals mean, in whichever client's words.
    "refusals": {"errors"},
    # The SDK of AWS: sessions, secrets and errors; alone imports it.
    "sdk": {"errors", "refusals"},
    # Files and folders, on a disk or on S3.
    "storage": {"errors", "sdk"},
    # Bounds of what an object may cost.
    "limits": {"errors"},
    "contract": {"errors", "types"},
    "settings": {"limits", "contract", "errors", "logs", "openlineage", "storage", "text"},
    # Names alone, for all who emit or watch them.
    "metrics": set(),
    "text": set(),
    "version": set(),
    # What a notebook shows.
    "html": {"text"},
    # What keys look like, for all who must not write one down.
    "tokens": set(),
    # May be used by all that work: keys and lines of logs.
    "logs": {"errors", "text"},
    "sources": {"errors", "storage", "tokens"},
    # Quoting, for all who build SQL.
    "sql": set(),
    "formats": {"contract", "errors", "sources", "sql"},
    # Declarations, for the engines that fill tables and the lake that keeps them.
    "tables": {"types"},
    "lake": {"contract", "errors", "files", "logs", "refusals", "sdk", "storage", "tables", "types"},
    # Text only: the SQL of a contract, the models of the package.
    "silver": {"contract", "errors", "formats", "sources", "tokens", "sql"},
    "models": {"errors"},
    # Text only, too: what the SQL of both says about where columns come from.
    "lineage": {"contract", "errors", "formats", "models", "silver", "sql"},
    # Events for other systems: knows nothing of tables.
    "openlineage": {"errors", "storage", "version"},
    "engines": {
        "limits", "contract", "errors", "files", "formats", "html", "logs", "models", "refusals", "sdk", "silver",
        "sources", "sql",
        "storage", "tables", "text", "types",
    },
    # What a batch is, and what follows from its silver commit.
    "batches": {"contract", "engines", "errors", "formats", "lake", "silver", "sources"},
    # Steps and what they read and wrote, for OpenLineage.
    "telemetry": {
        "batches", "contract", "engines", "errors", "formats", "lake", "lineage", "models", "openlineage", "settings", "sources",
        "storage", "tables",
    },
    # A lake, an engine and the key, opened once for a run.
    "context": {
        "engines", "errors", "files", "lake", "logs", "models", "openlineage", "settings", "silver", "telemetry",
    },
    "loading": {"batches", "context", "engines", "errors", "files", "html", "lake", "sources", "tables"},
    "gold": {
        "batches", "context", "contract", "engines", "errors", "files", "lake", "logs", "metrics", "models", "openlineage",
        "settings", "storage", "tables", "telemetry",
    },
    "reports": {
        "batches", "context", "contract", "engines", "errors", "formats", "gold", "html", "lake", "lineage", "logs", "metrics",
        "models", "settings", "silver", "sources", "sql", "storage", "telemetry", "text", "version",
    },
    "maintenance": {"batches", "context", "engines", "errors", "files", "gold", "html", "lake", "logs", "settings", "storage"},
    # The calls that pass through all layers.
    "pipeline": {
        "batches", "context", "engines", "errors", "files", "formats", "gold", "lake", "loading", "logs", "metrics",
        "settings", "sources", "tables", "telemetry",
    },
    # The pipeline on AWS: executions, manifests, the quality gate, and Glue for the scripts in src/glue_scripts.
    "aws": {
        "batches", "context", "errors", "gold", "lake", "logs", "metrics", "pipeline", "reports", "sdk", "settings",
        "sources", "sql", "storage",
    },
    # The list of all that can be done with a lake.
    "operations": {"aws", "engines", "gold", "loading", "maintenance", "pipeline", "reports"},
    # The same as methods of an object, for programs and for the command line.
    "api": {"engines", "maintenance", "operations", "settings"},
    "cli": {
        "contract", "errors", "formats", "limits", "logs", "metrics", "operations", "text", "version", "",
    },
    "__main__": {"cli"},
    # The package itself: the one call that opens a lake.
    "": {"api", "errors", "settings", "version"},
}  # fmt: skip

# Which part alone may import a library; a library that is not named here may go anywhere.
ROOMS: dict[str, set[str]] = {
    "duckdb": {"engines"},
    "deltalake": {"lake"},
    "click": {"cli"},
    "rich": {"cli"},
    "yaml": {"contract"},
    "open_data_contract_standard": {"contract"},
    "zstandard": {"sources"},
    "boto3": {"sdk", "storage"},
    "botocore": {"sdk"},
    # In names of types alone; a query's result becomes a frame where the user has one of the two installed.
    "pandas": {"engines"},
    "polars": {"engines"},
    "sqlglot": {"contract", "engines", "lineage"},
    "pyspark": {"engines", "aws"},
    "awsglue": {"aws"},
    "openlineage": {"openlineage", "telemetry"},
    "requests": {"openlineage"},
}

MODULES = sorted(SOURCE.rglob("*.py"))


def part_of(module: Path) -> str:
    """The part that a file belongs to."""
    name = module.relative_to(SOURCE).parts[0].removesuffix(".py")
    return "" if name == "__init__" else name


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports here name the whole path"
            base = node.module or ""
            names = (f"{base}.{alias.name}" for alias in node.names)
            yield from ((node.lineno, name) for name in names)


def violations(part: str, tree: ast.AST) -> Iterator[str]:
    """What a module of this part imports and may not."""
    for line, name in imported(tree):
        library, *path = name.split(".")
        if library != "loglode":
            if part not in ROOMS.get(library, {part}):
                yield f"line {line}: {library} in {part or 'the package'}"
            continue
        target = path[0] if path and path[0] in ALLOWED else ""
        if target != part and target not in ALLOWED[part]:
            yield f"line {line}: {part or 'the package'} -> {target or 'the package'}"


def function_lengths(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """(name, lines) of every function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_every_part_is_in_the_table() -> None:
    assert {part_of(module) for module in MODULES} <= ALLOWED.keys()


def test_the_table_has_no_circle() -> None:
    assert len(list(TopologicalSorter(ALLOWED).static_order())) == len(ALLOWED)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_module(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert not list(violations(part_of(module), tree))
    assert len(text.splitlines()) <= MAX_MODULE_LINES
    assert not [(f, size) for f, size in function_lengths(tree) if size > MAX_FUNCTION_LINES]


def bound(tree: ast.Module) -> Iterator[str]:
    """Names that a module binds by functions, classes and imports of names."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


@pytest.mark.parametrize(
    "package", [m for m in MODULES if m.name == "__init__.py"], ids=lambda path: path.parent.name
)
def test_no_name_of_a_package_hides_a_module_of_it(package: Path) -> None:
    modules = {path.stem for path in package.parent.glob("*.py")} | {
        path.parent.name for path in package.parent.glob("*/__init__.py")
    }
    assert not modules.intersection(bound(ast.parse(package.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("lake", "import duckdb"),
        ("loading", "def f():\n    import click"),
        ("silver", "from loglode.pipeline import run"),
        ("contract", "import loglode.lake.table"),
        ("pipeline", "from loglode import cli"),
        ("errors", "from loglode import __version__"),
        ("sources", "import boto3.session"),
    ],
)
def test_what_is_not_allowed_is_seen(part: str, code: str) -> None:
    assert len(list(violations(part, ast.parse(code)))) == 1
