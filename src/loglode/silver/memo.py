"""Memos cache expensive derivations for values that repeat.

Before a batch is read, its first lines give tables of the agents, referrers and paths seen in them,
each with all that is derived from it. The statement looks a text up there and computes what is absent
itself, so a memo changes nothing but the time.
"""

from __future__ import annotations

from dataclasses import dataclass

from loglode.contract import Contract
from loglode.formats import Format
from loglode.silver import agents, masking, urls
from loglode.silver.canonical import canonical
from loglode.silver.layers import Layer, Layers, column
from loglode.sql import identifier, literal

AGENT_HASH = "agent_hash"


@dataclass(frozen=True, slots=True)
class Memo:
    """A table `name` by `field`'s text; `steps` are layers over the column `ok:<field>`, of whose columns
    `own:<name>` the `kept` ones are looked up."""

    name: str
    field: str
    steps: tuple[dict[str, str], ...]
    kept: tuple[str, ...]

    def statement(self, texts: str) -> str:
        """SELECT over one of `memo_texts` giving the table: the text as `key`, and the kept columns."""
        raw, text = column("raw", self.field), column("ok", self.field)
        found = f"(select distinct {raw} from ({texts}) where {raw} is not null)"
        layers = Layers(found, (Layer({f"ok:{self.field}": raw}), *map(Layer, self.steps)))
        return layers.select({"key": text, **{name: column("own", name) for name in self.kept}})

    @property
    def joined(self) -> Layer:
        """`memo:<kept>` of a line, and whether its text is known."""
        columns = {f"memo:{name}": f"memo.{identifier(name)}" for name in self.kept}
        return Layer(
            {**columns, f"memo:has_{self.field}": "memo.key is not null"},
            join=f" left join {self.name} as memo on {column('raw', self.field)} = memo.key",
        )

    def looked_up(self) -> list[dict[str, str]]:
        """The steps again, for use in the statement: computed only where the text is not known."""
        known = f"{column('memo', f'has_{self.field}')} and {column('ok', self.field)} is not null"
        return [
            {
                name: f"case when {known} then {self._memoized(name)} else {sql} end"
                for name, sql in step.items()
            }
            for step in self.steps
        ]

    def _memoized(self, name: str) -> str:
        kept = name.removeprefix("own:")
        return column("memo", kept) if kept in self.kept else "null"


def host_or_network(host: str) -> str:
    """Names stay; an address keeps its network only, and a token (in lower case here) nothing."""
    suspect = (
        r"_(live|test)_|gh[pousr]_|aiza[0-9a-z_-]{20}|eyj[0-9a-z_-]{9,}[.]eyj|(^|[.])akia[0-9a-z]{16}($|[.])"
    )
    within = "[0-9]{1,3}([.-][0-9]{1,3}){3}"  # as providers name the machines of their customers
    other = (
        f"case when regexp_matches({host}, {literal(suspect)}) then ':token' when regexp_matches({host}, '[g-z]')"
        f" then regexp_replace({host}, {literal(within)}, ':ip', 'g') else ':ip' end"
    )
    hides = literal(f"^[0-9.]+$|:|%|{within}|{suspect}")
    return (
        f"case when regexp_matches({host}, {hides})"
        f" then coalesce({masking.network(host)}, {other}) else {host} end"
    )


_AGENT, _REFERRER, _PATH = (column("ok", name) for name in ("user_agent", "referrer", "path"))
_ORIGIN, _TARGET = column("own", "referring_origin"), column("own", "referring_target")
_AGENTS = Memo(
    "agents",
    "user_agent",
    (
        {
            **{f"own:{name}": sql for name, sql in agents.agent_expressions(_AGENT).items()},
            f"own:{AGENT_HASH}": f"substr(md5({_AGENT}), 1, 12)",
        },
    ),
    (*agents.DERIVED, AGENT_HASH),
)
_REFERRERS = Memo(
    "referrers",
    "referrer",
    (
        {
            "own:referring_origin": urls.origin_host(_REFERRER),
            "own:referring_target": f"case when contains({_REFERRER}, '://') then {urls.without_origin(_REFERRER)} end",
        },
        {
            "own:referrer_host": host_or_network(_ORIGIN),
            "own:referring_path": urls.path_of(_TARGET),
        },
    ),
    ("referrer_host", "referring_path"),
)
_PATHS = Memo(
    "paths",
    "path",
    ({"own:open_route": urls.route(_PATH)},),
    ("open_route",),
)
MEMOS = (_AGENTS, _REFERRERS, _PATHS)


def memo_texts(contract: Contract, fmt: Format, known_keys: frozenset[str]) -> str:
    """SELECT over `lines` giving the texts that memos are about."""
    texts = {f"raw:{memo.field}": column("raw", memo.field) for memo in MEMOS}
    return canonical(contract, fmt, known_keys).select(texts)
