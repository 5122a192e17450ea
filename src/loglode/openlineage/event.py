"""Events and facets as plain JSON, after https://openlineage.io/spec/2-0-2/OpenLineage.json.

Written here rather than with the official client: its models take 0.4 s to import (see decision 0020).
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from loglode.storage import Location, S3Path
from loglode.version import __version__

Json = dict[str, Any]
Kind = Literal["START", "COMPLETE", "FAIL"]

SPEC = "https://openlineage.io/spec"
EVENT_SCHEMA = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
PRODUCER = f"pkg:generic/loglode@{__version__}"
# Facets by the key under which they stand: version and name of their schema.
_FACETS = {
    "columnLineage": ("1-2-0", "ColumnLineageDatasetFacet"),
    "dataQualityAssertions": ("1-1-0", "DataQualityAssertionsDatasetFacet"),
    "errorMessage": ("1-0-1", "ErrorMessageRunFacet"),
    "inputStatistics": ("1-0-0", "InputStatisticsInputDatasetFacet"),
    "jobType": ("2-0-4", "JobTypeJobFacet"),
    "outputStatistics": ("1-0-2", "OutputStatisticsOutputDatasetFacet"),
    "parent": ("1-2-0", "ParentRunFacet"),
    "processing_engine": ("1-1-1", "ProcessingEngineRunFacet"),
    "schema": ("1-2-0", "SchemaDatasetFacet"),
    "tags": ("1-0-0", "TagsRunFacet"),
    "version": ("1-0-1", "DatasetVersionDatasetFacet"),
}


def facet(key: str, **content: Any) -> Json:
    """{key: facet}, with what every facet carries. What is None is left out."""
    version, name = _FACETS[key]
    told = {name: value for name, value in content.items() if value is not None}
    schema = f"{SPEC}/facets/{version}/{name}.json#/$defs/{name}"
    return {key: {"_producer": PRODUCER, "_schemaURL": schema, **told}}


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset by its name; both parts follow https://openlineage.io/docs/spec/naming."""

    namespace: str
    name: str

    @classmethod
    def at(cls, place: Location) -> Dataset:
        """A table or folder."""
        if isinstance(place, S3Path):
            return cls(f"s3://{place.bucket}", place.key or "/")
        return cls("file", str(place))

    def as_input(self, facets: Json | None = None, *, own: Json | None = None) -> Json:
        """As an input; `own` are facets of this reading alone."""
        return self._told("inputFacets", facets, own)

    def as_output(self, facets: Json | None = None, *, own: Json | None = None) -> Json:
        """As an output; `own` are facets of this writing alone."""
        return self._told("outputFacets", facets, own)

    def _told(self, key: str, facets: Json | None, own: Json | None) -> Json:
        return {"namespace": self.namespace, "name": self.name, "facets": facets or {}, key: own or {}}


def event(
    kind: Kind, run: Json, job: Json, inputs: Sequence[Json] = (), outputs: Sequence[Json] = ()
) -> Json:
    """A run event of this moment."""
    return {
        "eventType": kind,
        "eventTime": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "run": run,
        "job": job,
        "inputs": list(inputs),
        "outputs": list(outputs),
        "producer": PRODUCER,
        "schemaURL": EVENT_SCHEMA,
    }


def new_run_id() -> str:
    """A UUID of version 7, in the order of time (RFC 9562, section 5.7)."""
    now_ms = time.time_ns() // 1_000_000
    number = now_ms << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=number))


def parent_run_id(correlation_id: str) -> str:
    """The run that a correlation id stands for: the id itself where it is a UUID, else one made of it."""
    try:
        return str(uuid.UUID(correlation_id))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"loglode:{correlation_id}"))
