"""The one statement that turns lines into silver rows and refused lines.

It is built as layers, each a projection over the one below, so that every value is worked out once
and has a name: lines -> format's steps -> raw_* texts -> typed -> checked -> masked and derived.

Refused and blank lines come out of the same pass, marked by year 0, with the text in `path`, the
reasons in `query` and the line's id in `event_id`; the engine sends them to quarantine. One pass,
because reading and parsing is what costs most.
"""

from __future__ import annotations

from loglode.contract import Contract, Field
from loglode.formats import Format
from loglode.silver import agents, masking, urls
from loglode.silver.casts import cast
from loglode.silver.checks import Check, checks

REFUSED_YEAR = 0
BLANK = "blank"
# Years 1 to 9999, in microseconds: beyond them the engine would raise instead of giving null.
_FIRST_MICROS, _LAST_MICROS = -62_135_596_800_000_000, 253_402_300_799_999_999
_AGENT_HASH = "agent_hash"


def silver_statement(contract: Contract, fmt: Format, known_keys: frozenset[str]) -> str:
    """SELECT over the relations `lines` and `agents`; columns are the contract's stored fields.

    Parameters: $pseudonym_key, $batch_id, $processed_at (timestamp with time zone).
    """
    read = {f.name: f for f in contract.read_fields}
    sql = _canonical(contract, fmt, known_keys)
    sql = (
        f"select l.*, {', '.join(f'a.{c} as memo_{c}' for c in (*agents.DERIVED, _AGENT_HASH))},"
        f" a.agent is not null as is_known_agent from ({sql}) l left join agents a on l.raw_user_agent = a.agent"
    )
    sql = _layer(sql, {name: cast(field, f"raw_{name}") for name, field in read.items()})
    found = checks(contract)
    sql = _layer(sql, {f"bad_{i}": f"coalesce({c.fails}, false)" for i, c in enumerate(found)})
    sql = _layer(sql, _verdict(found, fmt))
    sql = _layer(sql, {f"ok_{name}": _unwarned(name, found) for name in read})
    for layer in (*_derived(contract), *_redactions(contract)):
        sql = _layer(sql, layer)
    return f"select {', '.join(_output(f) for f in contract.stored_fields)} from ({sql})"


def agents_statement(contract: Contract, fmt: Format, known_keys: frozenset[str]) -> str:
    """SELECT over `lines` giving each distinct agent with what is derived from it.

    Agents repeat: what they mean is worked out once for those at the start of a batch and looked up
    for the rest; an agent that is not in the table is worked out where it comes.
    """
    sql = f"select distinct raw_user_agent as agent from ({_canonical(contract, fmt, known_keys)})"
    derived = {**agents.agent_expressions("agent"), _AGENT_HASH: _agent_hash("agent")}
    return f"{_select(sql, derived)} where agent is not null"


def _layer(below: str, columns: dict[str, str]) -> str:
    return _select(below, columns) if columns else below


def _select(below: str, columns: dict[str, str]) -> str:
    return f"select *, {', '.join(f'{sql} as {name}' for name, sql in columns.items())} from ({below})"


def _canonical(contract: Contract, fmt: Format, known_keys: frozenset[str]) -> str:
    """Layers from lines to `raw_*` texts that mean the same in every format."""
    sql = "select * from lines"
    for step in fmt.steps(contract, known_keys):
        sql = _layer(sql, step)
    columns = {f"log_{name}": text for name, text in fmt.fields(contract, known_keys).items()}
    sql = _layer(sql, {"is_malformed": fmt.invalid(), **columns})
    sql = _layer(
        sql,
        {
            "url": f"coalesce(log_path, {urls.request_target('log_request')})",
            "raw_method": f"upper(coalesce(log_method, {urls.request_method('log_request')}))",
            "raw_client_ip": _client("log_client_ip"),
            "raw_country": "upper(log_country)",
        },
    )
    sql = _layer(sql, {"target": urls.without_origin("url")})
    sql = _layer(
        sql,
        {
            "raw_host": f"coalesce({urls.without_port('log_host')}, {urls.origin_host('url')})",
            "raw_path": urls.path_of("target"),
            "raw_query": f"coalesce(nullif(ltrim(log_query, '?'), ''), {urls.query_of('target')})",
        },
    )
    done = {"method", "client_ip", "country", "host", "path", "query"}
    rest = {f"raw_{f.name}": _from_query(f) for f in contract.read_fields if f.name not in done}
    return _layer(sql, rest)


def _from_query(field: Field) -> str:
    text = f"log_{field.name}"
    if field.query_parameter is None:
        return text
    return f"coalesce({text}, {urls.query_parameter('raw_query', field.query_parameter)})"


def _client(text: str) -> str:
    """First of a list of forwarded addresses, without port or brackets."""
    first = f"trim(split_part({text}, ',', 1))"
    bare = urls.without_port(f"replace({first}, '::ffff:', '')")
    return f"case when contains({text}, ',') or contains({text}, ':') then {bare} else {text} end"


def _verdict(found: list[Check], fmt: Format) -> dict[str, str]:
    rejects = [(f"bad_{i}", c.code) for i, c in enumerate(found) if c.severity == "reject"]
    warns = [(f"bad_{i}", c.code) for i, c in enumerate(found) if c.severity == "warn"]
    any_reject = " or ".join(["fault is not null", "is_malformed", *(flag for flag, _ in rejects)])
    codes = ", ".join(f"case when {flag} then '{code}' end" for flag, code in rejects)
    reasons = (
        "case when trim(text, chr(32) || chr(9) || chr(10) || chr(13)) = '' and fault is null"
        f" then '{BLANK}' when fault is not null then split_part(fault, ':', 1)"
        f" when is_malformed then {fmt.invalid_reason()} else concat_ws(',', {codes}) end"
    )
    warned = ", ".join(f"case when {flag} then '{code}' end" for flag, code in warns)
    any_warn = " or ".join(flag for flag, _ in warns) or "false"
    return {
        "is_refused": f"({any_reject})",
        "reasons": f"case when {any_reject} then {reasons} end",
        "warning_codes": f"case when {any_warn} then concat_ws(',', {warned or 'null'}) end",
    }


def _unwarned(name: str, found: list[Check]) -> str:
    flags = [f"bad_{i}" for i, c in enumerate(found) if c.severity == "warn" and c.field == name]
    return f"case when not ({' or '.join(flags)}) then {name} end" if flags else name


def _redactions(contract: Contract) -> list[dict[str, str]]:
    """Layers that cut secrets out of every text that is kept: `out_<name>` of each."""
    texts = {f.name: f"ok_{f.name}" for f in contract.read_fields if f.is_stored and f.masking == "redact"}
    del texts["host"]
    texts["referrer_path"] = "referring_path"
    parameters = {"query": masking.redact_parameters(texts["query"], contract.sensitive_parameters)}
    return [
        {f"open_{name}": parameters.get(name, column) for name, column in texts.items()},
        {f"cut_{name}": masking.without(f"open_{name}", ("ok_user_id", "ok_session_id")) for name in texts},
        {f"out_{name}": masking.redact(f"cut_{name}") for name in texts},
    ]


def _derived(contract: Contract) -> list[dict[str, str]]:
    """Layers of the pseudonyms and of what is worked out from address, agent and referrer."""
    kept = [f for f in contract.read_fields if f.is_stored and f.masking != "redact"]
    return [
        {
            **{f"out_{f.name}": _mask(f) for f in kept},
            "out_client_id": masking.pseudonym("client", "ok_client_ip"),
            "out_client_network": masking.network("ok_client_ip"),
            "out_host": _host("ok_host"),
            "referring_host": urls.origin_host("ok_referrer"),
            "referring_target": f"case when contains(ok_referrer, '://') then {urls.without_origin('ok_referrer')} end",
            "agent_key": f"case when is_known_agent then memo_{_AGENT_HASH} else {_agent_hash('ok_user_agent')} end",
            "moment": _bounded("event_ts"),
            **{
                f"out_{name}": f"case when is_known_agent then memo_{name} else {sql} end"
                for name, sql in agents.agent_expressions("ok_user_agent").items()
            },
        },
        {
            "out_referrer_host": _host("referring_host"),
            "referring_path": urls.path_of("referring_target"),
            "utc": "make_timestamp(moment)",
            "out_visitor_id": "case when ok_client_ip is not null or ok_user_agent is not null then "
            + masking.pseudonym("visitor", "coalesce(out_client_id, '') || coalesce(agent_key, '')")
            + " end",
        },
    ]


def _bounded(micros: str) -> str:
    return f"case when {micros} between {_FIRST_MICROS} and {_LAST_MICROS} then {micros} end"


def _agent_hash(agent: str) -> str:
    return f"substr(md5({agent}), 1, 12)"


def _host(host: str) -> str:
    """Names stay; an address keeps its network only."""
    return (
        f"case when regexp_matches({host}, '^[0-9.]+$|:') then coalesce({masking.network(host)}, ':ip')"
        f" else {host} end"
    )


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


def _output(field: Field) -> str:
    return f"{_output_value(field)}::{field.sql_type} as {field.name}"


def _output_value(field: Field) -> str:
    line = "rtrim(text, chr(10) || chr(13))"
    line_id = f"coalesce(line_id, md5(fingerprint || ':' || source_line || ':' || {line}))"
    special = {
        "event_id": f"case when is_refused or ok_source_event_id is null then {line_id}"
        " else md5('id:' || ok_source_event_id) end",
        "path": f"case when is_refused then {line} else out_path end",
        "query": "case when is_refused then concat_ws(chr(10), reasons, fault) else out_query end",
        "route": f"case when not is_refused then {urls.route('out_path')} end",
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
