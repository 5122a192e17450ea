"""The contract as typed, immutable objects; everything below works on these, never on YAML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["reject", "warn"]
RuleKind = Literal["valid_values", "pattern", "minimum", "maximum", "max_length", "absent", "predicate"]
Masking = Literal["none", "pseudonym", "network", "redact", "code"]


@dataclass(frozen=True, slots=True)
class Alias:
    """A name under which a log may carry a field; `path` is split at dots, `unit` is s, ms, us, ns or ?."""

    path: tuple[str, ...]
    unit: str | None = None

    @property
    def name(self) -> str:
        """The path as one dotted name."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Rule:
    """A check of one field; `code` is what quarantine and warnings show."""

    code: str
    kind: RuleKind
    severity: Severity
    argument: str | float | tuple[str, ...]
    dimension: str = "conformity"


@dataclass(frozen=True, slots=True)
class Field:
    """One declared field. `derived` names the built-in derivation; None means read from the log."""

    name: str
    logical_type: str
    sql_type: str
    description: str
    is_required: bool
    classification: str
    masking: Masking
    is_stored: bool
    is_partition: bool
    derived: str | None
    aliases: tuple[Alias, ...]
    query_parameter: str | None
    on_invalid: Severity
    rules: tuple[Rule, ...]

    @property
    def is_read(self) -> bool:
        """Whether the field's value comes from the log itself."""
        return self.derived is None


@dataclass(frozen=True, slots=True)
class Goal:
    """A conversion goal: a session converts when a request of it matches all parts."""

    goal: str
    method: str | None
    path_pattern: str
    min_status: int
    max_status: int


@dataclass(frozen=True, slots=True)
class Contract:
    """A parsed contract; field order is column order."""

    name: str
    version: str
    fields: tuple[Field, ...]
    goals: tuple[Goal, ...]
    sensitive_parameters: tuple[str, ...]
    # Kinds of personal data that are cut out of texts.
    personal_data: frozenset[str]
    session_gap_seconds: int
    source_session_gap_seconds: int
    # Refused lines / lines read, 0 to 1, above which a load is not acceptable.
    max_refused_share: float
    # Days from an event to its load after which it is late; None where nothing is promised.
    latency_days: int | None = None
    # A pattern (LogFormat of Apache, log_format of nginx) that logs of the source may have.
    log_format: str | None = None

    @property
    def read_fields(self) -> tuple[Field, ...]:
        """Fields whose value comes from the log, stored or not."""
        return tuple(f for f in self.fields if f.is_read)

    @property
    def stored_fields(self) -> tuple[Field, ...]:
        """Columns of the silver table, in order, partition columns included."""
        return tuple(f for f in self.fields if f.is_stored)

    @property
    def partition_columns(self) -> tuple[str, ...]:
        """Names of the partition columns, in order."""
        return tuple(f.name for f in self.fields if f.is_partition)
