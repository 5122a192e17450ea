"""The official client's transports as Loglode sets them up, and one of its own for S3."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from openlineage.client.client import Event
from openlineage.client.serde import Serde
from openlineage.client.transport import Transport
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider
from requests import Session

from loglode.openlineage.destinations import KEY_VARIABLE, Destination
from loglode.storage import S3Path

# Seconds that a server may take to answer.
DEADLINE_SECONDS = 5.0


class S3Transport(Transport):
    """One object an event, below a prefix, by day: the same event is the same object."""

    kind = "s3"

    def __init__(self, root: S3Path) -> None:
        self._root = root

    def emit(self, event: Event) -> None:
        """Write the event. Raises StorageError, UsageError."""
        content = Serde.to_dict(event)
        name = f"{content['run']['runId']}-{content['eventType']}.json"
        (self._root / content["eventTime"][:10] / name).write_bytes(Serde.to_json(content).encode())


def open_transport(destination: Destination) -> Transport:
    """The transport to a destination."""
    place = destination.place
    if isinstance(place, S3Path):
        return S3Transport(place)
    if isinstance(place, Path):
        place.parent.mkdir(parents=True, exist_ok=True)
        return FileTransport(FileConfig(str(place), append=True))
    return HttpTransport(_http(place))


def _http(url: str) -> HttpConfig:
    session = Session()
    # Otherwise the key would travel along to wherever a redirection leads.
    session.max_redirects = 0
    key = os.environ.get(KEY_VARIABLE)
    retry: dict[str, Any] = {"total": 0, "status_forcelist": []}
    return HttpConfig(
        # Without the slash the client would cut the last part of a path off.
        url=f"{url}/",
        timeout=DEADLINE_SECONDS,
        auth=ApiKeyTokenProvider({"api_key": key}) if key else TokenProvider({}),
        session=session,
        retry=retry,
    )
