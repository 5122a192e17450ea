"""The one statement that turns lines into silver rows and refused lines.

It is built as layers: lines -> format's steps -> raw_* texts -> typed -> checked -> derived and masked.

Refused and blank lines come out of the same pass, marked by year 0, with the text in `path`, the
reasons in `query` and the line's id in `event_id`; the engine sends them to quarantine. One pass,
because reading and parsing is what costs most.
"""

from __future__ import annotations

from loglode.contract import Contract, Field
from loglode.formats import Format
from loglode.formats.base import without_ending
from loglode.silver import agents, masking, urls
from loglode.silver.canonical import canonical
from loglode.silver.casts import FIRST_MICROS, LAST_MICROS, cast
from loglode.silver.checks import Check, checks
from loglode.silver.layers import layer
from loglode.silver.memo import AGENT_HASH, MEMOS, host_or_network

REFUSED_YEAR = 0
BLANK = "blank"
_OWN_IDS = ("ok_user_id", "ok_session_id")
_LOW_IDS = tuple(f"low_{name}" for name in _OWN_IDS)


def silver_statement(contract: Contract, fmt: Format, known_keys: frozenset[str]) -> str:
    """SELECT over `lines` and the memos' tables; columns are the contract's stored fields.

    Parameters: $pseudonym_key, $batch_id, $contract_version, $processed_at (timestamp with time zone).
    """
    read = {f.name: f for f in contract.read_fields}
    sql = canonical(contract, fmt, known_keys)
    for memo in MEMOS:
        sql = memo.joined(sql)
    sql = layer(sql, {name: cast(field, f"raw_{name}") for name, field in read.items()})
    found = checks(contract)
    sql = layer(sql, {f"bad_{i}": f"coalesce({c.fails}, false)" for i, c in enumerate(found)})
    for step in _verdict(found, fmt):
        sql = layer(sql, step)
    sql = layer(sql, {f"ok_{name}": _unwarned(name, found) for name in read})
    for memo in MEMOS:
        for step in memo.looked_up():
            sql = layer(sql, step)
    for step in (*_masked(contract), *_redacted(contract)):
        sql = layer(sql, step)
    return f"select {', '.join(_output(f) for f in contract.stored_fields)} from ({sql})"


def _verdict(found: list[Check], fmt: Format) -> list[dict[str, str]]:
    """Layers that say whether the line is refused or a value nulled, and then why."""
    rejects = [(f"bad_{i}", c.code) for i, c in enumerate(found) if c.severity == "reject"]
    warns = [(f"bad_{i}", c.code) for i, c in enumerate(found) if c.severity == "warn"]
    is_blank = "trim(text, chr(32) || chr(9) || chr(10) || chr(13)) = ''"
    reasons = (
        f"case when ({is_blank} or {fmt.skipped()}) and fault is null then '{BLANK}'"
        " when fault is not null then split_part(fault, ':', 1)"
        f" when is_malformed then {fmt.invalid_reason()} else {_codes(rejects)} end"
    )
    return [
        {
            "is_refused": " or ".join(
                ["fault is not null", "is_malformed", fmt.skipped(), *(flag for flag, _ in rejects)]
            ),
            "is_warned": " or ".join(flag for flag, _ in warns) or "false",
        },
        {
            "reasons": f"case when is_refused then {reasons} end",
            "warning_codes": f"case when is_warned then {_codes(warns)} end",
        },
    ]


def _codes(flags: list[tuple[str, str]]) -> str:
    listed = ", ".join(f"case when {flag} then '{code}' end" for flag, code in flags)
    return f"concat_ws(',', {listed or 'null'})"


def _unwarned(name: str, found: list[Check]) -> str:
    flags = [f"bad_{i}" for i, c in enumerate(found) if c.severity == "warn" and c.field == name]
    return f"case when not ({' or '.join(flags)}) then {name} end" if flags else name


def _masked(contract: Contract) -> list[dict[str, str]]:
    """Layers of the pseudonyms and of what is kept as it is."""
    kept = [f for f in contract.read_fields if f.is_stored and f.masking != "redact"]
    visitor = masking.keyed_hash(f"coalesce(out_client_id, '') || coalesce({AGENT_HASH}, '')")
    return [
        {
            **{f"out_{f.name}": _mask(f) for f in kept},
            "out_client_id": masking.pseudonym("client", "ok_client_ip"),
            "out_client_network": masking.network("ok_client_ip"),
            "open_host": host_or_network("ok_host"),
            "moment": _bounded("event_ts"),
        },
        {
            "utc": "make_timestamp(moment)",
            "out_visitor_id": f"case when ok_client_ip is not null or ok_user_agent is not null then {visitor} end",
        },
    ]


def _redacted(contract: Contract) -> list[dict[str, str]]:
    """Layers that cut secrets, and then the line's own identifiers, out of every text that is kept."""
    names = [f.name for f in contract.read_fields if f.is_stored and f.masking == "redact"]
    texts = [name for name in names if name not in ("host", "path")]  # those two are redacted already
    parts = ("path", "referrer_path")
    sensitive = contract.sensitive_parameters
    return [
        {f"bare_{name}": masking.redact_parameters(f"ok_{name}", sensitive) for name in texts},
        {
            **{f"open_{name}": masking.redact(f"bare_{name}") for name in texts},
            **{f"bare_{name}": masking.redact_parameters(f"open_{name}", sensitive) for name in parts},
            **{f"low_{name}": f"lower({name})" for name in _OWN_IDS},
        },
        {
            **{f"out_{name}": masking.without(f"open_{name}", _OWN_IDS) for name in texts},
            **{f"out_{name}": masking.without(f"bare_{name}", _OWN_IDS) for name in parts},
            # Names of hosts are in lower case, and the user's may be a part of one.
            "out_host": masking.without("open_host", _LOW_IDS),
            "out_referrer_host": masking.without("referrer_host", _LOW_IDS),
        },
    ]


def _mask(field: Field) -> str:
    value = f"ok_{field.name}"
    if field.logical_type == "timestamp":
        return f"make_timestamptz({_bounded(value)})"
    match field.masking:
        case "pseudonym":
            return masking.pseudonym(field.name, value)
        case "network":
            return masking.network(value)
        case _:
            return value


def _bounded(micros: str) -> str:
    return f"case when {micros} between {FIRST_MICROS} and {LAST_MICROS} then {micros} end"


def _output(field: Field) -> str:
    return f"{_output_value(field)}::{field.sql_type} as {field.name}"


def _output_value(field: Field) -> str:
    line = without_ending("text")
    line_id = f"coalesce(line_id, md5(fingerprint || ':' || source_line || ':' || {line}))"
    special = {
        **{name: name for name in agents.DERIVED},
        "event_id": f"case when is_refused or ok_source_event_id is null then {line_id}"
        " else md5('id:' || ok_source_event_id) end",
        "path": f"case when is_refused then {line} else out_path end",
        "query": "case when is_refused then concat_ws(chr(10), reasons, fault) else out_query end",
        "route": f"case when out_path = open_path then open_route else {urls.route('out_path')} end",
        "warnings": "warning_codes",
        "batch_id": "$batch_id",
        "contract_version": "$contract_version",
        "processed_at": "$processed_at",
        "source_object": "source_object",
        "source_line": "source_line",
        "year": f"case when is_refused then {REFUSED_YEAR} else year(utc) end",
        "month": "case when is_refused then 0 else month(utc) end",
        "day": "case when is_refused then 0 else day(utc) end",
    }
    return special.get(field.name, f"out_{field.name}")
