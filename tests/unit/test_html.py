"""What a notebook shows of values that attackers wrote."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from loglode.html import MAX_CELL, MAX_COLUMNS, MAX_ROWS, Report, html_table

TAGS = {"table", "thead", "tbody", "tr", "th", "td", "p", "h4"}
VALUES = st.recursive(
    st.text(max_size=20) | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


class Seen(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.others: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.others.extend(name for name, _ in attrs)

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_decl(self, decl: str) -> None:
        self.others.append(decl)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@given(st.text(), VALUES)
@example("<b onclick=x>", "<script>alert(1)</script>")
@example("<!-- x", "<![CDATA[x]]>")
@example("\u202e", "$x$\x00\x1b[31m")
def test_values_are_text_and_nothing_else(name: str, value: Any) -> None:
    shown = html_table([name], [[value]])
    seen = Seen(shown)
    assert set(seen.tags) <= TAGS and not seen.others
    assert shown.isprintable() and "$" not in shown


@given(VALUES, st.dictionaries(st.text(max_size=9), VALUES, max_size=4))
def test_a_report_of_any_values_is_shown(value: Any, facts: dict[str, Any]) -> None:
    class Everything(Report):
        def as_dict(self) -> dict[str, Any]:
            return {**facts, "rows": [{"<a>": value, "b": 1}]}

    seen = Seen(Everything()._repr_html_())
    assert set(seen.tags) <= TAGS and not seen.others


def test_sizes_are_bounded_and_what_is_cut_is_counted() -> None:
    columns = [f"c{i}" for i in range(MAX_COLUMNS + 3)]
    seen = Seen(html_table(columns, [["x" * 10_000] * len(columns)] * (MAX_ROWS + 7), note="a note"))
    assert seen.tags.count("th") == MAX_COLUMNS
    assert seen.tags.count("td") == MAX_COLUMNS * MAX_ROWS
    assert max(map(len, seen.texts)) == MAX_CELL
    assert seen.texts[-1] == "a note; 7 more rows; 3 more columns"
