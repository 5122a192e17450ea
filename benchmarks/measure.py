"""Whole processes, measured by the operating system's own account of each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

LOGLODE = [sys.executable, "-m", "loglode"]


@dataclass(frozen=True, slots=True)
class Measured:
    """Wall seconds, CPU seconds (all threads) and the largest resident size in MiB."""

    wall: float
    cpu: float
    peak_mib: float

    def __str__(self) -> str:
        return f"{self.wall:7.2f} s wall {self.cpu:7.2f} s cpu {self.peak_mib:6.0f} MiB"


def measure(command: list[str], *, cwd: Path | None = None) -> Measured:
    """Run a command to its end; its output is dropped. Raises CalledProcessError."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(runs: list[Measured]) -> Measured:
    """The run in the middle by wall time."""
    return sorted(runs, key=lambda m: m.wall)[len(runs) // 2]


def generate(out: Path, *options: str) -> None:
    """Generated logs in a folder."""
    subprocess.run([*LOGLODE, "generate", "--out", str(out), *options], check=True, stdout=subprocess.DEVNULL)
