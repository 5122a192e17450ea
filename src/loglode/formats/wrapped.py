"""What shippers put around a line: syslog, Kubernetes (CRI), Docker and Docker Compose.

Their prefixes are recognised by what they look like, and the line is what is behind them.
"""

from __future__ import annotations

import json
import re
from typing import Final

from loglode.sql import literal

_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_PROGRAM = r"[^ ]+ [^ \[\]:\"]+(?:\[[0-9]+\])?: "
_PRIORITY = r"(?:<[0-9]{1,3}>)?"
# Linear, in both engines and in Python.
PREFIX: Final = "^(?:" + "|".join(
    (
        rf"{_PRIORITY}[A-Z][a-z]{{2}} [ 0-9][0-9] [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}} {_PROGRAM}",  # RFC 3164
        rf"<[0-9]{{1,3}}>1 (?:{_ISO}|-) [^ ]+ [^ ]+ [^ ]+ [^ ]+ (?:-|\[[^\]]*\]) ",  # RFC 5424
        rf"{_PRIORITY}{_ISO} {_PROGRAM}",  # as rsyslog writes files
        rf"{_ISO} (?:stdout|stderr) F ",  # CRI
        r"[A-Za-z0-9][A-Za-z0-9_.-]* +\| ",  # Docker Compose
    )
) + ")"  # fmt: skip
_DOCKER: Final = '{"log":"'
_COMPILED = re.compile(PREFIX.encode())


def unwrapped(text: str) -> str:
    """Expression for the line inside a wrapping; a line without one as it is."""
    inside = f"json_extract_string(case when json_valid({text}) then {text} end, '$.log')"
    return (
        f"case when starts_with({text}, {literal(_DOCKER)}) then coalesce({inside}, {text})"
        f" when regexp_matches({text}, {literal(PREFIX)}) then regexp_replace({text}, {literal(PREFIX)}, '')"
        f" else {text} end"
    )


def unwrap(line: bytes) -> bytes:
    """The same of a line's bytes."""
    if not line.startswith(_DOCKER.encode()):
        return _COMPILED.sub(b"", line, count=1)
    try:
        inside = json.loads(line).get("log")
    except (ValueError, RecursionError):
        return line
    return inside.encode() if isinstance(inside, str) else line
