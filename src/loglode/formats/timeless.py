"""Access lines that carry no time: uvicorn's, and the short forms of morgan (Express)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from loglode.formats.base import NO_TEXT
from loglode.formats.positional import Declaration, PositionalFormat, port_cut
from loglode.formats.registry import register
from loglode.formats.written import REQUEST, TARGET, template

if TYPE_CHECKING:
    from loglode.contract import Contract

_MILLISECONDS = {"duration": "-|[0-9.]+", "ms": "ms", "status": "-|[0-9]{3}"}


def _without_colours(text: str) -> str:
    return f"regexp_replace({text}, '\\x1b\\[[0-9;]*m', '', 'g')"


class _Timeless(PositionalFormat):
    is_of_requests = False
    rank = 1


@register
class UvicornFormat(_Timeless):
    """`INFO:     client:port - "request" status reason`."""

    title = "uvicorn access lines, which carry no time; every line is rejected (`event_ts_missing`)"
    source = "https://www.uvicorn.org/settings/#logging"
    traps = (
        "Add the time: `--log-config` with a formatter `%(asctime)s`, or gunicorn with `--access-logformat`, which writes combined.",
    )
    templates: ClassVar = {
        "uvicorn": template(
            f"""'INFO:     ', addr, ':51234 - "', {REQUEST}, '" ', status, ' OK'""",
            line_bytes=70,
            has_agent=False,
        )
    }
    declared = Declaration(
        # Four empty words: the level is padded with spaces.
        'level a b c d client dash "request" status',
        {"level": "[A-Z]+:", **dict.fromkeys("abcd", ""), "dash": "-", "status": "[0-9]{3}"},
    )
    values: ClassVar = {"client_ip": port_cut("p_client"), "request": "p_request", "status": "p_status"}


class _Morgan(_Timeless):
    source = "https://expressjs.com/en/resources/middleware/morgan.html"
    traps = ("Use morgan's `combined`, which carries the time, the client and the agent.",)
    values: ClassVar = {
        "client_ip": "p_client", "method": "p_method", "path": "p_target", "status": "p_status", "bytes_sent": "p_sent",
        "response_time_ms": "p_duration",
    }  # fmt: skip

    def fields(self, contract: Contract, known_keys: frozenset[str]) -> dict[str, str]:
        found = super().fields(contract, known_keys)
        return found if "client" in self.declared.text else {**found, "client_ip": NO_TEXT}


@register
class MorganShortFormat(_Morgan):
    """`client user method target protocol status bytes - duration ms`."""

    title = "morgan (Express), `short`: no time; every line is rejected (`event_ts_missing`)"
    templates: ClassVar = {
        "morgan-short": template(
            f"addr, ' - ', method, ' ', {TARGET}, ' HTTP/1.1 ', status, ' ', bytes, ' - ', took_ms, ' ms'",
            line_bytes=70,
            has_agent=False,
        )
    }
    declared = Declaration(
        "client user method target protocol status sent dash duration ms",
        {**_MILLISECONDS, "method": "[A-Z]+", "protocol": "HTTP/[0-9.]+", "dash": "-", "sent": "-|[0-9]+"},
    )


@register
class MorganTinyFormat(_Morgan):
    """`method target status bytes - duration ms`."""

    title = "morgan (Express), `tiny`: no time and no client; every line is rejected (`event_ts_missing`)"
    templates: ClassVar = {
        "morgan-tiny": template(
            f"method, ' ', {TARGET}, ' ', status, ' ', bytes, ' - ', took_ms, ' ms'",
            line_bytes=50,
            has_agent=False,
        )
    }
    declared = Declaration(
        "method target status sent dash duration ms",
        {**_MILLISECONDS, "method": "[A-Z]+", "dash": "-", "sent": "-|[0-9]+"},
    )


@register
class MorganDevFormat(_Morgan):
    """`method target status duration ms - bytes`, in colours where the output is a terminal."""

    title = "morgan (Express), `dev`: no time and no client; every line is rejected (`event_ts_missing`)"
    templates: ClassVar = {
        "morgan-dev": template(
            f"method, ' ', {TARGET}, ' ', status, ' ', took_ms, ' ms - ', bytes",
            line_bytes=50,
            has_agent=False,
        )
    }
    declared = Declaration(
        "method target status duration ms dash sent",
        {
            **_MILLISECONDS,
            "method": r"(?:\x1b\[[0-9;]*m)?[A-Z]+",
            "status": r"(?:\x1b\[[0-9;]*m)*[0-9]{3}(?:\x1b\[[0-9;]*m)*",
            "dash": "-",
        },
    )
    values: ClassVar = {
        **_Morgan.values,
        "method": _without_colours("p_method"),
        "status": _without_colours("p_status"),
        "bytes_sent": _without_colours("p_sent"),
    }
