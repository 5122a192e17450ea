"""What deltalake's own client meets on its way to a table, as our errors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from deltalake.exceptions import DeltaError

from loglode.errors import LakeError
from loglode.refusals import refusal_in
from loglode.storage import Location, S3Path


@contextlib.contextmanager
def reaching(root: Location) -> Iterator[None]:
    """Raises StorageError for what S3 refuses, LakeError for a full disk."""
    try:
        yield
    except (OSError, DeltaError) as error:
        if "No space left" in str(error):
            raise LakeError(
                f"no space left for {root}", hint="make room, then run again; nothing was lost"
            ) from error
        refused = refusal_in(str(root), str(error)) if isinstance(root, S3Path) else None
        if refused is None:
            raise
        raise refused from error
