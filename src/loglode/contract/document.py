"""An ODCS document as plain data, and whether the standard takes it."""

from __future__ import annotations

import re
from typing import Any

import yaml

from loglode.errors import ContractError

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\x00")


def to_document(text: str) -> dict[str, Any]:
    """The mapping that a YAML text holds, with what every contract must have. Raises ContractError."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C loader is ten times faster
    try:
        data = yaml.load(text, Loader=loader)  # noqa: S506 - both are safe loaders
    except (yaml.YAMLError, RecursionError) as error:
        raise ContractError("not YAML: " + " ".join(str(error).split())) from error
    if _NUL.search(repr(data)):  # which knows how to show what holds itself
        raise ContractError("a text in it holds NUL", hint="take it out: SQL has no such text")
    if not isinstance(data, dict):
        raise ContractError("not a mapping", hint="start from `loglode contract show --yaml`")
    missing = [key for key in ("version", "apiVersion", "kind", "id", "status") if not data.get(key)]
    if missing:
        raise ContractError(f"required keys are missing: {', '.join(missing)}")
    if not str(data["apiVersion"]).startswith("v3."):
        raise ContractError(f"apiVersion is {data['apiVersion']!r}", hint="expected ODCS v3.1.0")
    return data


def check_standard(data: dict[str, Any]) -> None:
    """Raise ContractError for what the standard's own model refuses.

    It takes as long to import as all else at start, so the package's contract, which a test checks, is
    spared it.
    """
    from open_data_contract_standard.model import OpenDataContractStandard  # noqa: PLC0415
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        OpenDataContractStandard.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ContractError(f"not valid ODCS at {where}: {first['msg']}") from error
