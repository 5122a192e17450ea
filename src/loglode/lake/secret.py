"""The pseudonymisation key: 256 secret bits, in a file that only its owner can read or in Secrets Manager.

A lake records a fingerprint of its key. A run with another key, or without the key, would make every visitor
a new one, so it is an error unless it is requested.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from loglode.errors import KeyMismatchError, LakeError
from loglode.sdk import read_secret

KEY_BYTES = 32
_MIN_LENGTH, _MIN_DIFFERENT = 16, 8
_FINGERPRINT_OF = b"loglode: fingerprint of the pseudonymisation key"
_WAYS = (
    "restore the key (a backup of the file, or an earlier version of the secret); queries and reports work"
    " without it. To go on with another key on purpose: `loglode run --new-key` (see docs/security.md)"
)


def load_key(path: Path, secret: str = "", *, may_create: bool = True) -> str:
    """The key in a secret of Secrets Manager (name or ARN), else in the file.

    A new file is created on first use, by one process alone, if it may be. Raises StorageError;
    KeyMismatchError for a missing file that may not be created; LakeError when the file cannot be read or
    created, or the key is unusable.
    """
    if secret:
        return _usable(read_secret(secret), f"secret {secret}")
    try:
        if not path.exists():
            if not may_create:
                raise KeyMismatchError(
                    f"the pseudonymisation key {path} is missing: the lake's pseudonyms were made with it",
                    hint=_WAYS,
                )
            _create(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise LakeError(
            f"cannot read the pseudonymisation key {path}: {error}",
            hint="fix its permissions, or name another file by LOGLODE_KEY_FILE",
        ) from error
    return _usable(key, str(path))


def fingerprint(key: str) -> str:
    """A keyed hash of a constant, 32 digits: it distinguishes keys and reveals nothing of 256 bits."""
    return hmac.new(key.encode(), _FINGERPRINT_OF, hashlib.sha256).hexdigest()[:32]


def require_key(key: str, recorded: str, where: str) -> None:
    """Raise KeyMismatchError unless the key is the one whose fingerprint a lake has recorded, if any."""
    if recorded and not hmac.compare_digest(fingerprint(key), recorded):
        raise KeyMismatchError(
            f"the pseudonymisation key in {where} is not the one that the lake's pseudonyms were made with",
            hint=_WAYS,
        )


def _usable(key: str, where: str) -> str:
    if len(key) < _MIN_LENGTH or len(set(key)) < _MIN_DIFFERENT:
        raise LakeError(
            f"the pseudonymisation key in {where} is too short or too simple to be a secret",
            hint=f"{_MIN_LENGTH} characters or more, {_MIN_DIFFERENT} of them different;"
            " 32 random bytes are best: `openssl rand -hex 32`",
        )
    return key


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mine = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(secrets.token_urlsafe(KEY_BYTES) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(mine, path)  # fails if another process was first; then its key counts
    except FileExistsError:
        pass
    finally:
        mine.unlink()
