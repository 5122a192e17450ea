"""Requests that reach the emulator, of every client: the SDK, DuckDB, deltalake."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from typing import Any

# In the process of the emulator: every answer is noted, but those to questions about the notes.
CODE = """
import collections, json
from moto.moto_server import werkzeug_app
NOTES = []
class Noting:
    def __init__(self, *args, **named):
        self.app = werkzeug_app.DomainDispatcherApplication(*args, **named)
    def __call__(self, environ, start):
        if environ["PATH_INFO"] == "/requests":
            found = json.dumps(NOTES).encode()
            NOTES.clear()
            start("200 OK", [("Content-Length", str(len(found)))])
            return [found]
        NOTES.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"]))
        return self.app(environ, start)
from moto import server
server.DomainDispatcherApplication = Noting
"""


def noted(endpoint: str) -> list[tuple[str, str, str]]:
    """(method, path, query) of the requests to a bucket since the last call."""
    with urllib.request.urlopen(f"{endpoint}/requests") as answer:  # noqa: S310 - our own server
        found: list[Any] = json.loads(answer.read())
    return [(method, path, query) for method, path, query in found if path.strip("/")]


def counted(endpoint: str) -> Counter[str]:
    """Requests since the last call by method; a listing is a LIST, not a GET."""
    return Counter("LIST" if "list-type=2" in query else method for method, _, query in noted(endpoint))
