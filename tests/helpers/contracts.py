"""Contracts with fields of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
import yaml
from sqlglot import exp

from loglode.contract import built_in_names, load_contract
from loglode.formats import FORMATS
from loglode.models.model import load_models
from loglode.silver import MEMOS, memo_texts, rejected_statement, silver_statement
from loglode.silver.canonical import LINE_COLUMNS


def contract_with(path: Path, fields: Iterable[dict[str, Any]]) -> Path:
    """The built-in contract with more fields, declared as in its YAML, as version 2.0.0."""
    text = resources.files("loglode.contract").joinpath("web_logs.odcs.yaml").read_text("utf-8")
    document = yaml.safe_load(text) | {"version": "2.0.0"}
    # Before the first field of the pipeline's own, where nobody expects them.
    document["schema"][0]["properties"][3:3] = list(fields)
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def own_field(name: str, **more: Any) -> dict[str, Any]:
    """A text that is stored as it is, read from the key `own-<name>`."""
    custom = [{"property": "masking", "value": "none"}, {"property": "aliases", "value": [f"own-{name}"]}]
    return {"name": name, "logicalType": "string", "description": "Own.", "customProperties": custom, **more}


def confusable_names() -> list[str]:
    """Names that SQL or any statement of ours uses: keywords that are no names elsewhere, columns, relations, and
    columns that functions over files add."""
    contract = load_contract()
    statements = [model.sql for model in load_models()]
    for fmt in FORMATS.values():
        texts = memo_texts(contract, fmt, frozenset())
        statements += [texts, *(memo.statement(texts) for memo in MEMOS)]
        statements += [make(contract, fmt, frozenset()) for make in (silver_statement, rejected_statement)]
    found = {
        row[0]
        for row in duckdb.execute(
            "select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'"
        ).fetchall()
    }
    found |= {"filename", "file_row_number", "file_index", "lines", "slice", *LINE_COLUMNS}
    # Of the statements that remove duplicates, and of the views of tables.
    found |= set(
        "id file h place is_kept doubles known suspects held_here first_place hive_partitioning".split()
    )
    for sql in statements:
        for node in sqlglot.parse_one(sql, read="duckdb").find_all(exp.Identifier, exp.Alias):
            found |= {node.name, node.name.rpartition(":")[2], node.name.replace(":", "_")}
    usable = {name.lower() for name in found if name.replace("_", "").isalnum() and name[0].isalpha()}
    return sorted(name for name in usable if len(name) <= 63 and name.isascii())


def own_names() -> list[str]:
    """Confusable names that a contract may give to a field of its own."""
    return [name for name in confusable_names() if name not in built_in_names()]
