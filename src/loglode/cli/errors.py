"""Every way a command can end, as an exit code and at most one line on standard error.

0 done, 1 failed (quietly when the reader of the output has gone), 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Final, TextIO

import click

from loglode import logs
from loglode.cli.output import one_line, write_note
from loglode.errors import LoglodeError

_log = logging.getLogger(__name__)

FAILED: Final = 1
INTERRUPTED: Final = 130
_MORE_MEMORY: Final = "give the process more memory, or lower --memory-mb and --threads"


@dataclass(slots=True)
class State:
    """The options of every command, and whether the user has pressed Ctrl-C."""

    is_debug: bool = False
    log_form: logs.Form | None = None
    log_level: logs.Level | None = None
    is_interrupted: bool = False


class CommandFailedError(LoglodeError):
    """The command has finished and printed its result, and the result counts as a failure."""


def watch_interrupts(state: State) -> None:
    """Record Ctrl-C in the state: the engine turns it into an error of its own."""

    def note(number: int, frame: FrameType | None) -> None:
        state.is_interrupted = True
        signal.default_int_handler(number, frame)

    # A program that was started to ignore it (nohup, a background job) continues to ignore it.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, note)


def guarded(command: Callable[[], object], state: State) -> int:
    """Run a command; returns its exit code. With `state.is_debug` an error shows its traceback."""
    try:
        code = command()
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last net, the only one
        if isinstance(error, OSError):
            _forget(sys.stdout)
        code, message, hint = _ending(KeyboardInterrupt() if state.is_interrupted else error)
        if message:
            _report(error, message, hint, is_debug=state.is_debug)
    return code if isinstance(code, int) else 0


def _ending(error: BaseException) -> tuple[int, str, str]:
    """(exit code, what went wrong, what to do); without a text where nothing is to be printed."""
    match error:
        case CommandFailedError():
            ending = (error.exit_code, "", "")
        case LoglodeError():
            ending = (error.exit_code, error.message, error.hint)
        case click.Abort() | KeyboardInterrupt():
            ending = (
                INTERRUPTED,
                "interrupted",
                "everything committed so far is kept; run the command again to continue",
            )
        case click.ClickException():
            ending = (error.exit_code, error.format_message(), _usage_hint(error))
        case BrokenPipeError():
            ending = (FAILED, "", "")
        case MemoryError():
            ending = (FAILED, "memory did not suffice", _MORE_MEMORY)
        case RuntimeError() if "start new thread" in str(error):
            ending = (FAILED, "the system allows no more threads", _MORE_MEMORY)
        case OSError():
            ending = (FAILED, _os_message(error), "check the path, its permissions and the free space")
        case _:
            what = f"unexpected {type(error).__name__}: {error}"
            ending = (FAILED, what, "run again with --debug and report it")
    return ending


def _report(error: BaseException, message: str, hint: str, *, is_debug: bool) -> None:
    try:
        if logs.is_json():
            details = {"error": type(error).__name__, "hint": one_line(hint)}
            _log.error(one_line(message), extra=details, exc_info=error if is_debug else None)
            return
        if is_debug:
            for line in "".join(traceback.format_exception(error)).splitlines():
                write_note(line)
        write_note(f"error: {one_line(message)}" + (f" — {one_line(hint)}" if hint else ""))
    except OSError:
        _forget(sys.stderr)  # nobody reads it; the exit code remains


def _usage_hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"see `{context.command_path} --help`" if context else ""


def _os_message(error: OSError) -> str:
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    return ": ".join([error.strerror or str(error) or type(error).__name__, *names])


def _forget(stream: TextIO) -> None:
    """Let Python's own flush at exit succeed, although nothing reads the stream any more."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return  # not a file, as in tests
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, descriptor)
    os.close(sink)
