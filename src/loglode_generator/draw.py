"""Seeded random numbers as SQL: each is a hash of a key and a salt, never `random()`.

A number depends on nothing but the seed, its name and its key, so neither threads nor the order
of evaluation can change it. Keys and salts are added before hashing: DuckDB combines the hashes of
several arguments by XOR, which leaves streams of neighbouring salts correlated (0.998 measured).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loglode_generator.spec import GenerateSpec


def text(value: str) -> str:
    """A string as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def array(values: Iterable[str | int | float]) -> str:
    """A constant list as an SQL literal."""
    return "[" + ", ".join(text(v) if isinstance(v, str) else repr(v) for v in values) + "]"


def slots(weights: Sequence[int]) -> list[int]:
    """Each index as often as its weight says: a list to pick from evenly."""
    return [index for index, weight in enumerate(weights) for _ in range(weight)]


@dataclass(frozen=True)
class Draw:
    """SQL expressions over a BIGINT key expression; `name` separates the streams."""

    spec: GenerateSpec

    def raw(self, key: str, name: str) -> str:
        """A UBIGINT, all 64 bits random."""
        return f"hash(({key}) + {self.spec.salt(name)})"

    def unit(self, key: str, name: str) -> str:
        """A DOUBLE in [0, 1)."""
        return f"(({self.raw(key, name)} >> 11) / 9007199254740992.0)"

    def below(self, key: str, name: str, limit: int) -> str:
        """An INTEGER in [0, limit)."""
        return f"({self.raw(key, name)} % {limit})::INTEGER"

    def pick(self, key: str, name: str, values: Sequence[str | int]) -> str:
        """One of the values, all equally likely."""
        return f"({array(values)})[1 + {self.below(key, name, len(values))}]"

    def normal(self, key: str, name: str) -> str:
        """A standard normal DOUBLE (Box-Muller on the two halves of one hash)."""
        raw = self.raw(key, name)
        radius = f"sqrt(-2 * ln((({raw} & 4294967295) + 1) / 4294967296.0))"
        return f"({radius} * cos(({raw} >> 32) / 4294967296.0 * 6.283185307179586))"

    def hex(self, key: str, name: str) -> str:
        """Sixteen lower-case hexadecimal digits."""
        return f"format('{{:016x}}', {self.raw(key, name)})"

    def uuid(self, key: str, name: str) -> str:
        """Text in the form of a version 4 UUID."""
        one, two = self.raw(key, f"{name}/1"), self.raw(key, f"{name}/2")
        return (
            f"format('{{:08x}}-{{:04x}}-4{{:03x}}-{{:04x}}-{{:012x}}', {one} >> 32, "
            f"({one} >> 16) & 65535, {one} & 4095, 32768 + (({two} >> 48) & 16383), "
            f"{two} & 281474976710655)"
        )
