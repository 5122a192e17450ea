"""Check a rule's SQL predicate: an expression over one line's fields, and nothing that reads elsewhere."""

from __future__ import annotations

from loglode.errors import ContractError

# They read settings or the environment, call code of the engine's process, or plan a text as SQL.
_REFUSED = frozenset(
    "current_setting getenv getvariable java_method json_execute_serialized_sql json_serialize_plan"
    " reflect try_reflect write_log".split()
)


def check_predicate(where: str, predicate: str) -> None:
    """Raise ContractError unless the text is one expression without subqueries, parameters or aggregates.

    The predicate becomes part of the statement that loads lines. A parameter would be one of that statement,
    the pseudonymisation key for example.
    """
    # Only a contract with a predicate needs the parser.
    import sqlglot  # noqa: PLC0415
    from sqlglot import exp  # noqa: PLC0415

    try:
        trees = sqlglot.parse(predicate, read="duckdb")
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise ContractError(f"{where}: the predicate is not a SQL expression: {_line(predicate)}") from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Expression):
        raise ContractError(f"{where}: the predicate is not one SQL expression: {_line(predicate)}")
    for node in trees[0].walk():
        if node.comments:
            raise ContractError(f"{where}: the predicate contains a comment", hint="use `description`")
        if isinstance(node, exp.Query | exp.Table | exp.DDL | exp.DML | exp.Command):
            raise ContractError(
                f"{where}: the predicate contains a query", hint="use fields of the line only"
            )
        if isinstance(node, exp.Placeholder | exp.Parameter | exp.SessionParameter):
            raise ContractError(f"{where}: the predicate contains a parameter: {_line(node.sql('duckdb'))}")
        if isinstance(node, exp.AggFunc | exp.Window | exp.UDTF | exp.Star | exp.Columns):
            raise ContractError(f"{where}: the predicate must use one line only: {_line(node.sql('duckdb'))}")
        if isinstance(node, exp.Anonymous) and node.name.lower() in _REFUSED:
            raise ContractError(f"{where}: the predicate cannot use {node.name.lower()}()")


def _line(text: str) -> str:
    return " ".join(text.split())[:100]
