"""Whatever a log holds: tables hold no control character, CSV and JSON give every value back."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import re
import signal
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loglode.cli import output
from loglode.cli.errors import State, guarded, watch_interrupts
from loglode.cli.main import cli, main
from loglode.cli.output import MAX_TABLE_ROWS, jsonable, one_line, write_json, write_rows
from loglode.cli.progress import progress_bars
from loglode.errors import LakeError, UsageError
from loglode.formats import FORMATS
from loglode.settings import Settings
from loglode.text import visible
from loglode_generator import GenerateSpec

# Everything that a text can hold, halves of surrogate pairs too.
ANY_TEXT = st.text(st.characters(exclude_categories=()))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.datetimes(timezones=st.just(UTC))
    | st.dates()
    | st.binary()
    | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)
NASTY = (
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m",
    "abc\u202egnp.exe",
    "[bold red]x[/]",
    ":smile: [link=file:///etc/passwd]",
    "a\r\nb\tc\x00",
    "=HYPERLINK(1)",
    '"quoted", and a comma',
    "'",
    "'=1",
    "",
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Terminal(io.StringIO):
    """Standard output or error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def written(call: Callable[[], object], *, to: type[io.StringIO] = io.StringIO) -> str:
    """What a call writes to standard output."""
    with pytest.MonkeyPatch.context() as patch:
        stream = to(newline="")
        patch.setattr(sys, "stdout", stream)
        patch.setattr(sys, "stderr", io.StringIO())
        call()
        return stream.getvalue()


def table_of(rows: Sequence[Sequence[Any]], *, columns: Sequence[str] = ("a", "b")) -> str:
    return written(lambda: write_rows(columns, rows, form="table"))


def is_harmless(text: str) -> bool:
    return all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in text)


@given(ANY_TEXT)
@example("".join(map(chr, range(0x3000))))
def test_visible_text_holds_nothing_that_steers_a_terminal(text: str) -> None:
    assert is_harmless(visible(text))
    assert "\n" not in visible(text)
    assert "\n" not in one_line(text)


@given(ANY_TEXT, ANY_TEXT, st.lists(st.tuples(VALUES, VALUES), max_size=5))
@example("\x1b[31m", "[bold]", [(text, text) for text in NASTY])
def test_a_table_holds_no_control_character_but_newlines(
    first: str, second: str, rows: list[tuple[Any, Any]]
) -> None:
    text = table_of(rows, columns=(first, second))
    assert is_harmless(text)
    # Names, a line, and one line a row: no cell can pretend to be a row.
    assert text.count("\n") == 2 + len(rows)


@pytest.mark.parametrize("text", ["[bold]x[/bold]", ":smile:", "[/]", "\\[x]", "https://e.example/"])
def test_markup_in_a_cell_is_text(text: str) -> None:
    assert text in table_of([(text, 1)])


@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT), min_size=1, max_size=3))
@example([(text, text) for text in NASTY])
def test_on_a_terminal_only_our_own_colours_are_sent(rows: list[tuple[str, str]]) -> None:
    text = written(lambda: write_rows(["a", "b"], rows, form="table"), to=Terminal)
    for colour in ("\x1b[1m", "\x1b[0m"):
        text = text.replace(colour, "")
    assert is_harmless(text)


def test_a_table_too_wide_for_the_terminal_is_written_record_by_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = [f"a_long_name_of_column_{n}" for n in range(12)]
    text = written(lambda: write_rows(names, [range(12), range(12)], form="table"), to=Terminal)
    assert text.splitlines()[1].split() == ["a_long_name_of_column_1", "1"]
    assert len(text.splitlines()) == 12 + 1 + 12


def test_a_table_shows_the_first_rows_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(["n"], ([n] for n in range(MAX_TABLE_ROWS + 1)), form="table")
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 2 + MAX_TABLE_ROWS
    assert "--format json or csv" in shown.err
    write_rows(["n"], ([n] for n in range(MAX_TABLE_ROWS)), form="table")
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.25, "0.25"),
        (12, "12"),
        (3.0, "3"),
        (0.00001234, "1.234e-05"),
        (1e300, "1e+300"),
        (math.nan, "nan"),
        (True, "true"),
        (None, ""),
        (b"\x00a\xff", r"\x00a\xff"),
        (["a", 1], '["a", 1]'),
        (date(2026, 11, 1), "2026-11-01"),
        (datetime(2026, 11, 1, 2, 3, tzinfo=UTC), "2026-11-01T02:03:00+00:00"),
    ],
)
def test_cells(value: Any, shown: str) -> None:
    assert output.to_cell(value)[0] == shown


@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT, st.none() | st.integers())))
@example([(text, text, None) for text in NASTY])
def test_csv_comes_back_as_it_was(rows: list[tuple[str, str, int | None]]) -> None:
    text = written(lambda: write_rows(["x", "y", "z"], rows, form="csv"))
    names, *found = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert names == ["x", "y", "z"]
    wanted = [(x, y, "" if z is None else str(z)) for x, y, z in rows]
    assert [(unguarded(x), unguarded(y), z) for x, y, z in found] == wanted


@given(ANY_TEXT)
@example("=1+1")
@example("\t=1")
@example("\uff1d1")
def test_no_csv_cell_of_text_can_pass_for_a_formula(text: str) -> None:
    (cell,) = next(csv.reader(io.StringIO(output.to_csv_cell(text) + "\n", newline="")), ("",))
    assert not cell.startswith((*FORMULA_STARTS, "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    assert output.to_csv_cell(-5) == "-5"


@pytest.mark.parametrize("unseen", [" ", "\x00", "\ufeff", "\u202e", "\xa0", " '\u200b"])
def test_what_spreadsheets_leave_away_hides_no_formula(unseen: str) -> None:
    assert output.to_csv_cell(f"{unseen}=1+1").startswith("'")
    assert output.to_csv_cell(f"{unseen}1+1") == f"{unseen}1+1"


def unguarded(cell: str) -> str:
    is_guarded = cell.startswith("'") and cell.lstrip(output._UNSEEN).startswith(output._FORMULA)
    return cell[1:] if is_guarded else cell


def test_csv_tells_null_from_an_empty_text() -> None:
    text = written(lambda: write_rows(["a", "b"], [(None, ""), ("", None)], form="csv"))
    assert text == 'a,b\n,""\n"",\n'
    assert written(lambda: write_rows(["a"], [(None,)], form="csv")) == 'a\n""\n'


def test_csv_is_exact_in_a_pipe_and_harmless_on_a_terminal() -> None:
    rows = [("\x1b[31mred",)]
    assert written(lambda: write_rows(["a"], rows, form="csv")) == "a\n\x1b[31mred\n"
    assert is_harmless(written(lambda: write_rows(["a"], rows, form="csv"), to=Terminal))


@given(st.lists(st.tuples(VALUES, VALUES), max_size=5))
@example([(math.nan, -math.inf), (b"\xff\x00", {"k": math.inf}), (Decimal("NaN"), Decimal("0.5"))])
def test_json_is_an_array_of_objects_in_plain_ascii(rows: list[tuple[Any, Any]]) -> None:
    text = written(lambda: write_rows(["a", "b"], rows, form="json"))
    found = json.loads(text, parse_constant=pytest.fail)
    assert found == [{"a": jsonable(a), "b": jsonable(b)} for a, b in rows]
    assert text.isascii()
    assert is_harmless(text)


@given(
    st.text() | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False)
)
def test_json_gives_plain_values_back(value: Any) -> None:
    text = written(lambda: write_json({"value": value}))
    assert json.loads(text) == {"value": value}
    assert text.count("\n") == 1


def test_columns_of_one_name_are_all_kept() -> None:
    text = written(lambda: write_rows(["a", "a", "a_2"], [(1, 2, 3)], form="json"))
    assert json.loads(text) == [{"a": 1, "a_2": 2, "a_2_2": 3}]


@pytest.mark.parametrize("form", ["json", "csv"])
def test_rows_are_streamed(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)

    def rows() -> Iterator[list[int]]:
        yield from ([n] for n in range(10_000))
        assert "9000" in out.getvalue()

    write_rows(["n"], rows(), form=form)
    assert "9999" in out.getvalue()


def test_progress_is_silent_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars() as progress:
        progress("step", 1, 2)
    assert capsys.readouterr() == ("", "")


def test_progress_shows_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_bars() as progress:
        progress("reading [x]", 1, 2)
    assert "reading [x]" in stream.getvalue()


def raising(error: BaseException) -> Callable[[], object]:
    def call() -> object:
        raise error

    return call


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (LakeError("no lake at /x", hint="make one"), 1, "error: no lake at /x — make one"),
        (LakeError("bad\nline \x1b[2J"), 1, "error: bad line \\x1b[2J"),
        (UsageError("wrong"), 2, "error: wrong"),
        (click.UsageError("No such option"), 2, "error: No such option"),
        (
            OSError(28, "No space left on device", "/x/y"),
            1,
            "error: No space left on device: /x/y — check the path, its permissions and the free space",
        ),
        (
            KeyboardInterrupt(),
            130,
            "error: interrupted — everything committed so far is kept; run the command again to continue",
        ),
        (
            click.Abort(),
            130,
            "error: interrupted — everything committed so far is kept; run the command again to continue",
        ),
        (BrokenPipeError(), 1, ""),
        (
            ZeroDivisionError("oh"),
            1,
            "error: unexpected ZeroDivisionError: oh — run again with --debug and report it",
        ),
    ],
)
def test_every_error_is_one_line_and_a_code(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(raising(error), State()) == code
    assert capsys.readouterr() == ("", line + "\n" if line else "")


def test_ctrl_c_is_told_as_such_whatever_the_engine_makes_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise RuntimeError("Query interrupted") from error

    state = State()
    # Who runs the tests in the background may have had the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    watch_interrupts(state)
    try:
        assert guarded(interrupted, state) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err.startswith("error: interrupted — ")


def test_debug_adds_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(raising(LakeError("x")), State(is_debug=True)) == 1
    assert capsys.readouterr().err.startswith("Traceback")


def loglode(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert isinstance(stop.value.code, int)
    return stop.value.code


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("run",),
        ("run", "x"),
        ("run", "--nonsense"),
        ("query", "select 1", "--lake", "L", "--format", "xml"),
        ("generate", "--out", "X", "--events", "many"),
        ("contract", "check"),
        ("contract", "check", "/nowhere/contract.yaml"),
        ("quarantine", "list", "--lake", "L", "--limit", "-1"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert loglode(*arguments) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize("command", ["query", "status", "verify", "quarantine list", "quarantine replay"])
def test_a_lake_that_is_not_there_is_one_line(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["select 1"] if command == "query" else []
    assert loglode(*command.split(), *arguments, "--lake", str(tmp_path / "none")) == 1
    assert capsys.readouterr().err.startswith(f"error: no lake at {tmp_path / 'none'} — ")
    assert loglode("--debug", *command.split(), *arguments, "--lake", str(tmp_path / "none")) == 1
    assert capsys.readouterr().err.startswith("Traceback")
    assert loglode(*command.split(), *arguments, "--debug", "--lake", str(tmp_path / "none")) == 1
    assert capsys.readouterr().err.startswith("Traceback")
    assert not (tmp_path / "none").exists()


def test_help_tells_the_defaults_that_the_library_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert loglode("generate", "--help") == 0
    shown = " ".join(capsys.readouterr().out.split())
    for field in dataclasses.fields(GenerateSpec):
        if field.name not in ("out", "files"):
            default = f"{field.default:,}" if field.name == "events" else str(field.default)
            assert re.search(rf"--{field.name.replace('_', '-')} .*?; {default} otherwise", shown)
    assert loglode("run", "--help") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"Memory of the engine in MB; {Settings.memory_limit_mb} otherwise" in shown
    # Long lists are wrapped, at the hyphens of names too.
    assert all(name in shown.replace(" ", "") for name in FORMATS)


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert loglode("--help") == 0
    listed = re.findall(r"^  ([a-z]+)  ", capsys.readouterr().out, re.MULTILINE)
    context = click.Context(cli)
    assert listed == cli.list_commands(context)
    for name in listed:
        command = cli.get_command(context, name)
        for words in (
            [[name]] if not isinstance(command, click.Group) else [[name, c] for c in command.commands]
        ):
            assert loglode(*words, "--help") == 0
            shown = capsys.readouterr().out
            assert f"Example:\n    loglode {' '.join(words)}" in shown
            # Every option says what it does.
            assert not re.search(r"^  -[^ ]+( [A-Z]+)?$\n  -", shown, re.MULTILINE)
