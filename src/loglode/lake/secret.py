"""The pseudonymisation key: a secret of 128 bits, in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from loglode.errors import LakeError
from loglode.sdk import read_secret

KEY_BYTES = 16
_MIN_LENGTH = 16


def load_key(path: Path, secret: str = "") -> str:
    """The key in a secret of Secrets Manager (name or ARN), else in the file.

    A new file is made on first use, by one process alone. Raises StorageError; LakeError when the file
    cannot be read or made, or the key is unusable.
    """
    if secret:
        return _usable(read_secret(secret), f"secret {secret}")
    try:
        if not path.exists():
            _create(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise LakeError(
            f"cannot read the pseudonymisation key {path}: {error}", hint="see --key-file"
        ) from error
    return _usable(key, str(path))


def _usable(key: str, where: str) -> str:
    if len(key) < _MIN_LENGTH:
        raise LakeError(
            f"the pseudonymisation key in {where} is too short",
            hint=f"{_MIN_LENGTH} characters or more",
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
