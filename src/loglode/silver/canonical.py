"""From lines of any format to `raw_*` texts that mean the same in all of them."""

from __future__ import annotations

from loglode.contract import Contract, Field
from loglode.formats import Format
from loglode.formats.base import NO_TEXT
from loglode.silver import urls
from loglode.silver.layers import layer


def logged(contract: Contract, fmt: Format, known_keys: frozenset[str]) -> str:
    """SELECT over `lines`: its columns, those of the format's steps, `is_malformed`, and `log_<field>`."""
    sql = layer("select * from lines", {"line": fmt.line()})
    for step in fmt.steps(contract, known_keys):
        sql = layer(sql, step)
    columns = {f"log_{name}": text for name, text in fmt.fields(contract, known_keys).items()}
    return layer(sql, {"is_malformed": fmt.invalid(), **columns})


def canonical(contract: Contract, fmt: Format, known_keys: frozenset[str]) -> str:
    """SELECT over `lines`: its columns, `is_malformed`, and `raw_<field>` for each field that is read."""
    sql = logged(contract, fmt, known_keys)
    fields = fmt.fields(contract, known_keys)
    sql = layer(sql, {"request_line": f"case when {urls.is_request('log_request')} then log_request end"})
    sql = layer(
        sql,
        {
            "url": f"coalesce(log_path, {urls.request_target('request_line')})",
            "raw_method": f"upper(coalesce(log_method, {urls.request_method('request_line')}))",
            "raw_client_ip": _client("log_client_ip"),
            "raw_country": "upper(log_country)",
        },
    )
    sql = layer(sql, {"target": urls.without_origin("url")})
    sql = layer(
        sql,
        {
            "raw_host": f"coalesce({urls.without_port('log_host')}, {urls.origin_host('url')})",
            "raw_path": urls.path_of("target"),
            "raw_query": f"coalesce(nullif(ltrim(log_query, '?'), ''), {urls.query_of('target')})",
        },
    )
    done = {"method", "client_ip", "country", "host", "path", "query"}
    rest = {
        f"raw_{f.name}": _from_query(f, fields[f.name]) for f in contract.read_fields if f.name not in done
    }
    return layer(sql, rest)


def _from_query(field: Field, logged: str) -> str:
    text = f"log_{field.name}"
    if field.query_parameter is None:
        return text
    value = urls.query_parameter("raw_query", field.query_parameter)
    return value if logged == NO_TEXT else f"coalesce({text}, {value})"


def _client(text: str) -> str:
    """First of a list of forwarded addresses, without port or brackets."""
    bare = urls.without_port(f"replace(trim(split_part({text}, ',', 1)), '::ffff:', '')")
    # An IPv6 address alone, as it is, is by far the most frequent of those with a colon.
    plain = f"not contains({text}, ',') and regexp_full_match({text}, '(?:[0-9a-f]*:){{2,}}[0-9a-f]*')"
    return (
        f"case when not contains({text}, ':') and not contains({text}, ',') then {text}"
        f" when {plain} then {text} else {bare} end"
    )
