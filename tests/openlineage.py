"""The official schema of OpenLineage, as far as it can be had: made from the official client's models.

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
from datetime import datetime
from functools import cache
from typing import Any

import attr
import jsonschema
from openlineage.client import generated
from openlineage.client.generated import base

Json = dict[str, Any]
# What a map of facets holds, by the class of its values.
_FACETS = (base.RunFacet, base.JobFacet, base.DatasetFacet, base.InputDatasetFacet, base.OutputDatasetFacet)
_PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number"}
# Set by the classes themselves and therefore not among what they ask for.
_ALWAYS = {"_producer", "_schemaURL", "producer", "schemaURL"}
_checker = jsonschema.FormatChecker(formats=())


@_checker.checks("uuid", raises=ValueError)
def _is_uuid(text: object) -> bool:
    return str(uuid.UUID(str(text))) == text


@_checker.checks("date-time", raises=ValueError)
def _is_moment(text: object) -> bool:
    return datetime.fromisoformat(str(text)).tzinfo is not None


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
    schema = _object(base.RunEvent)
    told = [e.message for e in jsonschema.Draft202012Validator(schema, format_checker=_checker).iter_errors(event)]
    if event.get("schemaURL") != base.RunEvent._get_schema():
        told.append(f"schemaURL {event.get('schemaURL')}")
    for facets, kind in _facet_maps(event):
        for key, facet in facets.items():
            told += [f"{key}: {text}" for text in _facet_violations(facet, kind)]
    return told


def _facet_violations(facet: Json, kind: type) -> list[str]:
    found = _classes().get(str(facet.get("_schemaURL")))
    if found is None:
        return [f"no facet at {facet.get('_schemaURL')}"]
    if not issubclass(found, kind):
        return [f"{found.__name__} is no {kind.__name__}"]
    validator = jsonschema.Draft202012Validator(_object(found), format_checker=_checker)
    return [e.message for e in validator.iter_errors(facet)]


def _facet_maps(event: Json) -> list[tuple[Json, type]]:
    maps: list[tuple[Json, type]] = [
        (event["run"].get("facets", {}), base.RunFacet),
        (event["job"].get("facets", {}), base.JobFacet),
    ]
    for key, own, kind in (
        ("inputs", "inputFacets", base.InputDatasetFacet),
        ("outputs", "outputFacets", base.OutputDatasetFacet),
    ):
        for dataset in event.get(key, ()):
            maps += [(dataset.get("facets", {}), base.DatasetFacet), (dataset.get(own, {}), kind)]
    return maps


def _object(model: type) -> Json:
    """JSON schema of a class."""
    hints = typing.get_type_hints(model)
    fields = {a.name: a for a in attr.fields(model)}
    required = {n for n, a in fields.items() if a.default is attr.NOTHING} | (_ALWAYS & fields.keys())
    return {
        "type": "object",
        "properties": {name: _type(hints[name]) | _format(name) for name in fields},
        "required": sorted(required),
        "additionalProperties": False,
    }


def _format(name: str) -> Json:
    return {"runId": {"format": "uuid"}, "eventTime": {"format": "date-time"}}.get(name, {})


def _type(hint: Any) -> Json:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (only,) = [part for part in arguments if part is not type(None)]
        return _type(only)  # what is optional is left out, never null
    if origin is list:
        return {"type": "array", "items": _type(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(arguments[1])}
    if hint is Any or hint in _FACETS:
        return {}  # facets are looked at by their own address
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [member.value for member in hint]}
    if attr.has(hint):
        return _object(hint) if not _is_recursive(hint) else {"type": "object", "required": ["name"]}
    return {"type": _PLAIN[hint]}


def _is_recursive(model: type) -> bool:
    return any(model.__name__ in str(a.type) for a in attr.fields(model))
