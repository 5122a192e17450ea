"""Clocks that are wrong, or a lake that nobody used for years: days are added to what this process calls now."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Self

import pytest

from loglode.loading import bronze_to_silver
from loglode.maintenance import maintain
from loglode.pipeline import replay


@contextlib.contextmanager
def clock_off_by(days: float) -> Iterator[None]:
    """Commits, states and rows are made at this distance from now; deltalake, which is no Python, sees today.

    So a lake that was loaded 61 days ago is one that was idle for 61 days.
    """
    seconds, true = days * 86_400, time.time

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(days=days)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: true() + seconds)
        for module in (bronze_to_silver, replay, maintain):
            patch.setattr(module, "datetime", Shifted)
        yield
