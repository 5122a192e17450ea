"""The statements that turn lines into silver rows and into rejected lines, over the same layers.

lines -> format's steps -> raw texts -> typed -> checked -> derived and masked

The silver statement runs over all lines and marks the rejected ones. What quarantine needs to know of these
comes from a second statement, which the engine runs over them alone.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from loglode.contract import Contract, Field
from loglode.formats import Format
from loglode.formats.base import without_ending
from loglode.silver import masking, urls
from loglode.silver.canonical import canonical
from loglode.silver.casts import FIRST_MICROS, LAST_MICROS, cast
from loglode.silver.checks import Check, checks
from loglode.silver.identity import DEFAULT, Keying, event_id, line_id
from loglode.silver.layers import Layer, Layers, column
from loglode.silver.memo import AGENT_HASH, MEMOS, host_or_network
from loglode.silver.redaction import redaction
from loglode.sql import identifier, literal

# The column that marks rejected lines. No field of a contract can have this name.
REJECTED = "is-rejected"
# Beside the key; a column of each is stored.
PARAMETERS = ("batch_id", "contract_version", "processed_at")
_OWN_IDS = tuple(column("ok", name) for name in ("user_id", "session_id"))
_LOW_IDS = tuple(column("low", name) for name in ("user_id", "session_id"))
_IS_REJECTED = column("line", "is_rejected")
_TEXT, _FAULT = column("line", "text"), column("line", "fault")


def silver_statement(
    contract: Contract,
    fmt: Format,
    known_keys: frozenset[str],
    keying: Keying = DEFAULT,
    *,
    looks_up: bool = True,
) -> str:
    """SELECT over `lines` and, unless it looks nothing up, the memos' tables; columns are the contract's stored fields and REJECTED.

    The partition columns of a rejected line are null. Parameters: $pseudonym_key, $batch_id,
    $contract_version, $processed_at (timestamp with time zone).
    """
    columns = stored(contract, fmt, keying)
    for name in contract.partition_columns:
        columns[name] = f"case when not {_IS_REJECTED} then {columns[name]} end"
    layers = silver_layers(contract, fmt, known_keys, keying, looks_up=looks_up)
    return layers.select({**columns, REJECTED: _IS_REJECTED})


def rejected_statement(
    contract: Contract, fmt: Format, known_keys: frozenset[str], keying: Keying = DEFAULT
) -> str:
    """SELECT over `lines` of what quarantine stores of each rejected line, and `is_blank`.

    Parameter: $pseudonym_key, but for the first rule of identity.
    """
    raw = without_ending(_TEXT)
    # A fault is a reason and the line's true length, "line_too_long:123".
    length = f"try_cast(split_part({_FAULT}, ':', 2) as bigint)"
    columns = {
        "is_rejected": _IS_REJECTED,
        "is_blank": column("line", "is_blank"),
        "line_id": line_id(keying),
        "event_id": event_id(keying, fmt),
        "source_object": column("line", "source_object"),
        "source_line": column("line", "source_line"),
        "raw": raw,
        "raw_bytes": f"coalesce({length}, strlen({raw}))",
        "reasons": f"string_split({column('line', 'reasons')}, ',')",
        "event_ts": f"make_timestamptz({_bounded(column('ok', 'event_ts'))})",
    }
    select = silver_layers(contract, fmt, known_keys, keying).select(columns)
    return f"select * exclude (is_rejected) from ({select}) where is_rejected"


def failing_statement(
    contract: Contract,
    fmt: Format,
    known_keys: frozenset[str],
    keying: Keying = DEFAULT,
    *,
    looks_up: bool = True,
) -> str:
    """SELECT of `source_object` and `source_line` of lines for which an expression of the two others raises.

    It takes more than twice the time, and the parameters of `silver_statement`.
    """
    every = silver_layers(contract, fmt, known_keys, keying, looks_up=looks_up).add(
        {f"stored:{name}": sql for name, sql in stored(contract, fmt, keying).items()}
    )
    layers, failed = every.guarded()
    places = {name: column("line", name) for name in ("source_object", "source_line")}
    select = layers.select({**places, REJECTED: failed})
    return f"select source_object, source_line from ({select}) where {identifier(REJECTED)}"


@functools.lru_cache(maxsize=8)  # each slice of a batch, and its rejected lines, need them again
def silver_layers(
    contract: Contract,
    fmt: Format,
    known_keys: frozenset[str],
    keying: Keying = DEFAULT,
    *,
    looks_up: bool = True,
) -> Layers:
    """The layers below the statement's outermost SELECT."""
    read = {f.name: f for f in contract.read_fields}
    found = checks(contract)
    layers = canonical(contract, fmt, known_keys).add(
        *(memo.joined for memo in MEMOS if looks_up),
        {f"typed:{name}": cast(field, column("raw", name)) for name, field in read.items()},
        Layer(
            {f"bad:{i}": f"coalesce({c.fails}, false)" for i, c in enumerate(found)},
            plain={name: column("typed", name) for name in read},
        ),
        *verdict(found),
        {f"ok:{name}": _unwarned(name, found) for name in read},
    )
    for memo in MEMOS:
        layers = layers.add(*(memo.looked_up() if looks_up else memo.steps))
    return layers.add(*_masked(contract, keying), *_redacted(contract))


def stored(contract: Contract, fmt: Format, keying: Keying = DEFAULT) -> dict[str, str]:
    """The contract's stored fields, as expressions over the layers."""
    identity = event_id(keying, fmt)
    return {f.name: f"{_value(f, identity)}::{f.sql_type}" for f in contract.stored_fields}


def verdict(found: list[Check]) -> list[Mapping[str, str]]:
    """Layers that say whether the line is rejected or a value nulled, and then why."""
    is_malformed, reason = column("line", "is_malformed"), column("line", "malformed_reason")
    is_skipped = column("line", "is_skipped")
    rejects = [(column("bad", str(i)), c.code) for i, c in enumerate(found) if c.severity == "reject"]
    warns = [(column("bad", str(i)), c.code) for i, c in enumerate(found) if c.severity == "warn"]
    is_blank = (
        f"(trim({_TEXT}, chr(32) || chr(9) || chr(10) || chr(13)) = '' or {is_skipped}) and {_FAULT} is null"
    )
    reasons = (
        f"case when {_FAULT} is not null then split_part({_FAULT}, ':', 1)"
        f" when {is_malformed} then {reason} else {_codes(rejects)} end"
    )
    is_warned = column("line", "is_warned")
    rejecting = [f"{_FAULT} is not null", is_malformed, is_skipped, *(flag for flag, _ in rejects)]
    return [
        {
            "line:is_rejected": " or ".join(rejecting),
            "line:is_warned": " or ".join(flag for flag, _ in warns) or "false",
        },
        {
            "line:is_blank": f"{_IS_REJECTED} and {is_blank}",
            "line:reasons": f"case when {_IS_REJECTED} then {reasons} end",
            "line:warnings": f"case when {is_warned} then {_codes(warns)} end",
        },
    ]


def _codes(flags: list[tuple[str, str]]) -> str:
    listed = ", ".join(f"case when {flag} then {literal(code)} end" for flag, code in flags)
    return f"concat_ws(',', {listed or 'null'})"


def _unwarned(name: str, found: list[Check]) -> str:
    flags = [column("bad", str(i)) for i, c in enumerate(found) if c.severity == "warn" and c.field == name]
    value = column("typed", name)
    return f"case when not ({' or '.join(flags)}) then {value} end" if flags else value


def _masked(contract: Contract, keying: Keying) -> list[Mapping[str, str]]:
    """Layers of the pseudonyms and of what is stored as it is."""
    plain = [f for f in contract.read_fields if f.is_stored and f.masking != "redact"]
    client = column("ok", "client_ip")
    seen = f"coalesce({column('own', 'client_id')}, '') || coalesce({column('own', AGENT_HASH)}, '')"
    before: list[Mapping[str, str]] = []
    period = ""
    if keying.period != "none":
        period = column("own", "period")
        before = [{"own:period": masking.period_label(column("ok", "event_ts"), keying.period)}]
        seen = f"{period} || {seen}"
    return [
        *before,
        {
            **{f"out:{f.name}": _mask(f, period) for f in plain},
            "own:client_id": masking.pseudonym("client", client, period),
            "own:client_network": masking.network(client),
            "own:host": host_or_network(column("ok", "host")),
            "own:moment": _bounded(column("ok", "event_ts")),
        },
        {
            "own:utc": f"make_timestamp({column('own', 'moment')})",
            # Without a client, one agent would be one visitor.
            "own:visitor_id": f"case when {client} is not null then {masking.keyed_hash(seen)} end",
        },
    ]


def _redacted(contract: Contract) -> list[Layer | Mapping[str, str]]:
    """Layers that cut secrets, and then the line's own identifiers, out of every text that is stored."""
    names = {f.name for f in contract.read_fields if f.is_stored and f.masking == "redact"}
    texts = sorted(names - {"host"})  # redacted already
    without_ids = {f"out:{name}": masking.without(column("open", name), _OWN_IDS) for name in texts}
    if "host" in names:
        # Names of hosts are in lower case, and the user's may be a part of one.
        without_ids["out:host"] = masking.without(column("own", "host"), _LOW_IDS)
    opened = {f"open:{name}": _sent(name) for name in texts}
    opened["own:open_referrer_path"] = column("own", "referring_path")
    return [
        *redaction(opened, contract),
        {f"low:{name}": f"lower({column('ok', name)})" for name in ("user_id", "session_id")},
        {
            **without_ids,
            "own:clean_referrer_path": masking.without(column("own", "open_referrer_path"), _OWN_IDS),
            "own:clean_referrer_host": masking.without(column("own", "referrer_host"), _LOW_IDS),
        },
    ]


def _sent(name: str) -> str:
    """A field's text; null for an agent that the client left out, which is known as an empty text."""
    text = column("ok", name)
    return f"nullif({text}, '')" if name == "user_agent" else text


def _mask(field: Field, period: str) -> str:
    value = _sent(field.name)
    if field.logical_type == "timestamp":
        return f"make_timestamptz({_bounded(value)})"
    match field.masking:
        case "pseudonym":
            return masking.pseudonym(field.name, value, period)
        case "network":
            return masking.network(value)
        case _:
            return value


def _bounded(micros: str) -> str:
    return f"case when {micros} between {FIRST_MICROS} and {LAST_MICROS} then {micros} end"


def _value(field: Field, identity: str) -> str:
    """What a stored field holds, by its derivation; a field of the log, what became of its own text."""
    path, route = column("out", "path"), column("own", "open_route")
    special = {
        None: column("out", field.name),
        "event_id": identity,
        "route": f"case when {path} = {column('ok', 'path')} then {route} else {urls.route(path)} end",
        "referrer_host": column("own", "clean_referrer_host"),
        "referrer_path": column("own", "clean_referrer_path"),
        "warnings": column("line", "warnings"),
        "lineage": f"${field.name}" if field.name in PARAMETERS else column("line", field.name),
        "partition": f"{field.name}({column('own', 'utc')})",
    }
    return special.get(field.derived) or column("own", str(field.derived))
