"""What S3's refusals mean, for each client that may receive them.

The SDK reports a code. The clients inside deltalake and DuckDB report an HTTP status, and sometimes the
code, somewhere in a text. The state machine retries what may work later, and nothing else.
"""

from __future__ import annotations

import re

from loglode.errors import (
    AccessDeniedError,
    CredentialsExpiredError,
    NoSuchObjectError,
    OtherStateError,
    StorageBusyError,
    StorageError,
)

_BUSY = frozenset(
    "SlowDown ServiceUnavailable InternalError RequestTimeout RequestTimeTooSkewed Throttling"
    " ThrottlingException TooManyRequestsException RequestLimitExceeded 408 429 500 502 503 504".split()
)
_DENIED = frozenset(
    "AccessDenied AccessDeniedException InvalidAccessKeyId SignatureDoesNotMatch 401 403".split()
)
_REPLACED = frozenset("PreconditionFailed 412".split())
GONE = frozenset("NoSuchKey NoSuchBucket NoSuchVersion 404".split()) | _REPLACED
_EXPIRED = frozenset("ExpiredToken ExpiredTokenException RequestExpired".split())
_COLOUR = re.compile(r"\x1b\[\d+m")
_EXPIRED_TEXT = re.compile(rf"\b({'|'.join(sorted(_EXPIRED))})\b")
# "... status code 503 Service Unavailable" says deltalake, "... HTTP 503 ..." DuckDB.
_STATUS = re.compile(r"status code\D*(\d{3})\b|HTTP (\d{3})\b")
_SPOKE_HTTP = re.compile(r"Generic S3 error|HTTP")


def refusal(what: str, code: str) -> StorageError:
    """The error for a code of AWS, or for a status of HTTP."""
    if code in _EXPIRED:
        return CredentialsExpiredError(f"{what}: the credentials have expired ({code})", hint="sign in again")
    if code in _BUSY:
        return StorageBusyError(f"{what}: AWS answers {code}", hint="try again later")
    if code in _DENIED:
        return AccessDeniedError(f"{what}: access denied ({code})", hint="check policy and key")
    kind = OtherStateError if code in _REPLACED else NoSuchObjectError if code in GONE else StorageError
    return kind(f"{what}: {code}", hint="check bucket, key and region")


def refusal_in(what: str, text: str) -> StorageError | None:
    """The error that another client's text describes; None when the text names no answer of S3."""
    plain = _COLOUR.sub("", text)
    if expired := _EXPIRED_TEXT.search(plain):
        return refusal(what, expired[1])
    found = _STATUS.search(plain)
    if found:
        return refusal(what, found[1] or found[2])
    if _SPOKE_HTTP.search(plain):
        return StorageBusyError(f"{what}: no answer", hint="check the network and the endpoint")
    return None
