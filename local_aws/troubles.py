"""TROUBLES: answers that AWS gives on bad days and the emulator never would, put in front of it as HTTP.

`PUT /local-aws/troubles` takes a list of them and forgets those before; `GET` tells how often each came
about. Clients, their retries and what follows are the real ones: throttling is a 503 on the wire.
"""

from __future__ import annotations

import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from moto.moto_server import threaded_moto_server

from local_aws.patching import wrap

PATH = "/local-aws/troubles"
_ROUND_SECONDS = 0.05
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(eq=False)
class Trouble:
    """What requests of a kind are answered: a refusal, some times; or nothing, as long as it `holds`.

    method, path and body are regular expressions; path is bucket and key, or the API's own; before the body
    stands the name of the action.
    """

    method: str = ""
    path: str = ""
    body: str = ""
    status: int = 503
    code: str = "SlowDown"
    times: int = 1_000_000
    holds: bool = False
    count: int = 0

    def fits(self, method: str, path: str, body: str) -> bool:
        """Whether the request is one of its kind, and it has not come about often enough."""
        asked = ((self.method, method), (self.path, path), (self.body, body))
        return self.count < self.times and all(re.search(wanted, given) for wanted, given in asked)


def patch() -> None:
    """Put the troubles before the emulator."""
    wrap(threaded_moto_server, "DomainDispatcherApplication", lambda make: lambda app: Troubles(make(app)))


class Troubles:
    """The emulator behind the troubles of the moment."""

    def __init__(self, app: Wsgi) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._troubles: list[Trouble] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path == PATH:
            return self._told(environ, start)
        trouble = self._of(environ, method, path) if self._troubles else None
        if trouble is None:
            return self._app(environ, start)
        if not trouble.holds:
            return _refused(trouble, environ, start)
        while trouble in self._troubles:
            time.sleep(_ROUND_SECONDS)
        return self._app(environ, start)

    def _told(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with self._lock:
            if environ["REQUEST_METHOD"] == "PUT":
                self._troubles = [Trouble(**words) for words in json.loads(_body(environ))]
            text = json.dumps([trouble.count for trouble in self._troubles]).encode()
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
        return [text]

    def _of(self, environ: dict[str, Any], method: str, path: str) -> Trouble | None:
        # S3's bodies are large, and nothing in them tells what is asked.
        is_s3 = "/s3/" in environ.get("HTTP_AUTHORIZATION", "")
        body = "" if is_s3 else environ.get("HTTP_X_AMZ_TARGET", "") + _body(environ).decode(errors="replace")
        with self._lock:
            found = next((t for t in self._troubles if t.fits(method, path, body)), None)
            if found:
                found.count += 1
        return found


def _body(environ: dict[str, Any]) -> bytes:
    """The request's body, which stays to be read once more."""
    body = bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _refused(trouble: Trouble, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """The answer in the words of the protocol that was spoken: XML's errors or JSON's."""
    _body(environ)  # what is sent is taken first, as a server does that keeps the connection
    xml = f"<Error><Code>{escape(trouble.code)}</Code><Message>a trouble put in</Message></Error>"
    kind = environ.get("CONTENT_TYPE", "")
    if "/s3/" in environ.get("HTTP_AUTHORIZATION", ""):
        text = xml
    elif "urlencoded" in kind:
        text = f"<ErrorResponse>{xml}</ErrorResponse>"
    else:
        text = json.dumps({"__type": trouble.code, "message": "a trouble put in"})
    headers = [
        ("Content-Length", str(len(text))),
        ("x-amzn-errortype", trouble.code),
        ("x-amzn-requestid", "0"),
    ]
    start(f"{trouble.status} Trouble", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [text.encode()]
