"""What all rows of a lake depend on, recorded in the properties of its silver table when that is created.

A run that does not agree with it would mix rows that cannot be compared, so it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loglode.lake.secret import fingerprint

IDENTITY, PERIOD, KEY = "loglode.identity", "loglode.pseudonymPeriod", "loglode.keyFingerprint"
# Of a lake that an earlier release made, which recorded nothing of it.
FIRST_IDENTITY, NO_PERIOD = 1, "none"


@dataclass(frozen=True, slots=True)
class Facts:
    """`identity` is the rule of what makes two lines one event, `key` the fingerprint of the key; "" if none
    is recorded."""

    identity: int
    period: str = NO_PERIOD
    key: str = ""

    @classmethod
    def recorded(cls, properties: Mapping[str, str]) -> Facts:
        """Those in a table's properties."""
        return cls(
            int(properties.get(IDENTITY, FIRST_IDENTITY)),
            properties.get(PERIOD, NO_PERIOD),
            properties.get(KEY, ""),
        )

    def with_key(self, key: str) -> Facts:
        """The same with the fingerprint of this key."""
        return Facts(self.identity, self.period, fingerprint(key))

    @property
    def properties(self) -> dict[str, str]:
        """For a table."""
        return {IDENTITY: str(self.identity), PERIOD: self.period, KEY: self.key}
