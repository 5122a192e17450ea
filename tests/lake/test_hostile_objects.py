"""Objects that are broken on purpose: no traceback, no lost line, and row counts reconcile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.helpers.hostile import OBJECTS, SQL
from tests.helpers.logs import (
    accepted,
    assert_verified,
    line,
    load,
    one,
    paths_of,
    reasons_of,
    refused,
    rows,
    settings_for,
)

from loglode import operations
from loglode.errors import SourceNotFoundError
from loglode.settings import Settings


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake into which every hostile object was loaded in one run."""
    folder = tmp_path_factory.mktemp("hostile")
    bronze = folder / "bronze"
    (bronze / "folder.json").mkdir(parents=True)
    (bronze / "folder.json" / "inner.json").write_text(line(path="/inner") + "\n")
    for name, content in OBJECTS.items():
        (bronze / os.fsdecode(name)).write_bytes(content)
    (bronze / "dangling.json").symlink_to(folder / "nowhere")
    settings = settings_for(folder)
    report = load(settings, bronze)
    assert report.failed == []
    assert report.objects == len(OBJECTS) + 1
    return settings


def test_the_books_balance(hostile: Settings) -> None:
    assert_verified(hostile)


def test_a_second_run_adds_nothing(hostile: Settings) -> None:
    before = one(hostile, "select count(*) from web_logs"), one(hostile, "select count(*) from quarantine")
    report = load(hostile, Path(str(hostile.lake)).parent / "bronze")
    assert (report.objects, report.objects_skipped) == (0, len(OBJECTS) + 1)
    assert before == (
        one(hostile, "select count(*) from web_logs"),
        one(hostile, "select count(*) from quarantine"),
    )


@pytest.mark.parametrize(("name", "prefix"), [("truncated.log.gz", "/gz/"), ("truncated.log.zst", "/zst/")])
def test_a_damaged_object_keeps_what_can_be_read(hostile: Settings, name: str, prefix: str) -> None:
    paths = paths_of(hostile, name)
    assert len(paths) > 1000
    assert [int(path.split("/")[2]) for path in paths] == list(range(len(paths)))
    ((number, reasons, _),) = refused(hostile, name)
    assert (number, list(reasons)) == (len(paths) + 1, ["object_damaged"])
    assert all(path.startswith(prefix) for path in paths)


def test_compression_is_told_by_content(hostile: Settings) -> None:
    assert reasons_of(hostile, "only_magic.gz") == ["object_damaged"]
    assert paths_of(hostile, "not_really.gz") == ["/not-gz"]
    assert paths_of(hostile, "two_members.gz") == ["/one", "/two"]


def test_empty_and_blank_objects(hostile: Settings) -> None:
    for name in ("empty.json", "blank.json"):
        assert paths_of(hostile, name) == []
        assert reasons_of(hostile, name) == []


def test_bytes_that_are_no_text(hostile: Settings) -> None:
    assert paths_of(hostile, "nul.json") == ["/nul-1", "/nul-2"]
    assert reasons_of(hostile, "nul.json") == ["json_invalid"]
    assert reasons_of(hostile, "nul_inside.json") == ["json_invalid"]
    ((_, reasons, raw),) = refused(hostile, "latin1.json")
    assert (list(reasons), "caf\\xe9" in raw) == (["json_invalid"], True)
    assert paths_of(hostile, "utf8.json") == ["/caf\u00e9/\u65e5\u672c"]


def test_marks_and_line_ends(hostile: Settings) -> None:
    assert paths_of(hostile, "bom.json") == ["/bom"]
    assert paths_of(hostile, "crlf.json") == ["/crlf/0", "/crlf/1", "/crlf/2"]
    assert paths_of(hostile, "no_last_newline.json") == ["/a", "/b"]


def test_the_nested_lines_are_refused_and_their_neighbours_are_not(hostile: Settings) -> None:
    paths = paths_of(hostile, "deep.json")
    assert paths[:2] == ["/before", "/after"]
    # Deep but closed is valid JSON: taken or refused, never lost.
    assert len(paths) + len(refused(hostile, "deep.json")) == 5
    assert reasons_of(hostile, "deep_only.json") == ["json_too_deep"]


def test_numbers_that_are_none(hostile: Settings) -> None:
    found = accepted(hostile, "huge_number.json", "path, bytes_sent is null, warnings")
    odd = {"/n4": None, "/n7": None, "/n8": None}
    assert found == [(path, path not in odd, odd.get(path, "bytes_sent_invalid")) for path, _, _ in found]
    # In a field that is not read the engine lets it pass; as a value it never does.
    assert reasons_of(hostile, "nan.json") == ["request_missing"]


def test_text_after_an_object_makes_the_line_invalid(hostile: Settings) -> None:
    assert reasons_of(hostile, "trailer.json") == ["json_invalid"]
    assert paths_of(hostile, "trailer_later.json") == ["/ok", "/ok2"]
    assert [(number, raw) for number, _, raw in refused(hostile, "trailer_later.json")] == [
        (2, '{"a":2}TRAILER')
    ]
    assert paths_of(hostile, "comment.json") == []
    assert paths_of(hostile, "quotes.json") == []


def test_objects_that_are_not_one_a_line(hostile: Settings) -> None:
    assert paths_of(hostile, "concatenated.json") == [f"/cat/{n}" for n in range(5)]
    assert paths_of(hostile, "pretty.json") == [f"/pretty/{n}" for n in range(4)]
    assert paths_of(hostile, "array.json") == [f"/array/{n}" for n in range(4)]
    assert paths_of(hostile, "array_pretty.json") == [f"/array/p{n}" for n in range(4)]
    assert paths_of(hostile, "array_unclosed.json") == ["/u1", "/u2"]
    assert paths_of(hostile, "array_broken.json") == ["/array/x", "/array/y"]
    assert reasons_of(hostile, "array_broken.json") == ["json_invalid"]
    assert paths_of(hostile, "array_mixed.json") == ["/array/m"]
    assert reasons_of(hostile, "array_mixed.json")[:4] == ["json_not_object"] * 4


def test_text_in_brackets_is_kept_as_it_came(hostile: Settings) -> None:
    raws = [raw for _, _, raw in refused(hostile, "bracketed_text.log")]
    assert raws == OBJECTS["bracketed_text.log"].decode().splitlines()


def test_values_that_are_no_objects(hostile: Settings) -> None:
    reasons = reasons_of(hostile, "scalars.json")
    assert reasons == [*["json_not_object"] * 5, "event_ts_missing,request_missing", "json_not_object"]


def test_odd_keys(hostile: Settings) -> None:
    assert paths_of(hostile, "many_keys.json") == ["/many"]
    assert paths_of(hostile, "empty_key.json") == ["/emptykey"]
    assert accepted(hostile, "case.json", "path, status, event_ts::date::varchar") == [
        ("/case", 200, "2026-03-04"),
        ("/case2", 200, "2026-03-04"),
    ]


def test_a_key_twice_is_one_row_or_one_refused_line(hostile: Settings) -> None:
    found = accepted(hostile, "duplicate_keys.json", "status")
    assert len(found) + len(refused(hostile, "duplicate_keys.json")) == 1
    assert found in ([], [(200,)], [(500,)])


def test_every_odd_field_is_accounted_for(hostile: Settings) -> None:
    wanted = OBJECTS["odd_fields.json"].decode().splitlines()
    taken = accepted(hostile, "odd_fields.json", "source_line")
    held = refused(hostile, "odd_fields.json")
    assert len(taken) + len(held) == len(wanted)
    assert all(raw == wanted[number - 1] for number, _, raw in held)
    # Shell and SQL in a path or query is a path or query.
    shown = {path for (path,) in accepted(hostile, "odd_fields.json")}
    assert SQL in shown


def test_hostile_combined_lines(hostile: Settings) -> None:
    paths = paths_of(hostile, "combined_hostile.log")
    # A time that lacks a bracket is a time all the same.
    assert paths == ["/ok", "/\\xff\\xfe", "/", None, '/a"b\\']
    assert len(refused(hostile, "combined_hostile.log")) == 5


def test_names_of_files_are_only_names(hostile: Settings) -> None:
    found = rows(hostile, "select path, source_object from web_logs where path like '/name/%' order by path")
    assert [path for path, _ in found] == [f"/name/{n}" for n in range(1, 8)]
    assert found[2][1].endswith("line\nbreak.json")
    assert found[5][1].endswith("not-utf8-\\xff\\xfe.json")
    assert paths_of(hostile, "inner.json") == ["/inner"]


def test_a_name_that_looks_like_a_glob_can_be_named(hostile: Settings) -> None:
    bronze = Path(str(hostile.lake)).parent / "bronze"
    assert load(hostile, bronze / "glob[0-9]*?.json").objects_skipped == 1
    with pytest.raises(SourceNotFoundError):
        operations.run(hostile, [str(bronze / "dangling.json")])
