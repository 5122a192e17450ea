"""Processes that serve the calls of a function one after the other, as Lambda keeps them warm."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any, cast

ROOT = Path(__file__).resolve().parents[1]
SOURCE, MODULES = ROOT / "src", ROOT / "terraform" / "modules"
_LOOK_SECONDS = 0.05
_PIECE = 1 << 16
_MOST_IDLE = 4
_CHILDREN: set[subprocess.Popen[str]] = set()


class Ended(Exception):  # noqa: N818 - of a process, as Lambda tells it
    """A sandbox that gave no answer and is no more."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


def started(command: list[str], **options: Any) -> subprocess.Popen[str]:
    """A process that ends with the emulator at the latest."""
    process = subprocess.Popen(command, text=True, **options)
    _CHILDREN.add(process)
    return process


def end_all() -> None:
    """No process outlives the emulator."""
    for process in list(_CHILDREN):
        process.kill()


class Sandbox:
    """One process: events go in as lines, and each answer comes back as a line of its own pipe."""

    def __init__(self, handler: str, environment: dict[str, str]) -> None:
        self._printed = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - its log is read after its end
        self._seen = 0
        self._answers, theirs = os.pipe()
        command = [sys.executable, "-m", "local_aws.bootstrap", handler, str(theirs)]
        try:
            self._process = started(
                command, stdin=subprocess.PIPE, stdout=self._printed, stderr=self._printed, env=environment,
                pass_fds=[theirs],
            )  # fmt: skip
        finally:
            os.close(theirs)
        self._events = cast("IO[str]", self._process.stdin)

    def call(self, event: str, seconds: int, memory: int) -> tuple[str, bool]:
        """(answer, whether it is an error). Raises Ended: nothing runs longer or takes more than it may."""
        deadline, told = time.monotonic() + seconds, b""
        self._send(event)
        while not told.endswith(b"\n"):
            if select.select([self._answers], [], [], _LOOK_SECONDS)[0]:
                piece = os.read(self._answers, _PIECE)
                if not piece:
                    raise self._died()
                told += piece
            elif time.monotonic() > deadline:
                raise self._ended("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")
            elif _resident(self._process.pid) > memory:
                raise self._ended("Runtime.OutOfMemory", "Runtime exited with error: signal: killed")
        answer, is_error = json.loads(told)
        return answer, is_error

    def log(self) -> str:
        """What was printed since it was asked last."""
        self._printed.seek(self._seen)
        printed = self._printed.read()
        self._seen += len(printed)
        return printed.decode("utf-8", "backslashreplace")

    def end(self) -> None:
        """It has no more to do: what is still under way is given up."""
        self._process.kill()
        self._process.wait()
        _CHILDREN.discard(self._process)
        with contextlib.suppress(BrokenPipeError):
            self._events.close()
        os.close(self._answers)

    def _send(self, event: str) -> None:
        # Where the process died meanwhile, no answer says so.
        with contextlib.suppress(BrokenPipeError):
            self._events.write(json.dumps(event) + "\n")
            self._events.flush()

    def _died(self) -> Ended:
        code = self._process.wait()
        return self._ended("Runtime.ExitError", f"signal: {-code}" if code < 0 else f"exit status {code}")

    def _ended(self, kind: str, text: str) -> Ended:
        self.end()
        return Ended(kind, text)


class Pool:
    """Sandboxes that wait for a call, by what they were started with; the oldest of too many goes."""

    def __init__(self) -> None:
        self._idle: OrderedDict[str, list[Sandbox]] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, handler: str, environment: dict[str, str]) -> Sandbox:
        """A new one."""
        return Sandbox(handler, environment)

    def take(self, same: str) -> Sandbox | None:
        """One that waits, if there is one."""
        with self._lock:
            waiting = self._idle.get(same)
            found = waiting.pop() if waiting else None
            if not waiting:
                self._idle.pop(same, None)
            return found

    def give_back(self, same: str, sandbox: Sandbox) -> None:
        """Let it wait for its next call."""
        with self._lock:
            self._idle.setdefault(same, []).append(sandbox)
            self._idle.move_to_end(same)
            while sum(map(len, self._idle.values())) > _MOST_IDLE:
                oldest = next(iter(self._idle))
                self._idle[oldest].pop(0).end()
                if not self._idle[oldest]:
                    del self._idle[oldest]


def _resident(pid: int) -> int:
    """Bytes that a process holds; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/statm")
    words = status.read_text(encoding="ascii").split() if status.exists() else []
    return int(words[1]) * os.sysconf("SC_PAGE_SIZE") if words else 0
