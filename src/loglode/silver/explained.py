"""What each line is read as, and its verdict, without masking: for `loglode explain`, which stores nothing."""

from __future__ import annotations

from loglode.contract import Contract
from loglode.formats import Format
from loglode.silver.canonical import canonical
from loglode.silver.casts import cast
from loglode.silver.checks import checks
from loglode.silver.layers import Layer, column
from loglode.silver.statement import verdict


def explained_statement(contract: Contract, fmt: Format, known_keys: frozenset[str]) -> str:
    """SELECT over `lines`: their number and text, whether they are blank, reasons, warnings, and the typed fields
    as texts (times as UTC)."""
    read = {f.name: f for f in contract.read_fields}
    found = checks(contract)
    layers = canonical(contract, fmt, known_keys).add(
        {f"typed:{name}": cast(field, column("raw", name)) for name, field in read.items()},
        Layer(
            {f"bad:{i}": f"coalesce({c.fails}, false)" for i, c in enumerate(found)},
            plain={name: column("typed", name) for name in read},
        ),
        *verdict(found),
    )
    fields = {
        name: f"make_timestamp({column('typed', name)})::varchar"
        if field.logical_type == "timestamp"
        else f"{column('typed', name)}::varchar"
        for name, field in read.items()
    }
    names = ("source_line", "text", "is_blank", "reasons", "warnings")
    select = layers.select({**{f"line_{name}": column("line", name) for name in names}, **fields})
    return f"select * from ({select}) order by line_source_line"
