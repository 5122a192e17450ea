"""Memos: what is dear to work out of a text that comes again and again is worked out once.

Before a batch is read, its first lines give tables of the agents, referrers and paths seen in them,
each with all that is derived from it. The statement looks a text up there and works it out itself
only where it is absent, so a memo changes nothing but the time.
"""

from __future__ import annotations

from dataclasses import dataclass

from loglode.contract import Contract
from loglode.formats import Format
from loglode.silver import agents, masking, urls
from loglode.silver.canonical import canonical
from loglode.silver.layers import layer

AGENT_HASH = "agent_hash"


@dataclass(frozen=True, slots=True)
class Memo:
    """A table `name` by `field`'s text; `steps` are layers over the column `ok_<field>`, of which the
    `kept` columns are looked up."""

    name: str
    field: str
    steps: tuple[dict[str, str], ...]
    kept: tuple[str, ...]

    @property
    def is_known(self) -> str:
        """Name of the column that says whether the row's text is in the table."""
        return f"is_known_{self.field}"

    def statement(self, texts: str) -> str:
        """SELECT over one of `memo_texts` giving the table: the text as `key`, and the kept columns."""
        sql = f"select distinct raw_{self.field} as ok_{self.field} from ({texts})"
        for step in self.steps:
            sql = layer(sql, step)
        return f"select ok_{self.field} as key, {', '.join(self.kept)} from ({sql}) where key is not null"

    def joined(self, sql: str) -> str:
        """The layer below, with `memo_<kept>` and whether the text is known."""
        columns = ", ".join(f"m.{name} as memo_{name}" for name in self.kept)
        return (
            f"select l.*, {columns}, m.key is not null as {self.is_known}"
            f" from ({sql}) l left join {self.name} m on l.raw_{self.field} = m.key"
        )

    def looked_up(self) -> list[dict[str, str]]:
        """The steps again, for use in the statement: worked out only where the text is not known."""
        known = f"{self.is_known} and ok_{self.field} is not null"
        return [
            {
                name: f"case when {known} then {f'memo_{name}' if name in self.kept else 'null'} else {sql} end"
                for name, sql in step.items()
            }
            for step in self.steps
        ]


def host_or_network(host: str) -> str:
    """Names stay; an address keeps its network only, and a token (in lower case here) nothing."""
    suspect = (
        r"_(live|test)_|gh[pousr]_|aiza[0-9a-z_-]{20}|eyj[0-9a-z_-]{9,}[.]eyj|(^|[.])akia[0-9a-z]{16}($|[.])"
    )
    within = "[0-9]{1,3}([.-][0-9]{1,3}){3}"  # as providers name the machines of their customers
    other = (
        f"case when regexp_matches({host}, '{suspect}') then ':token'"
        f" when regexp_matches({host}, '[g-z]') then regexp_replace({host}, '{within}', ':ip', 'g') else ':ip' end"
    )
    return (
        f"case when regexp_matches({host}, '^[0-9.]+$|:|%|{within}|{suspect}')"
        f" then coalesce({masking.network(host)}, {other}) else {host} end"
    )


_AGENTS = Memo(
    "agents",
    "user_agent",
    (
        {
            **agents.agent_expressions("ok_user_agent"),
            AGENT_HASH: "substr(md5(ok_user_agent), 1, 12)",
        },
    ),
    (*agents.DERIVED, AGENT_HASH),
)
_REFERRERS = Memo(
    "referrers",
    "referrer",
    (
        {
            "referring_origin": urls.origin_host("ok_referrer"),
            "referring_target": f"case when contains(ok_referrer, '://') then {urls.without_origin('ok_referrer')} end",
        },
        {
            "referrer_host": host_or_network("referring_origin"),
            "referring_path": urls.path_of("referring_target"),
        },
        {"open_referrer_path": masking.redact("referring_path")},
    ),
    ("referrer_host", "open_referrer_path"),
)
_PATHS = Memo(
    "paths",
    "path",
    ({"open_path": masking.redact("ok_path")}, {"open_route": urls.route("open_path")}),
    ("open_path", "open_route"),
)
MEMOS = (_AGENTS, _REFERRERS, _PATHS)


def memo_texts(contract: Contract, fmt: Format, known_keys: frozenset[str]) -> str:
    """SELECT over `lines` giving the texts that memos are about."""
    fields = ", ".join(f"raw_{memo.field}" for memo in MEMOS)
    return f"select {fields} from ({canonical(contract, fmt, known_keys)})"
