"""What a step read and wrote, as OpenLineage tells datasets: places, versions, columns, counts."""

from __future__ import annotations

import logging
import os.path
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from loglode.batches.quality_counts import quality_rows
from loglode.contract import Contract
from loglode.engines.base import Columns
from loglode.errors import ModelError
from loglode.lake import Lake, Table
from loglode.openlineage.event import Dataset, Json, facet
from loglode.sources import SourceObject
from loglode.storage import SCHEME, S3Path
from loglode.telemetry.graph import lineage_graph

BRONZE, SILVER, QUARANTINE, RUNS = "bronze", "web_logs", "quarantine", "runs"
_log = logging.getLogger("loglode.openlineage")
# Folders by time or by key=value are parts of one dataset, not datasets of their own.
_PARTITION = re.compile(r"[^=]+=.*|[\d._-]+")


@dataclass(frozen=True, slots=True)
class Written:
    """What a commit has put into a table; without a version, what follows from another's commit."""

    name: str
    place: Dataset
    columns: Columns
    rows: int
    version: int | None = None

    def told(self, column_lineage: Json | None = None) -> Json:
        """As an output."""
        facets = schema(self.columns) | (column_lineage or {})
        if self.version is not None:
            facets |= version_facet(self.version)
        return self.place.as_output(facets, own=facet("outputStatistics", rowCount=self.rows))


def schema(columns: Columns) -> Json:
    """Columns as (name, SQL type, description); an empty text is left out."""
    keys = ("name", "type", "description")
    told = [{key: text for key, text in zip(keys, column, strict=True) if text} for column in columns]
    return facet("schema", fields=told)


def version_facet(version: int) -> Json:
    """The version of a Delta table."""
    return facet("version", datasetVersion=str(version))


def bronze(objects: Sequence[SourceObject]) -> Dataset:
    """The folder that all the objects lie in, without parts of its path that name a time or a key."""
    uris = [o.display_uri for o in objects]
    if objects[0].is_stream:
        return Dataset("file", "stdin")
    # Two buckets have no folder in common: the first stands for all.
    is_on_s3 = uris[0].startswith(SCHEME)
    bucket = S3Path.parse(uris[0]).bucket if is_on_s3 else ""
    keys = [S3Path.parse(u).key for u in uris if u.startswith(f"{SCHEME}{bucket}/")] if is_on_s3 else uris
    folder = os.path.commonpath([os.path.dirname(key) for key in keys])  # noqa: PTH120 - also of S3 keys
    parts = folder.split("/")
    while len(parts) > 1 and _PARTITION.fullmatch(parts[-1]):
        parts.pop()
    name = "/".join(parts) or "/"
    return Dataset(f"s3://{bucket}", name) if is_on_s3 else Dataset("file", name)


def _bronze_columns(contract: Contract, form: str) -> Columns:
    """Fields that lines carry, and what the reader adds to a line where columns are made of it."""
    read = [(f.name, "", f.description) for f in contract.read_fields]
    names = {name for name, _, _ in read}
    lineage = _edges(contract, form, SILVER, (BRONZE,))
    added = {edge.source.name for of_column in lineage.values() for edge in of_column} - names
    return (*read, *((name, "", "Not logged: added by the reader.") for name in sorted(added)))


def loaded(
    lake: Lake, source: Json, form: str, record: Mapping[str, Any], version: int
) -> tuple[list[Json], list[Json]]:
    """(inputs, outputs) of a load or replay, from the metadata of its silver commit.

    `source` is the one input as its START told it; of a replay it is quarantine.
    """
    run, contract = record["run"], lake.contract
    place = Dataset(source["namespace"], source["name"])
    own: Json = source["inputFacets"]
    if statistics := own.get("inputStatistics"):
        own = own | {"inputStatistics": _read(statistics, run)}
    facets, lineage = source["facets"], None
    if run["kind"] == "load":
        lineage = column_lineage(contract, form, SILVER, {BRONZE: place})
        facets = schema(_bronze_columns(contract, form))
    quality = quality_rows(record, version)
    if assertions := _assertions(quality, {f.name for f in contract.read_fields}):
        own = own | facet("dataQualityAssertions", assertions=assertions)
    outputs = [_written(lake.silver, run["rows_silver"], version).told(lineage)]
    refused = max(run["lines_quarantined"], 0)
    for table, rows in ((lake.quarantine, refused), (lake.runs, 1), (lake.quality, len(quality))):
        outputs.append(_written(table, rows).told())
    return [place.as_input(facets, own=own)], outputs


def _read(statistics: Json, run: Mapping[str, Any]) -> Json:
    """What was read of the objects that START named; their size is known where all of them were read."""
    read = statistics | {"fileCount": run["objects"], "rowCount": run["lines_read"]}
    if read["fileCount"] != statistics["fileCount"]:
        del read["size"]
    return read


def _written(table: Table, rows: int, version: int | None = None) -> Written:
    return Written(table.spec.name, Dataset.at(table.root), table.spec.columns, rows, version)


def _assertions(quality: Iterable[Mapping[str, Any]], columns: Collection[str]) -> list[Json]:
    """Rules over all days of a batch; `actual` is the number of lines that fail."""
    sums: dict[str, dict[str, Any]] = {}
    for row in quality:
        if row["kind"] == "rule":
            told = sums.setdefault(row["rule"], {**row, "checked": 0, "refused": 0, "warned": 0})
            for name in ("checked", "refused", "warned"):
                told[name] += row[name]
    return [_assertion(told, columns) for told in sums.values()]


def _assertion(told: Mapping[str, Any], columns: Collection[str]) -> Json:
    failed = told["refused"] + told["warned"]
    field = {"column": told["field"]} if told["field"] in columns else {}
    return {
        "assertion": told["rule"],
        "success": failed == 0,
        **field,
        "severity": "error" if told["severity"] == "reject" else "warn",
        "expected": "0",
        "actual": str(failed),
        "params": {name: told[name] for name in ("dimension", "checked", "refused", "warned")},
    }


def gold_inputs(lake: Lake, version: int) -> list[Json]:
    """What the models read; silver in the version that the run has seen."""
    silver = schema(lake.silver.spec.columns) | version_facet(version)
    others = [table_input(table) for table in (lake.quarantine, lake.runs)]
    return [Dataset.at(lake.silver.root).as_input(silver), *others]


def table_input(table: Table) -> Json:
    """A table as an input, in whatever version it is."""
    return Dataset.at(table.root).as_input(schema(table.spec.columns))


def gold_output(lake: Lake, written: Written, name: str) -> Json:
    """A gold table with the lineage of its columns."""
    stored = {SILVER: lake.silver, QUARANTINE: lake.quarantine, RUNS: lake.runs}
    places = {relation: Dataset.at(table.root) for relation, table in stored.items()}
    return written.told(column_lineage(lake.contract, "json", name, places))


def column_lineage(contract: Contract, form: str, name: str, places: Mapping[str, Dataset]) -> Json:
    """The facet for a table of the lake, against the relations that `places` names."""
    fields = {}
    for column, edges in _edges(contract, form, name, tuple(places)).items():
        told = [
            {
                **_field(places[edge.source.relation], edge.source.name),
                "transformations": [{"type": "DIRECT", "subtype": edge.subtype, "masking": edge.is_masked}],
            }
            for edge in edges
        ]
        fields[column] = {"inputFields": told}
    rows = [
        {**_field(places[c.relation], c.name), "transformations": [{"type": "INDIRECT", "masking": False}]}
        for c in _row_columns(contract, name, tuple(places))
    ]
    return facet("columnLineage", fields=fields, dataset=rows or None)


def _field(place: Dataset, name: str) -> Json:
    return {"namespace": place.namespace, "name": place.name, "field": name}


@cache
def _edges(contract: Contract, form: str, name: str, stored: tuple[str, ...]) -> dict[str, list[Any]]:
    """Edges of each column that has any. Told once a process: reading SQL takes a quarter of a second.

    None of SQL that cannot be read: what was loaded is loaded all the same.
    """
    from loglode.lineage import edges  # noqa: PLC0415 - imports a parser that few need

    graph = lineage_graph(contract, form)
    try:
        found = {column.name: edges(graph, column, stored) for column in graph.columns(name)}
    except ModelError as error:
        facts = {"table": name, "hint": error.hint}
        _log.warning(f"OpenLineage: no columns are told: {error.message}", extra=facts)
        return {}
    return {column: told for column, told in found.items() if told}


@cache
def _row_columns(contract: Contract, name: str, stored: tuple[str, ...]) -> list[Any]:
    from loglode.lineage import row_columns  # noqa: PLC0415 - as above

    graph = lineage_graph(contract, "json")
    return row_columns(graph, name, stored) if graph.is_made(name) else []
