"""The schema of OpenLineage as the official client's models have it, and the official files where they are given.

No package carries the JSON schemas themselves. The client's classes are generated from them, one for each
object, with the address of its schema, names, types and what is required; from the classes the same schema is made
here. It is stricter in one point: a name that the specification does not know is refused.
"""

from __future__ import annotations

import enum
import importlib
import pkgutil
import types
import typing
import uuid
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import attr
import jsonschema
from openlineage.client import generated
from openlineage.client.generated import base
from tests.helpers import openlineage_schemas

Json = dict[str, Any]
Event = Json
# What a map of facets holds, by the class of its values.
_FACETS = (base.RunFacet, base.JobFacet, base.DatasetFacet, base.InputDatasetFacet, base.OutputDatasetFacet)
_PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number"}
# Set by the classes themselves and therefore not among what they ask for.
_ALWAYS = {"_producer", "_schemaURL", "producer", "schemaURL"}
_FORMATS = {"runId": {"format": "uuid"}, "eventTime": {"format": "date-time"}}
_checker = jsonschema.FormatChecker(formats=())


@_checker.checks("uuid", raises=ValueError)
def _is_uuid(text: object) -> bool:
    return str(uuid.UUID(str(text))) == text


@_checker.checks("date-time", raises=ValueError)
def _is_moment(text: object) -> bool:
    return datetime.fromisoformat(str(text)).tzinfo is not None


@_checker.checks("uri", raises=ValueError)
def _is_uri(text: object) -> bool:
    parts = urlsplit(str(text))
    return bool(parts.scheme and (parts.netloc or parts.path)) and not set(str(text)) & set(' <>"{}|\\^`')


@cache
def _classes() -> dict[str, type]:
    """Every class of the specification by the address of its schema."""
    found: dict[str, type] = {}
    for module in pkgutil.iter_modules(generated.__path__):
        held = vars(importlib.import_module(f"{generated.__name__}.{module.name}"))
        for item in held.values():
            if attr.has(item) and hasattr(item, "_get_schema"):
                found.setdefault(item._get_schema(), item)
    return found


def violations(event: Json) -> list[str]:
    """What the specification does not allow in a run event."""
    told = _violations(event, base.RunEvent)
    if event.get("schemaURL") != base.RunEvent._get_schema():
        told.append(f"schemaURL {event.get('schemaURL')}")
    for facets, kind in _facet_maps(event):
        for key, facet in facets.items():
            found = _classes().get(str(facet.get("_schemaURL")))
            if found is None or not issubclass(found, kind):
                told.append(f"{key}: no {kind.__name__} at {facet.get('_schemaURL')}")
            else:
                told += [f"{key}: {text}" for text in _violations(facet, found)]
    return told + openlineage_schemas.violations(event, _checker)


def _violations(told: Json, model: type) -> list[str]:
    validator = jsonschema.Draft202012Validator(_schema(model), format_checker=_checker)
    return [error.message for error in validator.iter_errors(told)]


def _facet_maps(event: Json) -> Iterator[tuple[Json, type]]:
    """Each map of facets with the kind of facet that may stand there."""
    yield event["run"].get("facets", {}), base.RunFacet
    yield event["job"].get("facets", {}), base.JobFacet
    for key, own, kind in (
        ("inputs", "inputFacets", base.InputDatasetFacet),
        ("outputs", "outputFacets", base.OutputDatasetFacet),
    ):
        for dataset in event.get(key, ()):
            yield dataset.get("facets", {}), base.DatasetFacet
            yield dataset.get(own, {}), kind


@cache
def _schema(model: type) -> Json:
    """JSON schema of a class and of all that it holds."""
    definitions: dict[str, Json] = {}
    return {**_type(model, definitions), "$defs": definitions}


def _type(hint: Any, definitions: dict[str, Json]) -> Json:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (only,) = [part for part in arguments if part is not type(None)]
        return _type(only, definitions)  # what is optional is left out, never null
    if origin is list:
        return {"type": "array", "items": _type(arguments[0], definitions)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(arguments[1], definitions)}
    if hint is Any or hint in _FACETS:
        return {}  # a facet is looked at by its own address
    if issubclass(hint, enum.Enum):
        return {"enum": [member.value for member in hint]}
    return _reference(hint, definitions) if attr.has(hint) else {"type": _PLAIN[hint]}


def _reference(model: type, definitions: dict[str, Json]) -> Json:
    name = f"{model.__module__}.{model.__name__}"
    if name not in definitions:
        definitions[name] = {}  # classes may hold themselves
        hints, fields = typing.get_type_hints(model), attr.fields_dict(model)
        required = {n for n, a in fields.items() if a.default is attr.NOTHING} | (_ALWAYS & fields.keys())
        definitions[name] = {
            "type": "object",
            "properties": {n: _type(hints[n], definitions) | _FORMATS.get(n, {}) for n in fields},
            "required": sorted(required),
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{name}"}


def checked(events: list[Event]) -> list[Event]:
    """The same events, each of which the specification allows."""
    assert [text for event in events for text in violations(event)] == []
    return events


def kinds(events: list[Event], job: str = "") -> list[tuple[str, str]]:
    """Pairs of START and end, one a run, in the order of the runs."""
    runs: dict[str, list[str]] = {}
    for event in events:
        if job in ("", event["job"]["name"]):
            runs.setdefault(event["run"]["runId"], []).append(event["eventType"])
    assert all(len(run) == 2 for run in runs.values()), runs
    return [(first, second) for first, second in runs.values()]
