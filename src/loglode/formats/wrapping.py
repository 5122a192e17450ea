"""What shippers wrap around a line of any format: prefixes, and members of a JSON object.

Syslog: RFC 3164 and 5424. CRI: https://kubernetes.io/docs/concepts/cluster-administration/logging/. Docker's
json-file driver stores `{"log":"…","stream":"stdout","time":"…"}`; `docker compose logs` writes `web-1  | `,
`kubectl logs --prefix` writes `[pod/web/nginx] `, and grep the name of the file.
"""

from __future__ import annotations

import json
import re

from loglode.sql import literal

SAMPLE_LINES = 50
_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_BSD = r"[A-Z][a-z]{2} {1,2}[0-9]{1,2} (?:[0-9]{4} )?[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]+)?"
# A letter first: the name and the client of a classic load balancer's line would pass for host and tag.
_TAG = r"[A-Za-z][A-Za-z0-9_./-]*(?:\[[^\] ]*\])?:"
_DATA = r'(?:-|(?:\[[^\]"]*(?:"(?:[^"\\]|\\.)*"[^\]"]*)*\])+)'
_PREFIXES = (
    rf"(?:[0-9]+ )?<[0-9]{{1,3}}>1 (?:{_ISO}|-) [^ ]+ [^ ]+ [^ ]+ [^ ]+ {_DATA} ?",  # RFC 5424
    rf"(?:<[0-9]{{1,3}}>)?(?:{_BSD}|{_ISO}) (?:[A-Za-z0-9_.:-]+ )?{_TAG} ?",  # RFC 3164
    rf"{_ISO} (?:stdout|stderr) [FP](?::[A-Za-z:]+)? ",
    r"(?:\x1b\[[0-9;]*m)*[A-Za-z0-9][A-Za-z0-9_.-]* +\| ?(?:\x1b\[[0-9;]*m)* ?",
    r"\[(?:pod|container)/[A-Za-z0-9_./-]+\] ",
)
PREFIX = rf"^(?:\x{{FEFF}}|{'|'.join(_PREFIXES)})+"
# These may begin a line of some format too: only in front of an address or of an object.
_INSIDE = r"(?:[0-9]{1,3}(?:[.][0-9]{1,3}){3}[ ,:]|[0-9a-f]*:[0-9a-f:]+ - |\{)"
LOOSE = rf"^(?:{_ISO} |[^ \"{{}}|:\[\]]*[./][^ \"{{}}|:\[\]]*:(?:[0-9]+:)?)({_INSIDE})"
# Objects whose one member is the line: Docker's, and those of shippers that have not read the line.
_MEMBER = r'^\{[^{}]*"(?:log|message|MESSAGE)" ?: ?"'
_READ = r'"(?:status|status_code|response|method|verb|code|http|request)" ?:'


# The router's time is in its prefix, which its format reads itself.
_ROUTER = r" heroku(?:\[router\]: | router - )"


def may_contain(text: str) -> str:
    """Boolean expression, cheap: a JSON object may be a container of a line."""
    return f"(contains({text}, '\"log\":') or contains({text}, '\"message\"') or contains({text}, '\"MESSAGE\"'))"


def unwrapped(text: str, *, is_loose: bool = False) -> str:
    """Expression, never null: the line inside, or the text itself.

    `is_loose` also removes what may begin a line of some format too, a time or the name of a file, in front of
    an address or an object.
    """
    prefix = f"regexp_replace({text}, {literal(PREFIX)}, '')"
    router = f"case when regexp_matches({text}, {literal(_ROUTER)}) then {text} else {prefix} end"
    bare = f"case when regexp_matches({text}, {literal(PREFIX)}) then {router} else {text} end"
    if is_loose:
        bare = f"regexp_replace({bare}, {literal(LOOSE)}, '\\1')"
    is_object = f"regexp_matches({text}, {literal(_MEMBER)}) and not regexp_matches({text}, {literal(_READ)})"
    member = ", ".join(
        f"json_extract_string({text}, {literal(f'$.{name}')})" for name in ("log", "message", "MESSAGE")
    )
    inside = f"case when json_valid({text}) then coalesce({member}, {text}) else {text} end"
    return (
        f"case when not starts_with({text}, '{{') then {bare} when {is_object} then {inside} else {text} end"
    )


_PREFIX_RE = re.compile(PREFIX.replace(r"\x{FEFF}", "\ufeff"))
_ROUTER_RE = re.compile(_ROUTER)
_LOOSE_RE, _MEMBER_RE, _READ_RE = re.compile(LOOSE), re.compile(_MEMBER), re.compile(_READ)


def unwrapped_sample(sample: bytes, *, is_loose: bool = False) -> bytes:
    """The first lines of a sample without what is wrapped around them; the sample itself where nothing is."""
    lines = sample.split(b"\n")
    changed = [
        _line(line, is_loose=is_loose) if place < SAMPLE_LINES else line for place, line in enumerate(lines)
    ]
    return sample if changed == lines else b"\n".join(changed)


def _line(line: bytes, *, is_loose: bool) -> bytes:
    text = line[:65536].decode("utf-8", "surrogateescape")
    if not text.startswith("{"):
        inside = text if _ROUTER_RE.search(text) else _PREFIX_RE.sub("", text)
        inside = _LOOSE_RE.sub(r"\1", inside) if is_loose else inside
    elif _MEMBER_RE.search(text) and not _READ_RE.search(text):
        inside = _member(text)
    else:
        return line
    return line if inside == text else inside.encode("utf-8", "surrogateescape")


def _member(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    found = next((v for name in ("log", "message", "MESSAGE") if isinstance(v := value.get(name), str)), text)
    return found.rstrip("\n").replace("\n", " ").encode("utf-8", "replace").decode("utf-8")
