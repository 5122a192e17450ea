"""What a step read and wrote, as OpenLineage datasets: locations, versions, columns, counts."""

from __future__ import annotations

import logging
import os.path
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    data_quality_assertions_dataset,
    dataset_version_dataset,
    input_statistics_input_dataset,
    output_statistics_output_dataset,
    schema_dataset,
)
from openlineage.client.generated.column_lineage_dataset import (
    ColumnLineageDatasetFacet,
    Fields,
    InputField,
    Transformation,
)

from loglode.batches.quality_counts import quality_rows
from loglode.batches.record import BatchRecord, RunRow
from loglode.contract import Contract
from loglode.engines.base import Columns
from loglode.errors import ModelError
from loglode.lake import Lake, Table
from loglode.lineage import Column, Edge, edges, row_columns
from loglode.sources import SourceObject
from loglode.storage import SCHEME, Location, S3Path
from loglode.telemetry.graph import lineage_graph
from loglode.telemetry.steps import Written

# (namespace, name), after https://openlineage.io/docs/spec/naming.
Place = tuple[str, str]
Facets = dict[str, DatasetFacet]

BRONZE, SILVER, QUARANTINE, RUNS = "bronze", "web_logs", "quarantine", "runs"
_log = logging.getLogger("loglode.openlineage")
# Folders by time or by key=value are parts of one dataset, not datasets of their own.
_PARTITION = re.compile(r"[^=]+=.*|[\d._-]+")


def place(root: Location) -> Place:
    """The name of a table or folder."""
    if isinstance(root, S3Path):
        return f"s3://{root.bucket}", root.key or "/"
    return "file", str(root)


def schema(columns: Columns) -> Facets:
    """Columns as (name, SQL type, description); an empty text is left out."""
    fields = [
        schema_dataset.SchemaDatasetFacetFields(name, kind or None, description or None)
        for name, kind, description in columns
    ]
    return {"schema": schema_dataset.SchemaDatasetFacet(list(fields))}


def version_facet(version: int) -> Facets:
    """The version of a Delta table."""
    return {"version": dataset_version_dataset.DatasetVersionDatasetFacet(str(version))}


def bronze(objects: Sequence[SourceObject]) -> Place:
    """The folder that contains all the objects, without parts of its path that name a time or a key."""
    uris = [o.display_uri for o in objects]
    if objects[0].is_stream:
        return "file", "stdin"
    # Two buckets have no folder in common: the first stands for all.
    is_on_s3 = uris[0].startswith(SCHEME)
    bucket = S3Path.parse(uris[0]).bucket if is_on_s3 else ""
    keys = [S3Path.parse(u).key for u in uris if u.startswith(f"{SCHEME}{bucket}/")] if is_on_s3 else uris
    folder = os.path.commonpath([os.path.dirname(key) for key in keys])  # noqa: PTH120 - also of S3 keys
    parts = folder.split("/")
    while len(parts) > 1 and _PARTITION.fullmatch(parts[-1]):
        parts.pop()
    name = "/".join(parts) or "/"
    return (f"s3://{bucket}", name) if is_on_s3 else ("file", name)


def bronze_input(objects: Sequence[SourceObject], run: RunRow | None = None) -> InputDataset:
    """Bronze as a batch will read it, or as its run has read it.

    The size is known only where every object was read.
    """
    count = len(objects) if run is None else run.objects
    read = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
        rowCount=run.lines_read if run else None,
        fileCount=count,
        size=sum(o.size for o in objects) if count == len(objects) else None,
    )
    return InputDataset(*bronze(objects), inputFacets={"inputStatistics": read})


def bronze_columns(contract: Contract, form: str) -> Facets:
    """Fields that lines carry, and what the reader adds to a line where columns are made of it."""
    read = [(f.name, "", f.description) for f in contract.read_fields]
    names = {name for name, _, _ in read}
    lineage = _edges(contract, form, SILVER, (BRONZE,))
    added = {edge.source.name for of_column in lineage.values() for edge in of_column} - names
    return schema((*read, *((name, "", "Not logged: added by the reader.") for name in sorted(added))))


def output(written: Written, lineage: Facets | None = None) -> OutputDataset:
    """A table with what was added to it."""
    facets = schema(written.columns) | (lineage or {})
    if written.version is not None:
        facets |= version_facet(written.version)
    rows = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=written.rows)
    return OutputDataset(*place(written.root), facets=facets, outputFacets={"outputStatistics": rows})


def loaded_tables(lake: Lake, record: BatchRecord, lineage: Facets | None) -> list[OutputDataset]:
    """What a load or replay wrote, from the record of its silver commit."""
    run = record.to_metadata()["run"]
    version = run["silver_version"]
    quality = len(quality_rows(record.to_metadata(), version))
    others = ((lake.quarantine, max(run["lines_quarantined"], 0)), (lake.runs, 1), (lake.quality, quality))
    silver = Written("", lake.silver.root, lake.silver.spec.columns, run["rows_silver"], version)
    return [
        output(silver, lineage),
        *(output(Written("", table.root, table.spec.columns, rows)) for table, rows in others),
    ]


def assertions(contract: Contract, record: BatchRecord) -> dict[str, InputDatasetFacet]:
    """The contract's rules over all days of a batch; `actual` is the number of lines that fail."""
    metadata = record.to_metadata()
    columns = {f.name for f in contract.read_fields}
    sums: dict[str, dict[str, Any]] = {}
    for row in quality_rows(metadata, metadata["run"]["silver_version"]):
        if row["kind"] == "rule":
            total = sums.setdefault(row["rule"], {**row, "checked": 0, "refused": 0, "warned": 0})
            for name in ("checked", "refused", "warned"):
                total[name] += row[name]
    found = [_assertion(total, columns) for total in sums.values()]
    facet = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(found)
    return {"dataQualityAssertions": facet} if found else {}


def _assertion(
    total: Mapping[str, Any], columns: Collection[str]
) -> data_quality_assertions_dataset.Assertion:
    failed = total["refused"] + total["warned"]
    return data_quality_assertions_dataset.Assertion(
        assertion=total["rule"],
        success=failed == 0,
        column=total["field"] if total["field"] in columns else None,
        severity="error" if total["severity"] == "reject" else "warn",
        expected="0",
        actual=str(failed),
        params={name: total[name] for name in ("dimension", "checked", "refused", "warned")},
    )


def gold_inputs(lake: Lake, version: int) -> list[InputDataset]:
    """What the models read; silver in the version that the run has seen."""
    facets = schema(lake.silver.spec.columns) | version_facet(version)
    others = [table_input(table) for table in (lake.quarantine, lake.runs)]
    return [InputDataset(*place(lake.silver.root), facets=facets), *others]


def table_input(table: Table) -> InputDataset:
    """A table as an input, in whatever version it is."""
    return InputDataset(*place(table.root), facets=schema(table.spec.columns))


def gold_output(lake: Lake, written: Written) -> OutputDataset:
    """A gold table with the lineage of its columns."""
    stored = {SILVER: lake.silver, QUARANTINE: lake.quarantine, RUNS: lake.runs}
    places = {relation: place(table.root) for relation, table in stored.items()}
    return output(written, column_lineage(lake.contract, "json", written.name, places))


def column_lineage(contract: Contract, form: str, name: str, places: Mapping[str, Place]) -> Facets:
    """The facet for a table of the lake, against the relations that `places` names."""
    fields = {
        column: Fields([_source(places, edge.source, _direct(edge)) for edge in found])
        for column, found in _edges(contract, form, name, tuple(places)).items()
    }
    filtering = Transformation("INDIRECT", masking=False)
    rows = [_source(places, column, filtering) for column in _row_columns(contract, name, tuple(places))]
    return {"columnLineage": ColumnLineageDatasetFacet(fields, dataset=rows or None)}


def _direct(edge: Edge) -> Transformation:
    return Transformation("DIRECT", subtype=edge.subtype, masking=edge.is_masked)


def _source(places: Mapping[str, Place], column: Column, how: Transformation) -> InputField:
    return InputField(*places[column.relation], column.name, [how])


@cache
def _edges(contract: Contract, form: str, name: str, stored: tuple[str, ...]) -> dict[str, list[Edge]]:
    """Edges of each column that has any. Computed once a process: reading SQL takes a quarter of a second.

    Empty for SQL that cannot be read: what was loaded is loaded all the same.
    """
    graph = lineage_graph(contract, form)
    try:
        found = {column.name: edges(graph, column, stored) for column in graph.columns(name)}
    except ModelError as error:
        facts = {"table": name, "hint": error.hint}
        _log.warning(f"OpenLineage: events contain no column lineage: {error.message}", extra=facts)
        return {}
    return {column: sources for column, sources in found.items() if sources}


@cache
def _row_columns(contract: Contract, name: str, stored: tuple[str, ...]) -> list[Column]:
    graph = lineage_graph(contract, "json")
    return row_columns(graph, name, stored) if graph.is_made(name) else []
