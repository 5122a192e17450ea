"""What a contract promises in its slaProperties: how soon an event is in silver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loglode.errors import ContractError

_ELEMENT = "web_logs.event_ts"
_DAYS = frozenset({"d", "day", "days"})


def latency_days(document: Mapping[str, Any]) -> int | None:
    """Days after which an event is late, by ODCS's property `latency`; None where nothing is promised.

    Whole days, since events are counted by day. Raises ContractError for another unit or value.
    """
    promised = document.get("slaProperties") or []
    if not isinstance(promised, list) or not all(isinstance(item, dict) for item in promised):
        raise ContractError(f"slaProperties is {promised!r}", hint="expected a list of properties")
    found = [item for item in promised if item.get("property") == "latency"]
    if not found:
        return None
    value, unit, element = (found[0].get(key) for key in ("value", "unit", "element"))
    if len(found) > 1 or element not in (None, _ELEMENT):
        raise ContractError("latency is promised of something else", hint=f"once, with element {_ELEMENT}")
    if unit not in _DAYS or isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ContractError(f"latency is {value!r} {unit}", hint="a whole number above 0, with unit d")
    return value
