"""Every error that Loglode raises on purpose.

LoglodeError                 something went wrong; the message names it, the hint says what to do
├── UsageError               the call itself is wrong (exit code 2)
│   ├── ContractError        a data contract is malformed or contradicts itself
│   └── SourceNotFoundError  a source names no file
├── SourceError              an object cannot be read
│   ├── LimitError           it exceeds a limit, such as that of decompressed bytes
│   └── ObjectGoneError      it is gone, or no longer in the state that was listed
│       └── ObjectChangedError   it is in another state, or changed while it was read
│           └── ObjectGrownError text was appended while it was read
├── ModelError               a gold model's header or SQL is malformed
├── QueryError               a user's SQL is refused by the engine
├── StorageError             object storage or a secret cannot be reached, or holds no such thing
│   ├── StorageBusyError     throttled, timed out or unreachable; trying later may work
│   │   └── CredentialsExpiredError  temporary credentials ran out; new ones may work
│   ├── AccessDeniedError    credentials are missing or not allowed to
│   └── NoSuchObjectError    there is no such bucket, key or version
│       └── OtherStateError  the object is no longer in the state that was requested
├── LakeError                a table is missing, damaged or not ours
│   ├── SchemaMismatchError  a table's columns contradict their declaration
│   ├── KeyMismatchError     the pseudonymisation key is missing, or is not the lake's own
│   ├── LakeFormatError      a newer version of Loglode has written the lake
│   └── CommitConflictError  another writer won again and again; trying later may work
└── BooksError               lines in and rows out do not balance: nothing was committed
"""

from __future__ import annotations


class LoglodeError(Exception):
    """Base of all errors: one line that says what and where, and a hint for the way out."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(LoglodeError):
    """The call is wrong: an option, an argument or a file that the user named."""

    exit_code = 2


class ContractError(UsageError):
    """A data contract is not valid ODCS, or uses a word that Loglode does not know."""


class SourceNotFoundError(UsageError):
    """A source names nothing that exists."""


class SourceError(LoglodeError):
    """An object exists but cannot be read."""


class LimitError(SourceError):
    """An object exceeds a limit; none of it was loaded. `uri` names the object."""

    def __init__(self, message: str, *, hint: str = "", uri: str = "") -> None:
        super().__init__(message, hint=hint)
        self.uri = uri

    def __reduce__(self) -> tuple[object, ...]:
        return _remade, (self.message, self.hint, self.uri)


def _remade(message: str, hint: str, uri: str) -> LimitError:
    return LimitError(message, hint=hint, uri=uri)


class ObjectGoneError(SourceError):
    """An object is gone, or no longer in the state that was listed; none of it was loaded."""


class ObjectChangedError(ObjectGoneError):
    """An object was replaced, overwritten or truncated after it was listed; none of it was loaded."""


class ObjectGrownError(ObjectChangedError):
    """Text was appended to a file after it was listed; what was listed is as it was."""


class StorageError(LoglodeError):
    """Object storage or a secret: not there, not reachable, not allowed."""


class StorageBusyError(StorageError):
    """Throttled, timed out or unreachable after the SDK's own retries; trying later may work."""


class CredentialsExpiredError(StorageBusyError):
    """Temporary credentials ran out; a new session may have valid ones."""


class AccessDeniedError(StorageError):
    """Credentials are missing, or not allowed to do this."""


class NoSuchObjectError(StorageError):
    """Object storage has no such bucket, key or version."""


class OtherStateError(NoSuchObjectError):
    """Object storage has the object, but no longer in the state that was requested."""


class MemoryShortError(LoglodeError):
    """The engine's memory limit was too small."""


class ModelError(LoglodeError):
    """A gold model's header or SQL is malformed."""


class QueryError(LoglodeError):
    """The engine refuses a query."""


class LakeError(LoglodeError):
    """A table of the lake is missing, damaged or was made by something else."""


class SchemaMismatchError(LakeError):
    """A table's columns contradict their declaration: writing would leave files that other readers refuse."""


class LakeFormatError(LakeError):
    """A newer version of Loglode has written the lake."""


class KeyMismatchError(LakeError):
    """The pseudonymisation key is missing, or is not the one that the lake's pseudonyms were made with."""


class CommitConflictError(LakeError):
    """Other writers won every attempt; nothing was lost, the run may be repeated."""


class BooksError(LoglodeError):
    """Lines read do not equal rows, quarantined lines, duplicates and blank lines together."""
