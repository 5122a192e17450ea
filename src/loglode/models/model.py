"""The gold models: SQL files with a header, read from the package in the order they must run.

A header is the leading block of `--` comments: `name: value` lines, where a line indented by two
more spaces carries the value on; `columns:` is followed by one indented `name: description` each.

Relations that the caller provides, and every model may read: see `PROVIDED`.

The text is DuckDB's dialect. sqlglot parses and renders every file for Spark, but these functions
need a hand there, in the engine's one module of differences:

- `epoch_us(t)` comes out unchanged; Spark has `unix_micros(t)`.
- `make_timestamptz(us)` comes out unchanged; Spark has `timestamp_micros(us)`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from typing import Literal, cast

from loglode.errors import ModelError
from loglode.models.held import HELD

Layer = Literal["intermediate", "gold"]
# Relations that an engine builds for a gold run, with their column types: values of the contract, the days
# to compute, and for each batch of `runs` the start of the gold run that first counted it.
INPUTS: Mapping[str, Mapping[str, str]] = {
    "target_days": {"day": "DATE"},
    "settings": {
        "session_gap_seconds": "BIGINT",
        "source_session_gap_seconds": "BIGINT",
        "histogram_gamma": "DOUBLE",
    },
    "goals": {
        "goal": "VARCHAR",
        "method": "VARCHAR",
        "path_pattern": "VARCHAR",
        "min_status": "SMALLINT",
        "max_status": "SMALLINT",
    },
    "gold_starts": {
        "batch_id": "VARCHAR",
        "started_at": "TIMESTAMP WITH TIME ZONE",
        "gold_started_at": "TIMESTAMP WITH TIME ZONE",
    },
}
PROVIDED = frozenset({"web_logs", "quarantine", "runs", *INPUTS, *HELD})
LAYERS: tuple[Layer, ...] = ("intermediate", "gold")
_FIELDS = frozenset({"grain", "keys", "depends", "description", "columns", "materialized", "totals", "grows"})
_REQUIRED = _FIELDS - {"materialized", "totals", "grows"}
_LINE = re.compile(r"(?P<name>[a-z_][a-z0-9_]*):\s*(?P<value>.*)")


@dataclass(frozen=True, slots=True)
class Model:
    """One table: its SELECT and what its header says.

    `depends` are the relations that it reads, `columns` the pairs (name, description) in the order
    of the SELECT. `is_view` asks the caller for a view rather than a table: the model only renames
    and derives, and each of its readers needs a few of its columns. `totals` are columns whose sum over all
    rows is that of silver: its number of rows (`requests`), or the sum of its column of the same name.
    `grows` is for a table that takes the rows of a batch beside those that it holds: the model does not read
    what the table holds.
    """

    name: str
    layer: Layer
    sql: str
    grain: str
    keys: tuple[str, ...]
    depends: tuple[str, ...]
    description: str
    columns: tuple[tuple[str, str], ...]
    is_view: bool = False
    totals: tuple[str, ...] = ()
    grows: bool = False

    @property
    def is_by_batch(self) -> bool:
        """Whether its rows describe batches: runs add rows for new batches instead of recomputing days."""
        return "runs" in self.depends


@cache
def load_models() -> tuple[Model, ...]:
    """Every model of the package, each after those that it reads.

    Raises ModelError when a header is malformed, or models depend on each other in a circle.
    """
    models = [
        parse_model(file.name.removesuffix(".sql"), layer, file.read_text("utf-8"))
        for layer in LAYERS
        for file in (files("loglode.models") / layer).iterdir()
        if file.name.endswith(".sql")
    ]
    return in_order(models)


def parse_model(name: str, layer: Layer, text: str) -> Model:
    """The model in `text`, a header and one SELECT. Raises ModelError for a malformed header."""
    comments, sql = _split(text)
    fields, columns = _header(name, comments)
    if missing := sorted(_REQUIRED - fields.keys()):
        raise _malformed(name, f"the header lacks {', '.join(missing)}")
    if not sql or not columns:
        raise _malformed(name, "the SELECT or the list of its columns is missing")
    keys = _names(fields["keys"])
    totals = _names(fields.get("totals", ""))
    for kind_of, chosen in (("key", keys), ("total", totals)):
        if unknown := [column for column in chosen if column not in dict(columns)]:
            raise _malformed(name, f"the {kind_of} {unknown[0]} is not among the columns")
    grows = fields.get("grows", "false")
    if grows not in ("true", "false"):
        raise _malformed(name, f"grows is {grows!r}, not true or false")
    kind = fields.get("materialized", "table")
    if kind not in ("table", "view"):
        raise _malformed(name, f"materialized is {kind!r}, not table or view")
    return Model(
        name=name,
        layer=layer,
        sql=sql,
        grain=fields["grain"],
        keys=keys,
        depends=_names(fields["depends"]),
        description=fields["description"],
        columns=columns,
        is_view=kind == "view",
        totals=totals,
        grows=grows == "true",
    )


def in_order(models: Iterable[Model]) -> tuple[Model, ...]:
    """The models, each after those that it reads; by layer and name where that leaves a choice.

    Raises ModelError for a relation that nobody provides, two models of one name and for circles.
    """
    by_name: dict[str, Model] = {}
    for model in models:
        if model.name in by_name or model.name in PROVIDED:
            raise _malformed(model.name, "another relation has this name")
        by_name[model.name] = model
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for model in by_name.values():
        if unknown := sorted(set(model.depends) - by_name.keys() - PROVIDED):
            raise _malformed(model.name, f"it depends on {unknown[0]}, which is no model")
        sorter.add(model.name, *(name for name in model.depends if name in by_name))
    return tuple(_drain(sorter, by_name))


def needed(models: Iterable[Model], names: Collection[str]) -> tuple[Model, ...]:
    """The named models and all that they are built from, in the order given."""
    ordered = tuple(models)
    found = set(names)
    for model in reversed(ordered):
        if model.name in found:
            found |= set(model.depends)
    return tuple(model for model in ordered if model.name in found)


def _drain(sorter: TopologicalSorter[str], by_name: Mapping[str, Model]) -> list[Model]:
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " -> ".join(cast("list[str]", error.args[1]))
        raise ModelError(f"models depend on each other in a circle: {circle}") from error
    ordered: list[Model] = []
    while sorter.is_active():
        ready = sorted((by_name[name] for name in sorter.get_ready()), key=_rank)
        ordered.extend(ready)
        sorter.done(*(model.name for model in ready))
    return ordered


def _rank(model: Model) -> tuple[int, str]:
    return LAYERS.index(model.layer), model.name


def _split(text: str) -> tuple[list[str], str]:
    lines = text.splitlines()
    end = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return [line.removeprefix("--").rstrip() for line in lines[:end]], "\n".join(lines[end:]).strip()


def _header(name: str, comments: list[str]) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    """Fields and columns; indented by 1: a field, by 3: a column or a field's next line."""
    fields: dict[str, str] = {}
    columns: dict[str, str] = {}
    into, last = fields, ""
    for line in comments:
        indent = len(line) - len(line.lstrip())
        in_columns = last == "columns" or into is columns
        found = _LINE.fullmatch(line.strip())
        if found and indent == 1:
            into, last = fields, found["name"]
            if last not in _FIELDS:
                raise _malformed(name, f"the header has no field {last}")
        elif found and indent == 3 and in_columns:
            into, last = columns, found["name"]
        elif indent >= 3 and last and last != "columns":
            into[last] += " " + line.strip()
            continue
        else:
            raise _malformed(name, f"the header's line {line.strip()!r} is not understood")
        if last in into:
            raise _malformed(name, f"{last} is given twice")
        into[last] = found["value"]
    return fields, tuple(columns.items())


def _names(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _malformed(name: str, what: str) -> ModelError:
    return ModelError(f"model {name}: {what}", hint=f"see the header of {name}.sql")
