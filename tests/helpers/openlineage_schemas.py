"""The official JSON schemas of OpenLineage, where a folder of them is given: the specification itself.

The repository OpenLineage/OpenLineage has them under `spec`: OpenLineage.json, and facets/*.json.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource

Json = dict[str, Any]
VARIABLE = "LOGLODE_OPENLINEAGE_SPEC"
# None where no folder is given. Read once: tests begin without the settings of whoever runs them.
FOLDER = Path(os.environ[VARIABLE]) if VARIABLE in os.environ else None


def violations(event: Json, checker: jsonschema.FormatChecker) -> list[str]:
    """What the official schemas do not allow in an event; nothing where no folder is given.

    Every facet is held against the file that its `_schemaURL` names, in the version that the folder has.
    """
    if FOLDER is None:
        return []
    told = [f"event: {text}" for text in _violations(event, event["schemaURL"], checker)]
    for key, facet in facets(event):
        if _file(facet["_schemaURL"]) is not None:
            told += [f"{key}: {text}" for text in _violations(facet, facet["_schemaURL"], checker)]
    return told


def without_file(event: Json) -> set[str]:
    """Facets of an event whose schema the folder lacks."""
    return {key for key, facet in facets(event) if _file(facet["_schemaURL"]) is None}


def facets(event: Json) -> list[tuple[str, Json]]:
    """Every facet of an event, with its key."""
    datasets = [*event["inputs"], *event["outputs"]]
    maps = [event["run"]["facets"], event["job"]["facets"]]
    maps += [d.get(key, {}) for d in datasets for key in ("facets", "inputFacets", "outputFacets")]
    return [item for told in maps for item in told.items()]


def _violations(told: Json, url: str, checker: jsonschema.FormatChecker) -> list[str]:
    validator = jsonschema.Draft202012Validator({"$ref": url}, registry=_registry(), format_checker=checker)
    return [f"{error.json_path} {error.message}" for error in validator.iter_errors(told)]


@cache
def _registry() -> Registry[Any]:
    return Registry(retrieve=_retrieved)  # type: ignore[call-arg]


def _retrieved(url: str) -> Resource[Any]:
    file = _file(url)
    if file is None:
        raise LookupError(url)
    return Resource.from_contents(json.loads(file.read_text("utf-8")))


@cache
def _file(url: str) -> Path | None:
    """The file of a schema: that of its version where the folder has several."""
    where, _, _ = url.partition("#")
    found = sorted((FOLDER or Path()).rglob(where.rpartition("/")[2]))
    exact = [path for path in found if json.loads(path.read_text("utf-8"))["$id"] == where]
    return next(reversed(exact or found), None)
