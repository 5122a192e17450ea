"""Check a user's statement before it runs: it may read the lake's tables and nothing else.

DuckDB parses the text itself (`json_serialize_sql`), so the check sees exactly the tree that runs.
Everything that can name a source of rows is on an allow-list; a kind of node that this module does not know
is refused. The connection is restricted as well (`session.restrict`): this check is the first of two layers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from loglode.errors import QueryError
from loglode.sql import literal
from loglode.text import visible

# Table functions that make rows from their arguments or list what the engine offers; none reads a file.
TABLE_FUNCTIONS = frozenset(
    "unnest range generate_series repeat repeat_row json_each json_tree"
    " duckdb_columns duckdb_functions duckdb_types duckdb_keywords pg_timezone_names icu_calendar_names".split()
)
# Functions that show settings and paths, plan another text as SQL, or write to the engine's log.
REFUSED_FUNCTIONS = frozenset(
    "current_setting getenv getvariable json_execute_serialized_sql json_serialize_plan pg_get_viewdef"
    " parse_duckdb_log_message query query_table write_log".split()
)
_CATALOG_VIEWS = frozenset({"tables", "columns", "schemata"})
_SHOWN = frozenset({"", '"tables"', '"databases"', "__show_tables_expanded"})
_PLAIN_SOURCES = frozenset({"EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SUBQUERY"})
_COMMENT = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)"
_EXPLAIN = re.compile(
    rf"{_COMMENT}*explain\b(?:{_COMMENT}*analyze\b)?(?:{_COMMENT}*\([^()]*\))?", re.IGNORECASE | re.DOTALL
)
_ONE_SELECT = "write one SELECT; DESCRIBE, SUMMARIZE, SHOW TABLES and EXPLAIN work too"

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Scope:
    """Names that a table reference may use: the lake's tables, and the CTEs that are visible there."""

    tables: frozenset[str]
    ctes: frozenset[str] = frozenset()

    def with_cte(self, name: str) -> _Scope:
        return _Scope(self.tables, self.ctes | {name.lower()})


def checked(connection: duckdb.DuckDBPyConnection, sql: str, names: Collection[str]) -> duckdb.Statement:
    """The one statement in `sql`, if it reads nothing but tables of these names. Raises QueryError.

    Raises duckdb.Error for a text that is not SQL.
    """
    if "\0" in sql:
        raise QueryError("the query contains a NUL character", hint="remove it")
    require_text(sql, "the query")
    statements = connection.extract_statements(sql)
    kinds = [statement.type for statement in statements]
    if len(statements) != 1:
        raise QueryError(f"the query contains {len(statements)} statements", hint=_hint(kinds))
    if kinds[0] == duckdb.StatementType.EXPLAIN:
        select = _EXPLAIN.sub("", sql, count=1)
    elif kinds[0] == duckdb.StatementType.SELECT:
        select = sql
    else:
        raise QueryError(f"a query cannot run {kinds[0].name}: it only reads", hint=_ONE_SELECT)
    scope = _Scope(frozenset(name.lower() for name in names))
    for node, inner in _nodes(_parsed(connection, select), scope):
        _check(node, inner)
    return statements[0]


def require_text(value: object, where: str) -> None:
    """Raises QueryError for a text that is not Unicode, such as undecodable bytes of a command line."""
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise QueryError(
                f"{where} contains bytes that are no text: {visible(value)}", hint="use UTF-8"
            ) from error


def _hint(kinds: Collection[duckdb.StatementType]) -> str:
    # DuckDB expands PIVOT without a list of values into two statements.
    if duckdb.StatementType.CREATE in kinds and duckdb.StatementType.SELECT in kinds:
        return "a PIVOT must list its values: `pivot t on column in ('a', 'b') using sum(x)`"
    return _ONE_SELECT


def _parsed(connection: duckdb.DuckDBPyConnection, select: str) -> list[Node]:
    """The statement as DuckDB's own syntax tree. Raises QueryError for anything but one SELECT."""
    row = connection.execute(f"select json_serialize_sql({literal(select)})").fetchone()
    try:
        tree = json.loads(row[0]) if row else {}
    except RecursionError as error:
        raise QueryError("the query is nested too deeply", hint="split it with CTEs (`with`)") from error
    found: list[Node] = tree.get("statements", [])
    if tree.get("error", True) or len(found) != 1:
        raise QueryError("this statement is not a SELECT", hint=_ONE_SELECT)
    return found


def _nodes(tree: list[Node], scope: _Scope) -> Iterator[tuple[Node, _Scope]]:
    """Every object of the tree with the names that it may use. A loop, because trees may be deep."""
    stack: list[tuple[Any, _Scope]] = [(tree, scope)]
    while stack:
        value, inner = stack.pop()
        if isinstance(value, list):
            stack.extend((item, inner) for item in value)
        elif isinstance(value, dict):
            yield value, inner
            for entry in value.get("cte_map", {}).get("map", []):
                outer, inner = inner, inner.with_cte(entry["key"])
                is_recursive = entry["value"]["query"]["node"]["type"] == "RECURSIVE_CTE_NODE"
                stack.append((entry["value"], inner if is_recursive else outer))
            stack.extend((child, inner) for key, child in value.items() if key != "cte_map")


def _check(node: Node, scope: _Scope) -> None:
    if node.get("class") == "FUNCTION":
        _check_function(node, REFUSED_FUNCTIONS)
    is_source = "alias" in node and "sample" in node and "class" not in node
    if not is_source:
        return
    match node["type"]:
        case "BASE_TABLE":
            _check_table(node, scope)
        case "TABLE_FUNCTION":
            name = str(node["function"].get("function_name", "")).lower()
            if name not in TABLE_FUNCTIONS:
                raise QueryError(f"a query cannot use {name}()", hint=_tables(scope))
        case "SHOW_REF":
            if node["table_name"] not in _SHOWN:
                raise QueryError(f"a query cannot show {node['table_name']}", hint="use SHOW TABLES")
        case kind if kind not in _PLAIN_SOURCES:
            raise QueryError(f"a query cannot read from {kind}", hint=_tables(scope))


def _check_function(node: Node, refused: Collection[str]) -> None:
    name = str(node["function_name"]).lower()
    if name in refused:
        raise QueryError(f"a query cannot use {name}()", hint="remove it")


def _check_table(node: Node, scope: _Scope) -> None:
    catalog, schema, name = (str(node[key]).lower() for key in ("catalog_name", "schema_name", "table_name"))
    is_bare = not catalog and not schema
    is_ours = name in scope.tables and catalog in ("", "memory") and schema in ("", "main")
    is_catalog = schema == "information_schema" and catalog in ("", "system") and name in _CATALOG_VIEWS
    if not (is_ours or is_catalog or (is_bare and name in scope.ctes)):
        written = ".".join(
            str(node[key]) for key in ("catalog_name", "schema_name", "table_name") if node[key]
        )
        raise QueryError(f"{written} is not a table of this lake", hint=_tables(scope))


def _tables(scope: _Scope) -> str:
    return f"tables: {', '.join(sorted(scope.tables))}"
