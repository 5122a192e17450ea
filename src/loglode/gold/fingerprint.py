"""Fingerprints: what decides the content of a gold table, as one number per table."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from loglode.contract import Contract, built_in_names
from loglode.engines.provided import goal_rows, settings_row
from loglode.models.model import INPUTS, Model, load_models, needed
from loglode.tables import QUARANTINE, RUNS

# Raise it when code outside the models changes what gold tables contain: every lake then rebuilds them.
REVISION = 1
_BITS = 32
_WORD = re.compile(r"\w+")


@cache
def fingerprints(contract: Contract) -> Mapping[str, int]:
    """Fingerprint of each gold table under a contract.

    Covers the SQL of the table's model and of all models below it, the types of the columns that they read,
    and the settings and goals that they use. Comments and descriptions do not count, and neither does the
    engine, because both compute the same rows.
    """
    models = load_models()
    return {model.name: _number(_facts(models, model, contract)) for model in models if model.layer == "gold"}


def _facts(models: tuple[Model, ...], model: Model, contract: Contract) -> dict[str, Any]:
    used = needed(models, {model.name})
    sql = {m.name: _without_comments(m.sql) for m in used}
    words = {word for text in sql.values() for word in _WORD.findall(text)}
    inputs = {name for m in used for name in m.depends}
    tables = {
        "web_logs": {f.name: f.sql_type for f in contract.stored_fields if f.name in built_in_names()},
        **{spec.name: {n: t for n, t, _ in spec.columns} for spec in (QUARANTINE, RUNS)},
        **INPUTS,
    }
    settings = dict(zip(INPUTS["settings"], settings_row(contract), strict=True))
    return {
        "revision": REVISION,
        "sql": sql,
        "types": {
            name: {column: kind for column, kind in columns.items() if column in words}
            for name, columns in tables.items()
            if name in inputs
        },
        "settings": {name: value for name, value in settings.items() if name in words},
        "goals": sorted(json.dumps(row) for row in goal_rows(contract)) if "goals" in inputs else [],
    }


def _without_comments(sql: str) -> str:
    return "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--"))


def _number(facts: dict[str, Any]) -> int:
    text = json.dumps(facts, sort_keys=True)
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % ((1 << _BITS) - 1) + 1
