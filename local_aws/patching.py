"""Replacing what is wrong in the emulator, in one way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def replace(owner: Any, name: str, new: Any) -> None:
    """Put `new` in the place of an attribute. Raises AttributeError when the emulator has it no more."""
    wrap(owner, name, lambda _: new)


def wrap(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put what `make` makes of an attribute in its place. Raises AttributeError as `replace`."""
    if not hasattr(owner, name):
        raise AttributeError(f"the emulator has changed: {owner!r} has no {name}")
    setattr(owner, name, make(getattr(owner, name)))


def add(owner: Any, name: str, new: Any) -> None:
    """Give an owner what it lacks. Raises AttributeError when the emulator has it by now."""
    if hasattr(owner, name):
        raise AttributeError(f"the emulator has changed: {owner!r} has a {name} of its own")
    setattr(owner, name, new)
