"""A server for OpenLineage events, and the troubles that one may have."""

from __future__ import annotations

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any


class Receiver(ThreadingHTTPServer):
    """A server for events. Those of which `fatal` tells (job, kind) are not taken: who sent them is killed."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.status = 201
        self.fatal: tuple[str, str] | None = None
        self.victim: Queue[int] = Queue()
        self.is_hanging = self.is_dripping = False
        self.release = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/api/v1/lineage"
        self.server.keys.append(self.headers["Authorization"])
        if (event["job"]["name"], event["eventType"]) == self.server.fatal:
            self.server.fatal = None
            os.kill(self.server.victim.get(timeout=60), signal.SIGKILL)
            return
        if self.server.is_hanging:
            self.server.release.wait(60)
            return
        if self.server.is_dripping:
            for byte in b"HTTP/1.1 200 " + 600 * b"O":
                self.wfile.write(bytes([byte]))
                if self.server.release.wait(0.1):
                    return
        if self.server.status < 300:
            self.server.events.append(event)
        self.send_response(self.server.status)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.end_headers()

    def do_GET(self) -> None:
        """Where a redirection leads: nobody should come."""
        self.server.keys.append(f"elsewhere: {self.headers['Authorization']}")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Not into the tests' output."""
