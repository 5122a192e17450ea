"""Which service a request is for: the emulator looks through all of its folders on the disk each time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from local_aws.patching import wrap


def patch() -> None:
    """Mends: some 200 looks at the disk a request, under a lock; a host is looked up once."""
    wrap(DomainDispatcherApplication, "get_backend_for_host", _once)


def _once(look_up: Callable[..., Any]) -> Callable[..., Any]:
    return cache(look_up)
