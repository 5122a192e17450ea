"""Tables as declared: what all have in common, and those that are neither the contract's nor a model's."""

from __future__ import annotations

from dataclasses import dataclass

from loglode.types import TIMESTAMP


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A table as declared: columns are (name, SQL type, description) in order."""

    name: str
    columns: tuple[tuple[str, str, str], ...]
    partition_by: tuple[str, ...]
    description: str
    # Days after which checkpoints may drop application transactions: for identities of objects, which are
    # many. None where they are bookmarks, which must not be lost.
    forgets_after_days: int | None = None


DAY = ("year", "month", "day")
_DAY_COLUMNS = tuple((name, "INTEGER", f"{name.capitalize()} of the partition (UTC).") for name in DAY)

QUARANTINE = TableSpec(
    name="quarantine",
    description="Every line that was refused, with its reasons. May hold personal data.",
    partition_by=DAY,
    columns=(
        ("line_id", "VARCHAR", "Keyed hash of the head of the object, the line's number and its text."),
        ("event_id", "VARCHAR", "What `web_logs.event_id` would be if the line were accepted."),
        ("source_object", "VARCHAR", "The bronze object."),
        ("source_line", "BIGINT", "The line's number in it, from 1."),
        ("format", "VARCHAR", "The format that was expected."),
        ("raw", "VARCHAR", "The line as it came; at most the first MiB of it."),
        ("raw_bytes", "BIGINT", "Length of the whole line in bytes."),
        ("reasons", "VARCHAR[]", "Codes of all rules that refused it."),
        ("event_ts", TIMESTAMP, "Time of the event, where it could be read."),
        ("batch_id", "VARCHAR", "The batch that refused it."),
        ("contract_version", "VARCHAR", "Version of the contract that was applied."),
        ("processed_at", TIMESTAMP, "When it was refused (UTC)."),
        *_DAY_COLUMNS,
    ),
)
RUNS = TableSpec(
    name="runs",
    description="One row a batch: what was read, refused, written, and how long it took.",
    partition_by=DAY,
    columns=(
        ("batch_id", "VARCHAR", "The batch."),
        ("kind", "VARCHAR", "load, or replay of quarantined lines."),
        ("started_at", TIMESTAMP, "When the batch began (UTC)."),
        ("finished_at", TIMESTAMP, "When its silver commit was made (UTC)."),
        ("objects", "BIGINT", "Objects read."),
        ("objects_skipped", "BIGINT", "Objects left out because they had been loaded before."),
        ("lines_read", "BIGINT", "Lines read; equals the next four together."),
        ("rows_silver", "BIGINT", "Rows added to silver."),
        (
            "lines_quarantined",
            "BIGINT",
            "Lines added to quarantine, less those that left it because their events are accepted now.",
        ),
        ("duplicates", "BIGINT", "Lines whose event or line was there already."),
        ("blank_lines", "BIGINT", "Empty lines."),
        ("bytes_read", "BIGINT", "Bytes read, decompressed."),
        ("reasons", "VARCHAR", "JSON object: lines refused by reason."),
        ("warnings", "VARCHAR", "JSON object: values nulled by rule."),
        ("read_seconds", "DOUBLE", "Seconds from the first line to staged files."),
        ("dedupe_seconds", "DOUBLE", "Seconds to find and drop duplicates."),
        ("commit_seconds", "DOUBLE", "Seconds to publish and commit."),
        ("silver_version", "BIGINT", "Version of silver that the batch made."),
        ("contract_version", "VARCHAR", "Version of the contract that was applied."),
        ("engine", "VARCHAR", "Engine that did the work."),
        ("correlation_id", "VARCHAR", "What the batch is called in logs and executions; null on a laptop."),
        ("oldest_object_at", TIMESTAMP, "When the oldest object of the batch was last written (UTC)."),
        *_DAY_COLUMNS,
    ),
)
QUALITY = TableSpec(
    name="quality",
    description="Each rule of the contract, per batch and day of the events; the fields that lines carry.",
    partition_by=DAY,
    columns=(
        ("batch_id", "VARCHAR", "The batch."),
        ("started_at", TIMESTAMP, "When the batch began (UTC)."),
        ("kind", "VARCHAR", "rule, or field: a field and type seen in the lines."),
        ("date", "DATE", "Day of the events (UTC); null where it could not be read, or for the whole batch."),
        (
            "rule",
            "VARCHAR",
            "Code of the rule, as in reasons and warnings; of a field, its type.",
        ),
        (
            "field",
            "VARCHAR",
            "The field checked, or a name that lines carry; null for the whole line.",
        ),
        (
            "dimension",
            "VARCHAR",
            "completeness, conformity, uniqueness, timeliness, consistency, or what the rule says.",
        ),
        ("severity", "VARCHAR", "reject, warn, drop (duplicates), or none: the line stays as it is."),
        ("checked", "BIGINT", "Lines that the rule was applied to; of a field, lines looked at."),
        ("passed", "BIGINT", "Those that passed; of a field, those that carry it with this type."),
        ("refused", "BIGINT", "Those that failed and were refused, or dropped as duplicates."),
        (
            "warned",
            "BIGINT",
            "Those whose value was nulled; of timeliness, those kept as they are.",
        ),
        ("share", "DOUBLE", "passed / checked, 0 to 1."),
        ("first_seen", "BIGINT", "Of a field: the first of the lines looked at that carries it, from 1."),
        ("last_seen", "BIGINT", "Of a field: the last of them."),
        ("silver_version", "BIGINT", "Version of silver that the batch made."),
        ("contract_version", "VARCHAR", "Version of the contract that was applied."),
        *_DAY_COLUMNS,
    ),
)
