"""Loglode turns raw web logs into business metrics: bronze to silver to gold, on Delta Lake.

    import loglode

    lake = loglode.open("lake")
    lake.load("logs/*.gz")
    lake.query("select date, requests from daily_metrics").df()

Importing the package imports no engine: that happens when a lake is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loglode.errors import LoglodeError
from loglode.version import __version__

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack

    from loglode.api import Lake
    from loglode.settings import Options

__all__ = ["Lake", "LoglodeError", "__version__", "open"]


def open(lake: str | Path, **options: Unpack[Options]) -> Lake:  # noqa: A001 - read as loglode.open
    """Open a lake: a folder, or `s3://bucket/prefix`. The first load creates it.

    `options` are those of `loglode.settings.Options`, for example `contract`, `threads` or `engine`; an
    option that is absent comes from the environment, as for the command line. Raises UsageError,
    ContractError.
    """
    from loglode.api import Lake  # noqa: PLC0415 - the engines are imported here
    from loglode.settings import Settings  # noqa: PLC0415

    return Lake(Settings.build(lake=lake, **options))


def __getattr__(name: str) -> Any:
    if name == "Lake":
        from loglode.api import Lake  # noqa: PLC0415 - only the class itself needs the engines

        return Lake
    raise AttributeError(f"module 'loglode' has no attribute {name!r}")
