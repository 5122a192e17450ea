"""What Loglode says while it works: one list of keys, and the lines made of them, wherever it runs.

Modules log to children of the logger `loglode` and name facts by `extra=`, with names of KEYS and no
others: what is not named there is in no line. Entry points say once, by `configure`, where lines go.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, cast, get_args

from loglode.errors import UsageError
from loglode.text import visible

Form = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]
CORRELATION_VARIABLE = "LOGLODE_CORRELATION_ID"
FORM_VARIABLE, LEVEL_VARIABLE = "LOGLODE_LOG_FORMAT", "LOGLODE_LOG_LEVEL"
# Who reads text watches a terminal; who asks for JSON keeps it.
DEFAULT_LEVELS: dict[Form, Level] = {"text": "warning", "json": "info"}
MAX_TEXT: Final = 2_000
"""Characters of a value; names of objects and messages may be as long as strangers like."""


@dataclass(frozen=True, slots=True)
class Key:
    """A member of a line. Without a value it is left out; `is_always` ones always have one."""

    name: str
    type: str
    description: str
    is_always: bool = False


KEYS: Final = (
    Key("timestamp", "string", "When: RFC 3339, UTC, milliseconds.", is_always=True),
    Key("level", "string", "DEBUG, INFO, WARNING or ERROR.", is_always=True),
    Key("service", "string", "Who speaks: `cli`, `trigger`, `transform` or `glue`.", is_always=True),
    Key("message", "string", "What happened; the same words each time, but for errors.", is_always=True),
    Key("correlation_id", "string", "What the trigger called it; on a laptop LOGLODE_CORRELATION_ID."),
    Key("execution_batch", "string", "The state machine's list of objects: `batch_id` of its input."),
    Key("batch_id", "string", "What one commit of silver holds, as in `runs.batch_id`."),
    Key("step", "string", "`trigger`, `bronze_to_silver`, `quality_gate`, `silver_to_gold`, `finish`, "
        "`maintain`, `replay` or `restore`."),
    Key("table", "string", "Name of a table."),
    Key("version", "integer", "The table's version that this is about."),
    Key("counts", "object", "Numbers by name, such as `lines_read`; shares from 0 to 1."),
    Key("object", "string", "URI of an object or path of a file."),
    Key("error", "string", "Class of the error."),
    Key("hint", "string", "What to do about the error."),
    Key("traceback", "string", "Where the error comes from; with --debug alone."),
    Key("xray_trace_id", "string", "The function's trace in X-Ray."),
)  # fmt: skip
NAMES: Final = frozenset(key.name for key in KEYS)

LEVELS: Final[Mapping[Level, str]] = {
    "debug": "what a developer wants to know: commits that were refused and tried again, what tasks did",
    "info": "what was done: batches, commits, days, with their counts",
    "warning": "done, and yet somebody should look: lines above the gate's limit, messages that come back",
    "error": "not done: an object or a step failed",
}

_ROOT: Final = logging.getLogger("loglode")
_ROOT.addHandler(logging.NullHandler())  # who uses the package and asks for no lines gets none
_bound: ContextVar[Mapping[str, str]] = ContextVar("loglode_bound", default={})  # noqa: B039 - never changed


@dataclass(frozen=True, slots=True)
class Way:
    """Where the lines of a process go, with what is said in all of them; may go to another process."""

    service: str
    form: Form
    level: Level
    bound: Mapping[str, str]


@contextlib.contextmanager
def bound(**facts: str) -> Iterator[None]:
    """Say these in every line within; empty ones are not said."""
    token = _bound.set({**_bound.get(), **{name: value for name, value in facts.items() if value}})
    try:
        yield
    finally:
        _bound.reset(token)


def told() -> Mapping[str, str]:
    """What is said in every line just now."""
    return _bound.get()


def configure(service: str, *, form: Form | None = None, level: Level | None = None) -> None:
    """Send lines to standard error: standard output is for results.

    What is not given is taken from the environment, then from defaults. Raises UsageError for a word in
    the environment that is none of those possible.
    """
    chosen = form or cast("Form | None", _word(FORM_VARIABLE, get_args(Form))) or "text"
    wanted = level or cast("Level | None", _word(LEVEL_VARIABLE, get_args(Level))) or DEFAULT_LEVELS[chosen]
    _send(service, chosen, wanted)


def way() -> Way | None:
    """How this process was configured, for those that work for it; None where it was not."""
    for handler in _ROOT.handlers:
        if isinstance(handler, _StandardError):
            level = cast("Level", logging.getLevelName(_ROOT.level).lower())
            return Way(handler.lines.service, handler.lines.form, level, dict(told()))
    return None


@contextlib.contextmanager
def following(other: Way | None) -> Iterator[None]:
    """Speak as another process was configured to. Does nothing for None."""
    if other is None:
        yield
        return
    _send(other.service, other.form, other.level)
    with bound(**other.bound):
        yield


def is_json() -> bool:
    """Whether standard error is for lines of JSON alone."""
    found = way()
    return found is not None and found.form == "json"


def _send(service: str, form: Form, level: Level) -> None:
    for handler in [h for h in _ROOT.handlers if isinstance(h, _StandardError)]:
        _ROOT.removeHandler(handler)
    _ROOT.addHandler(_StandardError(Lines(service, form)))
    _ROOT.setLevel(level.upper())
    _ROOT.propagate = False  # Lambda's runtime has a handler of its own above, which would say it again


def _word(variable: str, possible: tuple[str, ...]) -> str | None:
    text = os.environ.get(variable, "").lower()
    if text and text not in possible:
        raise UsageError(f"{variable} is {text!r}", hint=f"one of {', '.join(possible)}")
    return text or None


class _StandardError(logging.Handler):
    """Writes to what is standard error at that moment: progress bars put their own in its place."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        # Nobody is left to tell; that is no reason to stop the work.
        with contextlib.suppress(OSError):
            sys.stderr.write(self.lines.format(record) + "\n")
            sys.stderr.flush()


class Lines(logging.Formatter):
    """Makes a line of a record, as JSON or for people."""

    def __init__(self, service: str, form: Form) -> None:
        super().__init__()
        self.service = service
        self.form = form

    def format(self, record: logging.LogRecord) -> str:
        facts = self._facts(record)
        if self.form == "json":
            # ASCII: no control character. No spaces: CloudWatch's filters look for "level":"ERROR".
            return json.dumps(facts, separators=(",", ":"), allow_nan=False, default=str)
        return visible(_for_people(facts))

    def _facts(self, record: logging.LogRecord) -> dict[str, Any]:
        known = {**told(), **record.__dict__}
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        known |= {
            "timestamp": moment.replace("+00:00", "Z"),
            "level": record.levelname,
            "service": self.service,
            "message": record.getMessage(),
        }
        if record.exc_info:
            known["traceback"] = self.formatException(record.exc_info)
        return {
            key.name: _cut(known[key.name])
            for key in KEYS
            if known.get(key.name) not in (None, "") or key.is_always
        }


def _cut(value: Any) -> Any:
    return value if not isinstance(value, str) or len(value) <= MAX_TEXT else value[: MAX_TEXT - 1] + "…"


def _for_people(facts: Mapping[str, Any]) -> str:
    """What was said, and in a diary (INFO and below) when and about what."""
    level, message, where = facts["level"], facts["message"], facts.get("object")
    text = f"{where}: {message}" if where and where not in message else message
    if level not in ("DEBUG", "INFO"):
        return f"{level.lower()}: {text}" + (f" — {facts['hint']}" if "hint" in facts else "")
    about = [f"{name}={facts[name]}" for name in ("step", "batch_id", "table", "version") if name in facts]
    about += [f"{name}={value}" for name, value in facts.get("counts", {}).items()]
    return " ".join([facts["timestamp"][11:23], f"{level.lower()}: {text}", *about])
