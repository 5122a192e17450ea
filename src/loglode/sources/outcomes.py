"""What became of an object, as a value: exactly one outcome each.

An object is committed as loaded only when all of its bytes were read. Damage that those bytes themselves
prove is data. Every other failure to read leaves the object for the next run, with the error's own class.
"""

from __future__ import annotations

from dataclasses import dataclass

from loglode.errors import (
    AccessDeniedError,
    LoglodeError,
    NoSuchObjectError,
    ObjectChangedError,
    ObjectGoneError,
    OtherStateError,
    SourceError,
    StorageBusyError,
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """All bytes were read. `bytes` are decompressed ones."""

    lines: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Damaged(Loaded):
    """All bytes were read, and they prove the object damaged: what came before the damage is loaded."""

    damage: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Loaded before, by this or another run."""


@dataclass(frozen=True, slots=True)
class Left:
    """Not begun, because there was no time for it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Could not be read; none of it is committed."""

    error: LoglodeError


class Gone(Failed):
    """No longer there, or no longer in the state that was listed."""


class Changed(Gone):
    """Replaced, overwritten or truncated after it was listed; the next run loads its new state."""


class Denied(Failed):
    """Access was denied."""


class Busy(Failed):
    """Throttled, timed out or unreachable; trying later may work."""


CHANGED_HINT = "none of it was loaded; run again to load its present state"
Outcome = Loaded | Skipped | Left | Failed


def failure(error: LoglodeError) -> Failed:
    """The outcome of an object whose reading raised the error."""
    match error:
        case ObjectChangedError():
            return Changed(error)
        case ObjectGoneError():
            return Gone(error)
        case AccessDeniedError():
            return Denied(error)
        case StorageBusyError():
            return Busy(error)
        case _:
            return Failed(error)


def read_error(uri: str, error: OSError | LoglodeError, to: str = "read") -> LoglodeError:
    """What an object's reader raises for an error of the system or of object storage."""
    if isinstance(error, OSError):
        return _system_error(f"cannot {to} {uri}: {error.strerror or error}", error)
    if isinstance(error, OtherStateError):
        return ObjectChangedError(error.message, hint=CHANGED_HINT)
    if isinstance(error, NoSuchObjectError):
        return ObjectGoneError(error.message, hint="it was deleted after it was listed")
    if isinstance(error, SourceError | StorageBusyError | AccessDeniedError):
        return error
    return SourceError(error.message, hint=error.hint)


def _system_error(text: str, error: OSError) -> LoglodeError:
    match error:
        case FileNotFoundError():
            return ObjectGoneError(text, hint="it was deleted after it was listed")
        case PermissionError():
            return AccessDeniedError(text, hint="grant permission to read it, then run again")
        case ConnectionError() | TimeoutError():
            return StorageBusyError(text, hint="check the network, then run again")
        case _:
            return SourceError(text, hint="fix the cause, then run again; none of it was loaded")
