"""The ledger of a run: every object that was given has exactly one outcome.

Reports, rows of ops.runs, exit codes and answers to AWS are all derived from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from loglode.errors import AccessDeniedError, LoglodeError, SourceError, StorageBusyError
from loglode.sources import SourceObject
from loglode.sources.outcomes import Busy, Denied, Failed, Loaded, Outcome


@dataclass(frozen=True, slots=True)
class Ledger:
    """Outcomes by object."""

    outcomes: Mapping[SourceObject, Outcome] = field(default_factory=dict)

    def __or__(self, other: Ledger) -> Ledger:
        """Both together; for an object in both, the other's outcome counts."""
        return Ledger({**self.outcomes, **other.outcomes})

    def count(self, kind: type[Outcome]) -> int:
        """How many objects have an outcome of a kind."""
        return sum(isinstance(outcome, kind) for outcome in self.outcomes.values())

    @property
    def kinds(self) -> dict[str, int]:
        """Objects by the name of their outcome."""
        return dict(Counter(type(outcome).__name__ for outcome in self.outcomes.values()))

    @property
    def committable(self) -> list[SourceObject]:
        """Objects that were read to their end: what a batch commits."""
        return [source for source, outcome in self.outcomes.items() if isinstance(outcome, Loaded)]

    @property
    def failures(self) -> dict[SourceObject, Failed]:
        """Objects that could not be read, with their errors."""
        return {s: outcome for s, outcome in self.outcomes.items() if isinstance(outcome, Failed)}

    @property
    def error(self) -> LoglodeError | None:
        """All failures as one error, None without any.

        StorageBusyError when at least one object may work later: a repetition skips what was loaded.
        AccessDeniedError when access to all was denied. Otherwise SourceError.
        """
        failures = list(self.failures.values())
        if not failures:
            return None
        busy = [failed for failed in failures if isinstance(failed, Busy)]
        first = (busy or failures)[0]
        count = "1 object failed" if len(failures) == 1 else f"{len(failures)} objects failed, the first"
        text = f"{count}: {first.error.message}"
        if busy:
            return StorageBusyError(text, hint=first.error.hint)
        if all(isinstance(failed, Denied) for failed in failures):
            return AccessDeniedError(text, hint=first.error.hint)
        return SourceError(text, hint=first.error.hint)
