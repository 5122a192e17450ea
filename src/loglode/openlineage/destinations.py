"""Where OpenLineage events go: a file, an HTTP server, or objects on S3. Needs no client to be installed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from loglode.errors import UsageError
from loglode.storage import SCHEME, S3Path

VARIABLE = "LOGLODE_OPENLINEAGE"
# Sent as a bearer token; read when it is needed and stored nowhere.
KEY_VARIABLE = "LOGLODE_OPENLINEAGE_API_KEY"


@dataclass(frozen=True, slots=True)
class Destination:
    """A file, a folder on S3, or the URL of a server. Its text names it and contains no secret."""

    place: Path | S3Path | str

    def __str__(self) -> str:
        return str(self.place)


def destination(text: str) -> Destination | None:
    """Parse a destination as users write it; None for an empty text.

    Raises UsageError for anything else, and where the client that sends events is not installed.
    """
    if not text:
        return None
    found = Destination(_place(text))
    if find_spec("openlineage") is None:
        raise UsageError(
            "sending OpenLineage events needs the package openlineage-python, which is not installed",
            hint="pip install 'loglode[openlineage]'",
        )
    return found


def _place(text: str) -> Path | S3Path | str:
    if text.startswith(("http://", "https://")):
        return _server(text)
    if text.startswith(SCHEME):
        return S3Path.parse(text)
    if "://" in text or re.fullmatch(r"[\w.-]+:\d+(/.*)?", text):
        raise UsageError(
            f"cannot send OpenLineage events by {text.partition(':')[0]}",
            hint="a file, http://HOST, https://HOST or s3://BUCKET/PREFIX",
        )
    return Path(text).absolute()


def _server(text: str) -> str:
    if not _is_host_and_path(text):
        # The text is not shown: a part before an @ or behind a ? may be a password.
        raise UsageError(
            "the URL of the server for OpenLineage events has no host, or more than host and path",
            hint=f"https://HOST[:PORT]; a key goes into {KEY_VARIABLE}",
        )
    key = os.environ.get(KEY_VARIABLE, "")
    if not key.isascii() or (key and not key.isprintable()):
        raise UsageError(
            f"{KEY_VARIABLE} contains a character that no HTTP header can hold, such as a line break",
            hint="set it to the key alone",
        )
    return text.rstrip("/")


def _is_host_and_path(text: str) -> bool:
    try:
        parts = urlsplit(text)
        is_named = bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is not a number
        return False
    return is_named and not ("@" in parts.netloc or parts.query or parts.fragment)
