"""From lines of any format to `raw:*` texts that mean the same in all of them."""

from __future__ import annotations

import functools

from loglode.contract import Contract, Field
from loglode.formats import Format, durations, refusal
from loglode.formats.base import NO_TEXT
from loglode.silver import urls
from loglode.silver.layers import Layer, Layers, column
from loglode.sources.lines import UNPARSED
from loglode.sql import literals

# What the reader hands over of each line. Formats see these names, and those of their own steps.
LINE_COLUMNS = (
    "source_object",
    "fingerprint",
    "source_line",
    "text",
    "header",
    "key_count",
    "line_id",
    "fault",
)
# Names of columns with the text that a line holds of a field begin so.
LOGGED = "log:"
_SPECIAL = frozenset({"method", "client_ip", "country", "host", "path", "query"})


def logged(contract: Contract, fmt: Format, known_keys: frozenset[str]) -> Layers:
    """Layers over `lines`: `line:*`, whether and why a line is malformed, and `log:<field>`."""
    is_unparsed = f"split_part(fault, ':', 1) in ({literals(UNPARSED)})"
    own = Layers("lines", (Layer({**{name: name for name in LINE_COLUMNS}, "line:text": "text"}),)).add(
        {"text": f"case when {is_unparsed} then '' else text end"}, {"line": fmt.line()}
    )
    own = own.add(*fmt.steps(contract, known_keys), {"is_malformed": fmt.invalid()})
    columns = {
        **{f"line:{name}": name for name in LINE_COLUMNS if name != "text"},
        "line:text": column("line", "text"),
        "line:is_malformed": "is_malformed",
        "line:is_skipped": fmt.skipped(),
        "line:malformed_reason": f"case when is_malformed then {refusal(fmt)} end",
        **{f"{LOGGED}{name}": text for name, text in fmt.fields(contract, known_keys).items()},
    }
    return Layers(own, (Layer(columns),))


@functools.lru_cache(maxsize=8)
def canonical(contract: Contract, fmt: Format, known_keys: frozenset[str]) -> Layers:
    """Layers over `lines`: those of `logged`, and `raw:<field>` for each field that is read."""
    fields = fmt.fields(contract, known_keys)
    request, url, target = column("own", "request_line"), column("own", "url"), column("own", "target")
    is_request = urls.is_request(column("log", "request"))
    host, query = column("log", "host"), column("log", "query")
    return logged(contract, fmt, known_keys).add(
        {"own:request_line": f"case when {is_request} then {column('log', 'request')} end"},
        {
            # What was asked for: a path beside it may be what a server has rewritten it to.
            "own:url": f"coalesce({urls.request_target(request)}, {column('log', 'path')})",
            "raw:method": f"upper(coalesce({urls.request_method(request)}, {column('log', 'method')}))",
            "raw:client_ip": _client(column("log", "client_ip")),
            "raw:country": f"upper({column('log', 'country')})",
        },
        {"own:target": urls.without_origin(url)},
        {
            "raw:host": f"coalesce({urls.without_port(host)}, {urls.origin_host(url)})",
            "raw:path": urls.path_of(target),
            "raw:query": f"coalesce(case when {request} is null then nullif(ltrim({query}, '?'), '') end,"
            f" {urls.query_of(target)})",
        },
        {
            f"raw:{f.name}": _from_query(f, fields[f.name], is_marked=fmt.marks_units)
            for f in contract.read_fields
            if f.name not in _SPECIAL
        },
    )


def _from_query(field: Field, logged: str, *, is_marked: bool) -> str:
    text = column("log", field.name)
    if any(alias.unit for alias in field.aliases):
        return text if logged == NO_TEXT else durations.milliseconds(text, is_marked=is_marked)
    if field.query_parameter is None:
        return text
    value = urls.query_parameter(column("raw", "query"), field.query_parameter)
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
