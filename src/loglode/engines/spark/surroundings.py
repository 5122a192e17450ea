"""What tasks have to know of the place where the driver works."""

from __future__ import annotations

import os
from collections.abc import Mapping

from loglode.storage import KMS_VARIABLE

_NAMES = (KMS_VARIABLE, "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION")


def surroundings() -> dict[str, str]:
    """The settings of this process, for the processes that work for it. Credentials are each node's own."""
    return {name: os.environ[name] for name in _NAMES if name in os.environ}


def share(known: Mapping[str, str]) -> None:
    """Take over the settings of another process that this one lacks."""
    for name, value in known.items():
        os.environ.setdefault(name, value)
