"""What a user's contract must keep of the built-in one: gold and reconciliation read these fields."""

from __future__ import annotations

from collections.abc import Iterator

from loglode.contract.model import Contract, Field
from loglode.errors import ContractError


def check_complete(contract: Contract, built_in: Contract) -> None:
    """A contract adds fields and changes rules.

    Raises ContractError where it takes away or changes a field that the pipeline itself works with.
    """
    own = {f.name: f for f in contract.fields}
    lost = sorted({f.name for f in built_in.fields} - own.keys())
    if lost:
        raise ContractError(
            f"fields that the pipeline needs are missing: {', '.join(lost)}",
            hint="start from `loglode contract show --yaml` and add to it",
        )
    for field in built_in.fields:
        for what, given, needed in _differences(own[field.name], field):
            raise ContractError(
                f"field {field.name}: {what} is {given}, but Loglode's own tables need {needed}",
                hint="leave the built-in field as it is, and declare a field of your own under another name",
            )


def _differences(own: Field, built_in: Field) -> Iterator[tuple[str, object, object]]:
    compared = {
        "logicalType": (own.logical_type, built_in.logical_type),
        "type": (own.sql_type, built_in.sql_type),
        "derived": (own.derived, built_in.derived),
        "partitioned": (own.is_partition, built_in.is_partition),
        "stored": (own.is_stored or not built_in.is_stored, True),
    }
    return ((what, given, needed) for what, (given, needed) in compared.items() if given != needed)
