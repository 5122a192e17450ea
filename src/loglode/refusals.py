"""What S3's refusals mean, whichever client heard them.

Three of them speak to S3: the SDK, which tells a code, and deltalake's and DuckDB's own, which tell HTTP's
status somewhere in a text. The state machine repeats what may work later, and only that.
"""

from __future__ import annotations

import re

from loglode.errors import AccessDeniedError, StorageBusyError, StorageError

_BUSY = frozenset(
    "SlowDown ServiceUnavailable InternalError RequestTimeout RequestTimeTooSkewed Throttling"
    " ThrottlingException TooManyRequestsException RequestLimitExceeded 408 429 500 502 503 504".split()
)
_DENIED = frozenset(
    "AccessDenied AccessDeniedException InvalidAccessKeyId SignatureDoesNotMatch 401 403".split()
)
_COLOUR = re.compile(r"\x1b\[\d+m")
# "... status code 503 Service Unavailable" says deltalake, "... HTTP 503 ..." DuckDB.
_STATUS = re.compile(r"status code\D*(\d{3})\b|HTTP (\d{3})\b")
_SPOKE_HTTP = re.compile(r"Generic S3 error|HTTP")


def refusal(what: str, code: str) -> StorageError:
    """The error for a code of AWS, or for a status of HTTP."""
    if code in _BUSY:
        return StorageBusyError(f"{what}: AWS answers {code}", hint="try again later")
    if code in _DENIED:
        return AccessDeniedError(f"{what}: access denied ({code})", hint="check policy and key")
    return StorageError(f"{what}: {code}", hint="check bucket, key and region")


def refusal_in(what: str, text: str) -> StorageError | None:
    """The error that another client's text tells of; None when it tells of nothing that S3 said."""
    plain = _COLOUR.sub("", text)
    found = _STATUS.search(plain)
    if found:
        return refusal(what, found[1] or found[2])
    if _SPOKE_HTTP.search(plain):
        return StorageBusyError(f"{what}: no answer", hint="check the network and the endpoint")
    return None
