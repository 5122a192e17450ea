"""A proxy before the emulator that lets some requests fail, as a bad day on S3 would; a process of its own.

`python -m tests.helpers.bad_network HOST:PORT SHARE SEED` prints its own port. `GET /bad-network` answers how many
requests came and how many of them failed; `PUT /bad-network` with a share changes it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATH = "/bad-network"
# Refused before anything was done, with S3's own codes; a timeout is one of them, and one of a gateway's.
REFUSALS = {
    "SlowDown": 503,
    "InternalError": 500,
    "ServiceUnavailable": 503,
    "RequestTimeout": 400,
    "gateway": 504,
}
KINDS = (*REFUSALS, "cut", "lost answer", "short body")


class BadNetwork:
    """The proxy as the tests see it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def counts(self) -> tuple[int, int]:
        """Requests, and how many of them failed."""
        with urllib.request.urlopen(self.url + PATH) as answer:  # noqa: S310 - our own server
            seen, failed = json.loads(answer.read())
        return seen, failed

    def fail(self, share: float) -> None:
        """Let this share of the requests fail from now on."""
        request = urllib.request.Request(self.url + PATH, str(share).encode(), method="PUT")  # noqa: S310
        urllib.request.urlopen(request).close()  # noqa: S310


@contextlib.contextmanager
def bad_network(endpoint: str, share: float, seed: int) -> Iterator[BadNetwork]:
    """The proxy before an endpoint."""
    words = [sys.executable, "-m", "tests.helpers.bad_network", endpoint.removeprefix("http://")]
    with subprocess.Popen(
        [*words, str(share), str(seed)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        try:
            yield BadNetwork(int(process.stdout.readline()))
        finally:
            process.terminate()


class _State:
    def __init__(self, host: str, share: float, seed: int) -> None:
        self.host, self.share = host, share
        self.chance, self.lock = random.Random(seed), threading.Lock()
        self.seen = self.failed = 0

    def trouble(self) -> str:
        """What the next request comes to; "" for nothing."""
        with self.lock:
            self.seen += 1
            if self.chance.random() >= self.share:
                return ""
            self.failed += 1
            return self.chance.choice(KINDS)


class _Handler(BaseHTTPRequestHandler):
    """Answers every method in one way: the server looks for `do_<METHOD>`."""

    protocol_version = "HTTP/1.1"
    state: _State

    def __getattr__(self, name: str) -> Callable[[], None]:
        if not name.startswith("do_"):
            raise AttributeError(name)
        return self._handle_any

    def _handle_any(self) -> None:
        body = self._body()
        if self.path == PATH:
            if self.command == "PUT":
                self.state.share = float(body)
            self._answer(200, [], json.dumps([self.state.seen, self.state.failed]).encode())
            return
        trouble = self.state.trouble()
        if trouble in REFUSALS:
            text = f"<Error><Code>{trouble}</Code><Message>on purpose</Message></Error>".encode()
            self._answer(REFUSALS[trouble], [("Content-Type", "application/xml")], text)
        elif trouble == "cut":
            self.close_connection = True
        else:
            self._passed_on(body, trouble)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _passed_on(self, body: bytes, trouble: str) -> None:
        headers = {k: v for k, v in self.headers.items() if k.lower() not in {"transfer-encoding", "expect"}}
        if self.command in {"PUT", "POST"}:
            headers["Content-Length"] = str(len(body))
        with contextlib.closing(http.client.HTTPConnection(self.state.host, timeout=60)) as server:
            server.request(self.command, self.path, body or None, headers)
            answer = server.getresponse()
            data = answer.read()
        if trouble == "lost answer":
            self.close_connection = True
            return
        kept = [
            (k, v) for k, v in answer.getheaders() if k.lower() not in {"connection", "transfer-encoding"}
        ]
        self._answer(answer.status, kept, data, is_short=trouble == "short body")

    def _answer(
        self, status: int, headers: list[tuple[str, str]], data: bytes, *, is_short: bool = False
    ) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers) and status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if is_short else data)
        if is_short:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


def _serve(host: str, share: str, seed: str) -> None:
    _Handler.state = _State(host, float(share), int(seed))
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        print(server.server_address[1], flush=True)  # noqa: T201 - the port is the answer
        server.serve_forever()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
