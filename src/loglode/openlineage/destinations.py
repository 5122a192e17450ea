"""Where events go: a file, an HTTP server, or objects on S3."""

from __future__ import annotations

import fcntl
import functools
import json
import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from loglode.errors import StorageError, UsageError
from loglode.openlineage.event import Json
from loglode.storage import SCHEME, S3Path

VARIABLE = "LOGLODE_OPENLINEAGE"
# Sent as a bearer token; read when it is needed and kept nowhere.
KEY_VARIABLE = "LOGLODE_OPENLINEAGE_API_KEY"
PATH = "/api/v1/lineage"
DEADLINE_SECONDS = 5.0
# Answers after which the same event may be taken later; other 4xx say that it never will.
_TRY_LATER = frozenset({401, 403, 404, 408, 425, 429})


class NotSentError(Exception):
    """An event did not get there; it may later."""


class RefusedError(Exception):
    """The server does not take this event, now or later."""


class Destination(Protocol):
    """Takes events one at a time. The text of one names it and holds no secret."""

    def send(self, event: Json) -> None:
        """Deliver an event. Raises NotSentError, RefusedError."""


def destination(text: str) -> Destination | None:
    """A destination as users write it, None for an empty text. Raises UsageError."""
    if not text:
        return None
    if text.startswith(("http://", "https://")):
        return _server(text)
    if text.startswith(SCHEME):
        return S3Folder(S3Path.parse(text))
    if "://" in text or re.fullmatch(r"[\w.-]+:\d+(/.*)?", text):
        raise UsageError(
            f"events cannot be sent by {text.partition(':')[0]}",
            hint="a file, http://HOST, https://HOST or s3://BUCKET/PREFIX",
        )
    return File(Path(text).absolute())


def _server(text: str) -> Destination:
    if not _is_place(text):
        # Not shown: what stands before an @ or behind a ? may be a password.
        raise UsageError(
            "the server for OpenLineage events is named with no host, or with more than host and path",
            hint=f"https://HOST[:PORT]; a key goes into {KEY_VARIABLE}",
        )
    return Server(text.rstrip("/"))


def _is_place(text: str) -> bool:
    try:
        parts = urlsplit(text)
        is_named = bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is none
        return False
    return is_named and not ("@" in parts.netloc or parts.query or parts.fragment)


@dataclass(frozen=True, slots=True)
class File:
    """NDJSON: one line an event, written at its end in one piece."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def send(self, event: Json) -> None:
        line = _bytes(event) + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                _drop_torn_line(descriptor)
                if os.write(descriptor, line) != len(line):
                    _drop_torn_line(descriptor)
                    raise NotSentError("no space left")
            finally:
                os.close(descriptor)
        except OSError as error:
            raise NotSentError(error.strerror or type(error).__name__) from error


def _drop_torn_line(descriptor: int) -> None:
    """Cut off what a process that died in the middle of a line has left; its event is sent again."""
    end = os.fstat(descriptor).st_size
    while end and os.pread(descriptor, 1, end - 1) != b"\n":
        end -= 1
    os.ftruncate(descriptor, end)


@dataclass(frozen=True, slots=True)
class S3Folder:
    """One object an event, below a prefix, by day: the same event is the same object."""

    root: S3Path

    def __str__(self) -> str:
        return str(self.root)

    def send(self, event: Json) -> None:
        day, run_id = event["eventTime"][:10], event["run"]["runId"]
        try:
            (self.root / day / f"{run_id}-{event['eventType']}.json").write_bytes(_bytes(event))
        except (StorageError, UsageError) as error:
            raise NotSentError(error.message) from error


@dataclass(frozen=True, slots=True)
class Server:
    """POST to an OpenLineage server, such as Marquez or DataHub."""

    url: str

    def __str__(self) -> str:
        return self.url

    def send(self, event: Json) -> None:
        """In a thread, since a server that answers byte by byte could hold up any time limit of sockets."""
        outcome: list[Exception | int] = []
        body = _bytes(event)
        thread = threading.Thread(target=_post, args=(self.url + PATH, body, outcome), daemon=True)
        thread.start()
        thread.join(DEADLINE_SECONDS)
        answer = outcome[0] if outcome else NotSentError(f"no answer in {DEADLINE_SECONDS:g} s")
        if isinstance(answer, Exception):
            raise answer
        if 200 <= answer < 300:
            return
        if 400 <= answer < 500 and answer not in _TRY_LATER:
            raise RefusedError(f"HTTP {answer}")
        raise NotSentError(f"HTTP {answer}")


def _post(url: str, body: bytes, outcome: list[Exception | int]) -> None:
    import urllib.request  # noqa: PLC0415 - slow to import, and few need it
    from http.client import HTTPException  # noqa: PLC0415
    from urllib.error import HTTPError  # noqa: PLC0415

    headers = {"Content-Type": "application/json"}
    if key := os.environ.get(KEY_VARIABLE):
        if not (key.isascii() and key.isprintable()):
            outcome.append(NotSentError(f"{KEY_VARIABLE} holds what no header can, such as a line's end"))
            return
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - http(s), see above
    try:
        with _opener().open(request, timeout=DEADLINE_SECONDS) as answer:
            outcome.append(answer.status)
    except HTTPError as error:
        error.close()
        outcome.append(error.code)
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None)
        outcome.append(NotSentError(_reason(reason if isinstance(reason, OSError) else error)))


def _reason(error: Exception) -> str:
    """What went wrong, without the text of errors that quote what was sent (a key in a header)."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


@functools.cache
def _opener() -> Any:
    """Follows no redirection: the key would go along to wherever it leads."""
    import urllib.request  # noqa: PLC0415 - as above

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any, **__: Any) -> None:
            return None

    return urllib.request.build_opener(Stay)


def _bytes(event: Json) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
