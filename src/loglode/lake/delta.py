"""deltalake's own S3 client: what it needs to reach a table, and its errors as ours."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from deltalake.exceptions import DeltaError

from loglode.errors import LakeError
from loglode.refusals import refusal_in
from loglode.sdk import s3_access
from loglode.storage import KMS_VARIABLE, Location, S3Path


@contextlib.contextmanager
def reaching(root: Location) -> Iterator[None]:
    """Raises StorageError for what S3 refuses, LakeError for a full disk."""
    try:
        yield
    except (OSError, DeltaError) as error:
        if "No space left" in str(error):
            raise LakeError(
                f"no space left for {root}", hint="free disk space, then run again; nothing was lost"
            ) from error
        refused = refusal_in(str(root), str(error)) if isinstance(root, S3Path) else None
        if refused is None:
            raise
        raise refused from error


def delta_options(root: Location) -> dict[str, str] | None:
    """Storage options with the credentials of this moment; None on a disk. Commits are conditional PUTs."""
    if isinstance(root, Path):
        return None
    access = s3_access()
    options = {
        "aws_access_key_id": access.key_id,
        "aws_secret_access_key": access.secret,
        "aws_session_token": access.token,
        "aws_region": access.region,
        "aws_endpoint": access.endpoint,
        "aws_allow_http": str(access.endpoint.startswith("http://")).lower(),
        "aws_conditional_put": "etag",
    }
    key = os.environ.get(KMS_VARIABLE, "")
    options |= {"aws_server_side_encryption": "aws:kms" if key else "AES256", "aws_sse_kms_key_id": key}
    return {name: value for name, value in options.items() if value}
