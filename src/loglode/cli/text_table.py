"""Laying out a table: as columns, or record by record where the terminal is too narrow for them."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Sequence
from typing import Final

Cell = tuple[str, bool]
"""A visible text in one line, and whether it is a number."""

_UNLIMITED: Final = 1_000_000
_MIN_COLUMN: Final = 12


def text_table(names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """The table as text; coloured and folded to fit only where standard output is a terminal."""
    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else _UNLIMITED
    if is_terminal and _least_width(names, rows) > width:
        return _records(names, rows)
    return _columns(names, rows, width=width, is_terminal=is_terminal)


def _least_width(names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> int:
    """Narrowest that can still be read: long cells may be folded, short ones and names may not."""
    return sum(
        max([len(name), *(min(len(row[place][0]), _MIN_COLUMN) for row in rows)]) + 2
        for place, name in enumerate(names)
    )


def _columns(names: Sequence[str], rows: Sequence[Sequence[Cell]], *, width: int, is_terminal: bool) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for place, name in enumerate(names):
        is_number = any(row[place][1] for row in rows)
        # Text takes the cell as it is: a bracket in a log line is no markup.
        table.add_column(Text(name), justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(text) for text, _ in row))
    out = io.StringIO()
    Console(
        file=out,
        width=width,
        force_terminal=is_terminal,
        markup=False,
        emoji=False,
        highlight=False,
    ).print(table)
    return "".join(line.rstrip() + "\n" for line in out.getvalue().split("\n")[:-1])


def _records(names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Each row as a block of `name  value` lines."""
    longest = max(map(len, names))
    blocks = (
        "".join(f"{name:<{longest}}  {text}\n" for name, (text, _) in zip(names, row, strict=True))
        for row in rows
    )
    return "\n".join(blocks) if rows else "  ".join(names) + "\n"
