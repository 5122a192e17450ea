"""The text of an access log line before its request: client, user, time and host, as SQL.

Nearly every line begins `address - user [time] `, which one regular expression recognises; the others are
taken apart by what their words are, never by how many there are. A visitor chooses the user name, so a time
or an address in it counts for nothing: the time is the last one, the client is before the user.
"""

from __future__ import annotations

from loglode.sql import literal

PLAIN = r"^[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]* - [^ \[\]]+ \[[^\[\]]+\] $"
_IPV4 = r"[0-9]{1,3}(?:[.][0-9]{1,3}){3}"
_IPV6 = rf"(?:[0-9A-Fa-f]{{1,4}}:){{7}}[0-9A-Fa-f]{{1,4}}|[0-9A-Fa-f:]*::[0-9A-Fa-f:]*(?:{_IPV4})?"
ADDRESS = rf"(?:\[(?:{_IPV6})(?:%[0-9A-Za-z]+)?\]|{_IPV6}|{_IPV4})(?::[0-9]{{1,5}})?"
_NAME = r"(?:[A-Za-z0-9_-]+(?:[.][A-Za-z0-9_-]+)+[.]?|localhost)(?::[0-9]{1,5})?"
# As proxies write those whom a request was forwarded for; the first address of the list is the client.
_LIST = rf"(?:(?:unknown|-), ?)*{ADDRESS}(?:, ?[^ ,]+)*"
# Words before the client: a virtual host, or what a shipper puts there. A lone `-` is where the client or the
# identity is missing; what follows it may be the visitor's own words.
_BEFORE = r"(?:- )?(?:(?:[^ -][^ ]*|-[^ ]+) )*?"
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?"
TIME = (
    rf"[0-9]{{1,2}}/[A-Za-z]{{3}}/[0-9]{{4}}[: ]{_CLOCK}(?: ?[+-][0-9]{{2}}:?[0-9]{{2}})?"
    rf"|[0-9]{{4}}[-/][0-9]{{2}}[-/][0-9]{{2}}[T ]{_CLOCK}(?:Z| ?[+-][0-9]{{2}}:?[0-9]{{2}})?"
)
_LAST_TIME = rf"^(.*[ \[])?({TIME})\]? ?([^\[\]]*)$"
_LAST_BRACKETS = r"^(.*)\[([^\[\]]*)\] ?$"
_WITH_ADDRESS = rf"^({_BEFORE})({_LIST})(?: (.*))?$"


def steps(text: str) -> list[dict[str, str]]:
    """Layers over the text before the request. The last one gives front_client, front_user, front_host and
    front_time, each '' or null where it is missing, and front_is_odd: no time was found, or no client."""
    return [
        {"front_is_plain": f"regexp_matches({text}, {literal(PLAIN)})"},
        {"front_text": _unless_plain(f"trim(regexp_replace({text}, '\\s+', ' ', 'g')) || ' '")},
        {
            "front_shape": _unless_plain(
                f"case when regexp_matches(front_text, {literal(_LAST_TIME)}) then 'time'"
                f" when regexp_matches(front_text, {literal(_LAST_BRACKETS)}) then 'brackets' else '' end"
            )
        },
        {
            "front_words": _unless_plain(f"rtrim({_around_time(1)}, ' [')"),
            "front_time": f"case when front_is_plain then split_part(split_part({text}, '[', 2), ']', 1)"
            f" else {_around_time(2)} end",
            "front_after": _unless_plain(
                f"case when front_shape = 'time' then trim({_group('front_text', _LAST_TIME, 3)}) end"
            ),
        },
        {
            "front_has_address": _unless_plain(f"regexp_matches(front_words, {literal(_WITH_ADDRESS)})"),
            "front_rest": _unless_plain(_group("front_words", _WITH_ADDRESS, 3)),
        },
        {
            "front_client": f"case when front_is_plain then split_part({text}, ' ', 1) when front_has_address then"
            f" {_group(_group('front_words', _WITH_ADDRESS, 2), f'({ADDRESS})', 1)} else {_named_client()} end",
            "front_user": f"case when front_is_plain then split_part({text}, ' ', 3) else {_user()} end",
            "front_host": _unless_plain(f"nullif({_host()}, '')"),
        },
        # A line may have no client (`-`, or a socket), but words that are none are not of this format.
        {
            "front_is_odd": "case when front_is_plain then false when front_shape = '' then true"
            " when front_client is not null and front_client <> '' then false"
            " else not regexp_matches(front_words, '^(-|unix:)') end"
        },
    ]


def _unless_plain(expression: str) -> str:
    return f"case when not front_is_plain then {expression} end"


def _group(text: str, pattern: str, number: int) -> str:
    return f"regexp_extract({text}, {literal(pattern)}, {number})"


def _around_time(number: int) -> str:
    found = {"time": _LAST_TIME, "brackets": _LAST_BRACKETS}
    cases = " ".join(
        f"when front_shape = '{shape}' then {_group('front_text', pattern, number)}"
        for shape, pattern in found.items()
    )
    return f"case {cases} else '' end"


# After the client: `- [forwarded] - user` as ingress-nginx wrote it, a host before `- user`, or `ident user`.
_INGRESS = r"^- \[[^\[\]]*\] - (.*)$"
_HOST_SECOND = rf"^({_NAME}) - (.*)$"
_IDENT = r"^[^ ]+ (.*)$"


def _user() -> str:
    after_address = (
        f"case when regexp_matches(front_rest, {literal(_INGRESS)}) then {_group('front_rest', _INGRESS, 1)}"
        f" when regexp_matches(front_rest, {literal(_HOST_SECOND)}) then {_group('front_rest', _HOST_SECOND, 2)}"
        f" else {_group('front_rest', _IDENT, 1)} end"
    )
    after_name = "case when split_part(front_words, ' ', 2) = '-' then regexp_extract(front_words, '^[^ ]+ [^ ]+ (.*)$', 1)"
    after_name += " when split_part(front_words, ' ', 3) = '-' then regexp_extract(front_words, '^[^ ]+ [^ ]+ [^ ]+ (.*)$', 1)"
    after_name += " else regexp_extract(front_words, '^[^ ]+ [^ ]+ (.*)$', 1) end"
    user = f"replace(case when front_has_address then {after_address} else {after_name} end, '\"', '')"
    # No user, and words of a format of one's own.
    return f"case when not starts_with({user}, '- ') then {user} end"


def _named_client() -> str:
    """A client that is logged by its name is the first word, or the second one behind a virtual host."""
    has_host = "split_part(front_words, ' ', 2) <> '-' and split_part(front_words, ' ', 3) = '-'"
    name = f"split_part(front_words, ' ', case when {has_host} then 2 else 1 end)"
    return f"case when regexp_full_match({name}, '[A-Za-z0-9_.-]*[A-Za-z0-9]') then {name} end"


def _host() -> str:
    before = f"trim({_group('front_words', _WITH_ADDRESS, 1)})"
    second, after = (
        _group("front_rest", _HOST_SECOND, 1),
        f"regexp_extract(front_after, {literal(f'^({_NAME})$')}, 1)",
    )
    named = "case when split_part(front_words, ' ', 2) <> '-' and split_part(front_words, ' ', 3) = '-' then split_part(front_words, ' ', 1) end"
    with_address = (
        f"coalesce(nullif(case when not contains({before}, ' ') then {before} end, ''), nullif({second}, ''))"
    )
    return f"coalesce(case when front_has_address then {with_address} else {named} end, {after})"
