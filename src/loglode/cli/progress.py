"""Progress bars on standard error, where that is a terminal and no place for JSON; elsewhere nothing."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from loglode import logs

Progress = Callable[[str, int, int], None]
"""Called with a step's name, how much of it is done, and how much there is in all (0: unknown)."""


@contextlib.contextmanager
def progress_bars() -> Iterator[Progress]:
    """A function that shows progress, a bar for each step; the bars vanish at the end."""
    if not sys.stderr.isatty() or logs.is_json():
        yield _silent
        return
    from rich.progress import TaskID

    with _bars() as bars:
        tasks: dict[str, TaskID] = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=None)
            bars.update(tasks[step], completed=done, total=total or None)

        yield show


def _bars() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _silent(step: str, done: int, total: int) -> None:
    del step, done, total
