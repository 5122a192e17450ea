"""One module quotes names and texts for SQL; nothing else in the package does it by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglode import sql
from loglode.silver import urls

SOURCE = Path(__file__).resolve().parents[2] / "src" / "loglode"
# The one that quotes for SQL, and the one that quotes for CSV.
QUOTING = {SOURCE / "sql.py", SOURCE / "cli" / "output.py"}
MODULES = sorted(set(SOURCE.rglob("*.py")) - QUOTING)
CONNECTION = duckdb.connect(config={"threads": "1"})
# Any text without NUL, which SQL has no way to write.
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=30)
_SQL = re.compile(
    r"\b(select|where|from|case when|copy|set|and|filter|join|is null|in \(|[a-z]+_[a-z]+\()\b", re.IGNORECASE
)


@given(text=TEXTS)
def test_literals_hold_any_text(text: str) -> None:
    assert CONNECTION.execute(f"select {sql.literal(text)}").fetchall() == [(text,)]


@given(name=TEXTS)
def test_identifiers_name_any_column(name: str) -> None:
    found = CONNECTION.execute(f"select {sql.identifier(name)} from (select 1 as {sql.identifier(name)})")
    assert found.fetchall() == [(1,)]


@given(text=TEXTS, other=TEXTS)
def test_escaped_texts_match_themselves_alone(text: str, other: str) -> None:
    pattern = sql.literal(sql.regex_escape(text))
    ask = f"select regexp_full_match($own, {pattern}), regexp_full_match($other, {pattern})"
    found = CONNECTION.execute(ask, {"own": text, "other": other}).fetchall()
    assert found == [(True, text == other)]


@pytest.mark.parametrize(
    "name", ["utm.source", "a'b", "x[y]", "a+b", "(", "a\\", "^", "$x", "a|b", '"', "q*", "utm_source"]
)
def test_parameters_of_any_name_match_literally(name: str) -> None:
    def ask(query: str) -> str | None:
        expression = urls.query_parameter("q", name)
        ((value,),) = CONNECTION.execute(
            f"select {expression} from (select $q as q)", {"q": query}
        ).fetchall()
        return None if value is None else str(value)

    assert ask(f"a=1&{name}=found&b=2") == "found"
    assert ask(f"{name}=first") == "first"
    assert ask(f"x{name}=other") is None
    assert ask("utmXsource=other&aab=3&xy=4&x=5") is None


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_quotes_by_hand(path: Path) -> None:
    assert list(quoted_by_hand(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    [
        """f"select '{x}'" """,
        """f"select a from t where b = '{x}' and c" """,
        """f'select "{x}" from t' """,
        """x.replace("'", "''")""",
        """x.replace('"', '""')""",
    ],
)
def test_the_scan_sees_what_it_looks_for(code: str) -> None:
    assert len(list(quoted_by_hand(code))) == 1


def quoted_by_hand(code: str) -> Iterator[int]:
    """Lines that double quotes, or put a value between quotes in a text that looks like SQL."""
    for node in ast.walk(ast.parse(code.strip())):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="replace"),
                args=[ast.Constant(value=("'" | '"') as one), ast.Constant(value=two)],
            ) if two == one * 2:
                yield node.lineno
            case ast.JoinedStr(values=parts):
                text = "".join(str(p.value) if isinstance(p, ast.Constant) else "\x00" for p in parts)
                if re.search(r"'\x00'|\"\x00\"", text) and _SQL.search(text):
                    yield node.lineno
