"""Telling other systems what ran and what it read and wrote: OpenLineage 2-0-2 (https://openlineage.io)."""

from loglode.openlineage.destinations import Destination, destination
from loglode.openlineage.emitter import Emitter

__all__ = ["Destination", "Emitter", "destination"]
