"""Targets and referrers of requests as SQL: their parts, and the route that a path belongs to."""

from __future__ import annotations

from loglode.sql import literal, regex_escape

# Any token may be a method. One that is not in capitals is one where a target or the protocol follows.
_REQUEST = (
    r"^(?:[A-Z][A-Z_-]{2,31} [^ ]|[A-Za-z][A-Za-z0-9!#$%&*+.^_|~-]* (?:[/*]|[a-z]+://|.* HTTP/[0-9.]+$))"
)


def request_method(request: str) -> str:
    """Method of a request line."""
    return f"split_part({request}, ' ', 1)"


def request_target(request: str) -> str:
    """Target of a request line; it may hold spaces when the line ends with the protocol."""
    start = f"strpos({request}, ' ') + 1"
    protocol = (
        f"case when ends_with({request}, ' HTTP/1.1') then 9"
        f" when regexp_matches({request}, ' HTTP/[0-9.]+$') then strpos(reverse({request}), ' ') else 0 end"
    )
    return f"substr({request}, {start}, length({request}) - strpos({request}, ' ') - {protocol})"


def is_request(request: str) -> str:
    """Whether a text is a request line, `METHOD target [HTTP/x]`."""
    # Nearly every line begins so; only the others are matched.
    begins = f"case when starts_with({request}, 'GET /') then true else regexp_matches({request}, {literal(_REQUEST)}) end"
    return f"({begins} and not contains({request}, chr(10)))"


def without_origin(url: str) -> str:
    """Path and query of an absolute URL; anything else as it is."""
    rest = f"substr({url}, strpos({url}, '://') + 3)"
    # The path begins at the first slash; where there is none, a query may still follow the host.
    query = f"'/' || case when contains({rest}, '?') then substr({rest}, strpos({rest}, '?')) else '' end"
    return (
        f"case when contains({url}, '://') and not starts_with({url}, '/') then"
        f" case when contains({rest}, '/') then substr({rest}, strpos({rest}, '/')) else {query} end"
        f" else {url} end"
    )


def origin_host(url: str) -> str:
    """Host of an absolute URL in lower case, without user and port; null for a relative one."""
    plain = f"split_part({url}, '/', 3)"
    whole = f"regexp_extract({url}, '^[^/]*//(?:[^/?#]*(?:@|%40))?([^/?#]*)', 1)"
    return (
        f"case when contains({url}, '://') then case when regexp_full_match({plain}, '[a-z0-9.-]+') then {plain}"
        f" else nullif({without_port(whole)}, '') end end"
    )


def without_port(host: str) -> str:
    """A host in lower case without its port; the brackets of an IPv6 address go too."""
    # One colon divides a name from its port; several are an address.
    bare = f"regexp_replace({host}, '(?s)^\\[([^]]*).*$|^([^:]*):[^:]*$', '\\1\\2')"
    return f"lower(case when contains({host}, ':') then {bare} else {host} end)"


def path_of(url: str) -> str:
    """The part before query and fragment; the root for an origin alone."""
    path = f"split_part(split_part({url}, '?', 1), '#', 1)"
    return f"case when {url} = '' then '/' when contains({url}, '?') or contains({url}, '#') then {path} else {url} end"


def query_of(url: str) -> str:
    """The part after the first question mark, without the fragment; null where there is none."""
    query = f"split_part(substr({url}, strpos({url}, '?') + 1), '#', 1)"
    return f"case when contains({url}, '?') then nullif({query}, '') end"


def query_parameter(query: str, name: str) -> str:
    """Value of one parameter, `+` read as a space but in an e-mail address; null where it is absent or empty."""
    pattern = literal(f"(?:^|&){regex_escape(name)}=([^&]*)")
    found = f"regexp_extract({query}, {pattern}, 1)"
    is_address = f"contains({found}, '@') or contains({found}, '%40')"
    value = f"nullif(case when {is_address} then {found} else replace({found}, '+', ' ') end, '')"
    return f"case when contains({query}, {literal(name + '=')}) then {value} end"


def route(path: str) -> str:
    """The path with identifiers replaced: numbers by :id, UUIDs by :uuid, long hexadecimals by :hash."""
    kinds = (
        ("/[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(/|$)", r"/:uuid\1"),
        ("/[0-9]+(/|$)", r"/:id\1"),
        ("/[0-9a-fA-F]{16,}(/|$)", r"/:hash\1"),
    )
    text = path
    # Neighbours share a slash, which a match consumes: the second pass finds the others.
    for pattern, word in kinds * 2:
        text = f"regexp_replace({text}, {literal(pattern)}, {literal(word)}, 'g')"
    return f"case when regexp_matches({path}, '/[0-9]|/[0-9a-fA-F]{{8}}') then {text} else {path} end"
