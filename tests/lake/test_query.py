"""A query reads the lake's tables and nothing else, on every way that leads to the engine."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers.lakes import load, probe, records, settings, write

from loglode import operations
from loglode.cli.errors import State, guarded
from loglode.cli.main import cli
from loglode.context import open_context
from loglode.engines.duckdb import DuckDBEngine
from loglode.engines.duckdb.query import Relation, _prepared
from loglode.engines.duckdb.query import Statement as Asked
from loglode.engines.duckdb.session import connect, restrict
from loglode.engines.duckdb.statement import checked
from loglode.errors import QueryError, UsageError
from loglode.settings import Settings

KEY_FILE = ".loglode/pseudonym.key"
# Each is a way to the key, to another file, to the engine's settings, or to writing. {lake}, {key} and {file}
# (a committed file of quarantine) are paths; {folder} holds the lake.
WAYS_OUT = [
    "select content from read_text('{key}')",
    "from read_blob('{key}')",
    "from read_csv('{key}')",
    "from read_csv_auto('{key}')",
    "from read_json('{key}')",
    "from read_ndjson_objects('{key}')",
    "from read_parquet('{file}')",
    "from parquet_scan(['{file}'])",
    "from read_duckdb('{key}')",
    "from '{file}'",
    'from "{file}"',
    "from '{key}'",
    "from '{folder}/*.csv'",
    "from glob('{lake}/**')",
    "from sniff_csv('{key}')",
    "from parquet_metadata('{file}')",
    "from parquet_schema('{file}')",
    "from parquet_kv_metadata('{file}')",
    "from parquet_file_metadata('{file}')",
    "from READ_TEXT('{key}')",
    "from \"read_text\"('{key}')",
    "from system.main.read_text('{key}')",
    "from/* x */read_text/* y */('{key}')",
    "from -- x\nread_text('{key}')",
    "select (select content from read_text('{key}'))",
    "select exists (from read_text('{key}'))",
    "select 1 where 'x' in (select content from read_text('{key}'))",
    "select * from runs where batch_id = any(select content from read_text('{key}'))",
    "with k as (select content from read_text('{key}')) select * from k",
    "with recursive k as (select content from read_text('{key}') union all from k) from k",
    'with "{key}" as (from "{key}") from "{key}"',
    'select * from (with "{file}" as (select 1) from runs) a, "{file}"',
    "from runs, lateral (select content from read_text('{key}'))",
    "select * from runs join read_text('{key}') on true",
    "select batch_id from runs union all select content from read_text('{key}')",
    "select list_transform([1], x -> (select content from read_text('{key}')))",
    "select [y for y in (select list(content) from read_text('{key}'))]",
    "select * from (values ((select content from read_text('{key}'))))",
    "select 1 order by (select content from read_text('{key}'))",
    "select 1 limit (select size from read_text('{key}'))",
    "from (pivot read_text('{key}') on size in (24) using any_value(content))",
    "from (unpivot (from read_text('{key}')) on content)",
    "describe read_text('{key}')",
    "describe '{file}'",
    "summarize '{file}'",
    "summarize from read_text('{key}')",
    "explain select * from read_text('{key}')",
    "explain analyze select * from read_text('{key}')",
    "/* x */ explain /* y */ analyze -- z\n select * from read_text('{key}')",
    "explain copy (select 1) to '{folder}/out.csv'",
    "from query('from read_text(''{key}'')')",
    "from query_table('{file}')",
    "from query_table(['{file}'])",
    "from json_execute_serialized_sql(json_serialize_sql('from read_text(''{key}'')'))",
    "select json_serialize_plan('from read_csv(''{key}'')')",
    "pragma json_execute_serialized_sql('x')",
    "from histogram('{file}', i)",
    "from pandas_scan(0, 0, 0)",
    "from arrow_scan(0, 0, 0)",
    "from seq_scan()",
    "attach '{folder}/x.db'",
    "attach '{folder}/x.db' as x (type duckdb); select 1",
    "copy runs to '{folder}/out.csv'",
    "copy (select 1) to '{folder}/out.parquet'",
    "export database '{folder}/out'",
    "import database '{folder}/out'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "set allowed_directories = ['/']",
    "reset enable_external_access",
    "pragma database_list",
    "call pragma_database_size()",
    "use memory",
    "create table x as select 1",
    "create view x as from read_text('{key}')",
    "create macro x() as table from read_text('{key}')",
    "create temp table x as from read_text('{key}')",
    "create secret x (type s3)",
    "insert into runs select * from runs",
    "delete from runs",
    "update runs set objects = 0",
    "drop view runs",
    "prepare x as select 1",
    "execute x",
    "begin",
    "checkpoint",
    "vacuum",
    "comment on view runs is 'x'",
    "select 1; select 2",
    "select 1; attach '{folder}/x.db'",
    "",
    ";",
    "-- nothing",
    "select 1\0; select 2",
    "from duckdb_secrets()",
    "from duckdb_settings()",
    "from duckdb_views()",
    "from duckdb_views",
    "from sqlite_master",
    "from pg_catalog.pg_settings",
    "from pg_views",
    "from information_schema.views",
    "from duckdb_logs()",
    "from duckdb_logs",
    "from duckdb_databases()",
    "from duckdb_external_file_cache()",
    "from duckdb_temporary_files()",
    "from which_secret('s3://x/', 's3')",
    "from enable_logging()",
    "from pragma_database_size()",
    "from pragma_table_info('{file}')",
    "select current_setting('temp_directory')",
    "select getenv('HOME')",
    "select write_log('x')",
    "select pg_get_viewdef(1)",
    "show temp_directory",
    "from some_variable",
    "from main.duckdb_views",
    "from runs.x.y",
    "from other_database.main.runs",
]
ORDINARY = [
    "select count(*) from web_logs",
    "FROM Web_Logs SELECT Status LIMIT 1",
    'select "status" from memory.main."web_logs" -- read_text',
    "select 'read_text(''x'')' as text",
    "select path, row_number() over (partition by status order by event_ts) as n from web_logs qualify n = 1",
    "with a as (select * from web_logs), b as (from a) select count(*) from b, runs",
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 5) select sum(i) from n",
    "with web_logs as (from web_logs limit 1) select count(*) from web_logs",
    "pivot web_logs on status in (200, 404) using count(*)",
    "from (pivot web_logs on status in (200, 404) using count(*))",
    "unpivot (select 1 as a, 2 as b) on a, b",
    "select unnest(reasons) from quarantine",
    "select * from unnest([1, 2])",
    "select * from range(3) r(i), generate_series(1, 2)",
    "select list_transform(reasons, x -> upper(x)), [r for r in reasons if r <> ''] from quarantine",
    "select * from (values (1, 'a')) t(a, b)",
    "select key, value from runs, json_each(reasons)",
    "select grouping(status), count(*) from web_logs group by rollup (status)",
    "select * from runs asof join web_logs on runs.started_at >= web_logs.event_ts",
    "select * from web_logs using sample 2 rows",
    "select * from web_logs, lateral (select status + 1) limit 1",
    "select quantile_cont(response_time_ms, 0.5), histogram(status) from web_logs",
    "select status from web_logs union all select 1 except select 2",
    "select (select max(status) from web_logs) + 1",
    "describe web_logs",
    "describe select 1 as a",
    "summarize web_logs",
    "show tables",
    "show all tables",
    "select table_name from information_schema.tables",
    "select column_name from information_schema.columns where table_name = 'web_logs'",
    "explain select count(*) from web_logs",
    "explain analyze select count(*) from web_logs",
    "EXPLAIN (FORMAT json) SELECT count(*) FROM web_logs",
    "select function_name from duckdb_functions() limit 1",
]


@pytest.fixture(scope="module")
def own_lake(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake with the key where a new lake has it, silver, quarantine and gold."""
    folder = tmp_path_factory.mktemp("query")
    settings = Settings.build(lake=folder / "lake", threads=1)
    source = write(folder / "a.json", [*records(3), probe(9)])
    assert operations.run(settings, [str(source)]).rows_silver == 3
    (folder / "any.csv").write_text("a,b\n1,2\n")
    assert (folder / "lake" / KEY_FILE).is_file()
    return settings


def written(way: str, settings: Settings) -> str:
    lake = Path(str(settings.lake))
    file = next((lake / "quarantine").rglob("*.parquet"))
    for name, value in {"lake": lake, "folder": lake.parent, "key": lake / KEY_FILE, "file": file}.items():
        way = way.replace(f"{{{name}}}", str(value))
    return way


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_way_leads_out_of_the_lake(
    way: str, own_lake: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    some_variable = pa.table({"a": [1]})  # the engine could find it by its name
    sql = written(way, own_lake)
    before = sorted(Path(str(own_lake.lake)).parent.rglob("*"))
    with pytest.raises(QueryError):
        operations.query(own_lake, sql, only=operations.columns(own_lake))
    if "\0" not in sql:
        words = ["query", "--lake", str(own_lake.lake), "--", sql]
        assert guarded(lambda: cli.main(words, standalone_mode=False, obj=State()), State()) == 1
        shown = capsys.readouterr()
        assert (shown.out, shown.err.count("\n"), shown.err[:7]) == ("", 1, "error: ")
    assert sorted(Path(str(own_lake.lake)).parent.rglob("*")) == before
    assert some_variable.num_rows == 1


WRAPPERS = [
    "select * from ({}) s",
    "with c as ({}) select * from c",
    "with recursive c as (select 1 union all {}) select count(*) from c",
    "select exists ({})",
    "select ({})",
    "select 1 union all {}",
    "({}) except select 2",
    "select * from runs, lateral ({}) l",
    "select * from runs where objects in ({})",
    "select list_transform([1], x -> ({}))",
    "select case when true then ({}) end",
    "select sum(1) over (order by ({}))",
    "select array({})",
    "from (describe {})",
    "from (summarize {})",
    "select * from (values (({})))",
    "from (pivot ({}) on a in (1) using count(*))",
    "select * from range(({}))",
    "select * from runs join ({}) j on true",
    "explain {}",
]
SOURCES = [
    "from read_text('k')",
    "from 'k.csv'",
    "select * from glob('*')",
    "select current_setting('k')",
    "from k",
]


@given(
    st.sampled_from(SOURCES),
    st.lists(st.sampled_from(WRAPPERS[:-1]), max_size=5),
    st.sampled_from(["{}", "explain {}", "describe {}"]),
)
def test_nothing_hides_a_way_out(source: str, wrappers: list[str], outermost: str) -> None:
    inner = source
    for wrapper in wrappers:
        inner = wrapper.format(inner)
    with duckdb.connect() as connection, pytest.raises((QueryError, duckdb.Error)):
        checked(connection, outermost.format(inner), ["runs"])


def test_the_wrappers_hide_what_they_wrap_and_nothing_else() -> None:
    with duckdb.connect() as connection:
        for wrapper in WRAPPERS:
            checked(connection, wrapper.format("select 1"), ["runs"])


@pytest.mark.parametrize("way", [w for w in WAYS_OUT if "{" in w and ";" not in w])
def test_the_connection_alone_opens_no_other_file(way: str, own_lake: Settings, tmp_path: Path) -> None:
    """The second layer, without the first: the statement runs unchecked."""
    sql = written(way, own_lake).replace("quarantine", ".loglode")
    connection = connect(memory_limit_mb=200, threads=1, temp_dir=tmp_path / "spill")
    runs = next(Path(str(own_lake.lake)).joinpath("ops", "runs").rglob("*.parquet"))
    _prepared(
        connection, Asked("select 1", ["runs"]), [Relation("runs", [("batch_id", "VARCHAR")], [str(runs)])]
    )
    key = (Path(str(own_lake.lake)) / KEY_FILE).read_text().strip()
    found: object = None
    with contextlib.suppress(duckdb.Error):
        found = connection.execute(sql).fetchall()
    assert key not in str(found)


LOCKED_AWAY = [
    "set threads = 1",
    "set allowed_directories = ['/']",
    "set enable_external_access = true",
    "reset lock_configuration",
    "attach '{folder}/x.db'",
    "copy runs to '{folder}/out.csv'",
    "copy runs to '{folder}/out.parquet'",
    "export database '{folder}/out'",
    "install httpfs",
    "from some_variable",
    "from '{folder}/any.csv'",
]


@pytest.mark.parametrize("sql", LOCKED_AWAY)
def test_the_connection_alone_writes_nothing_and_keeps_its_settings(
    sql: str, own_lake: Settings, tmp_path: Path
) -> None:
    some_variable = pa.table({"a": [1]})
    connection = connect(memory_limit_mb=200, threads=1, temp_dir=tmp_path / "spill")
    _prepared(connection, Asked("select 1", ["runs"]), [Relation("runs", [("batch_id", "VARCHAR")], [])])
    before = sorted(Path(str(own_lake.lake)).parent.rglob("*"))
    with pytest.raises(duckdb.Error):
        connection.execute(written(sql, own_lake))
    assert sorted(Path(str(own_lake.lake)).parent.rglob("*")) == before
    assert some_variable.num_rows == 1


def test_the_engine_that_loads_cannot_open_the_key(own_lake: Settings) -> None:
    """A contract's predicate is refused for this; the engine could not do it either."""
    key = Path(str(own_lake.lake)) / KEY_FILE
    with open_context(own_lake) as context:
        assert isinstance(context.engine, DuckDBEngine)
        for sql in (f"from read_text('{key}')", f"from read_csv('{key}')", f"from glob('{key}')"):
            with pytest.raises(duckdb.PermissionException):
                context.engine.connection.execute(sql)


def test_a_restricted_connection_reads_what_is_listed_and_nothing_beside_it(tmp_path: Path) -> None:
    for name in ("listed.txt", "other.txt", "in/a.txt", "inside.txt"):
        write(tmp_path / name, ["x"])
    connection = connect(memory_limit_mb=200, threads=1, temp_dir=tmp_path / "spill")
    restrict(connection, files=[str(tmp_path / "listed.txt")], folders=[tmp_path / "in"])
    for name in ("listed.txt", "in/a.txt"):
        assert connection.execute(f"select content from read_text('{tmp_path / name}')").fetchall() == [
            ("x\n",)
        ]
    for name in ("other.txt", "inside.txt", "in/../other.txt"):
        with pytest.raises(duckdb.Error):
            connection.execute(f"from read_text('{tmp_path / name}')").fetchall()


@pytest.mark.parametrize("sql", ORDINARY)
def test_analytics_are_answered(sql: str, own_lake: Settings) -> None:
    assert operations.query(own_lake, sql).columns


def test_a_pivot_without_values_says_what_to_write(own_lake: Settings) -> None:
    with pytest.raises(QueryError) as refused:
        operations.query(own_lake, "pivot web_logs on status using count(*)")
    assert "in ('a', 'b')" in refused.value.hint


def test_a_deep_query_is_refused_in_one_line(own_lake: Settings) -> None:
    with pytest.raises(QueryError, match=r"nested too deeply|expression depth"):
        operations.query(own_lake, "select " + "+".join(["1"] * 900))


HOSTILE_REASONS = [
    "' or true --",
    "'; drop view quarantine; --",
    "x') or ('1'='1",
    "\\' or 1=1 --",
    "$reason",
    "ü\x1b",
]


@pytest.mark.parametrize("reason", HOSTILE_REASONS)
def test_a_reason_is_a_value_and_never_sql(own_lake: Settings, reason: str) -> None:
    assert operations.list_quarantine(own_lake, reason=reason).rows() == []
    assert len(operations.list_quarantine(own_lake, reason="request_missing").rows()) == 1
    assert operations.measurements(own_lake, correlation_id=reason).get("LinesRead") is None
    with pytest.raises(UsageError, match="no row"):
        operations.row_lineage(own_lake, reason)
    assert operations.quality_gate(own_lake, reason).lines_read == 0


READINGS: dict[str, Callable[[operations.QueryResult], list[tuple[Any, ...]]]] = {
    "rows": lambda r: r.rows(),
    "iteration": list,
    "dicts": lambda r: [tuple(row.values()) for row in r.dicts()],
    "arrow": lambda r: [tuple(row.values()) for row in r.arrow().to_pylist()],
    "df": lambda r: list(r.df().itertuples(index=False, name=None)),
    "pl": lambda r: r.pl().rows(),
}


@pytest.mark.parametrize("first", READINGS)
@pytest.mark.parametrize("second", READINGS)
def test_a_result_can_be_read_in_every_form_and_again(own_lake: Settings, first: str, second: str) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    result = operations.query(own_lake, "select i, i::varchar as t from range(2500) r(i) order by i")
    assert (result.columns, result.types) == (["i", "t"], ["BIGINT", "VARCHAR"])
    wanted = [(i, str(i)) for i in range(2500)]
    assert READINGS[first](result) == wanted
    assert READINGS[second](result) == wanted


def test_two_readings_of_a_result_do_not_disturb_each_other(own_lake: Settings) -> None:
    result = operations.query(own_lake, "from range(5000)")
    assert all(left == right for left, right in zip(result, result, strict=True))


def test_a_closed_result_says_so_and_its_spill_folder_is_gone(
    own_lake: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = operations.query(own_lake, "select 1")
    assert len(list(tmp_path.iterdir())) == 1
    result.close()
    with pytest.raises(UsageError, match="closed"):
        result.rows()
    with pytest.raises(QueryError):
        operations.query(own_lake, "select nothing")
    operations.query(own_lake, "select 1").rows()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_library_that_is_missing_is_named(
    own_lake: Settings, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    result = operations.query(own_lake, "select 1")
    with pytest.raises(UsageError, match=f"{library} is not installed"):
        result.df() if library == "pandas" else result.pl()


def test_a_notebook_shows_a_result_bounded_and_escaped(own_lake: Settings) -> None:
    attack = "<script>alert(1)</script>&'\"\u202e\x1b$x$"
    shown = operations.query(own_lake, 'select $a as "<b>" from range(1000)', {"a": attack})._repr_html_()
    assert shown.count("<tr>") == 21 and "only the first 20 rows" in shown
    assert "<script>" not in shown and "<b>" not in shown and "$" not in shown and "\u202e" not in shown
    assert html.escape("<script>") in shown


def test_parameters_are_bound(own_lake: Settings) -> None:
    sql = "select path from web_logs where path = $path"
    assert operations.query(own_lake, sql, {"path": "/page/1"}).rows() == [("/page/1",)]
    assert operations.query(own_lake, "select ? + 1", [1]).rows() == [(2,)]
    with pytest.raises(QueryError):
        operations.query(own_lake, sql)


def test_settings_of_a_lake_elsewhere_do_not_widen_it(own_lake: Settings, tmp_path: Path) -> None:
    load(tmp_path / "other", write(tmp_path / "b.json", records(2)))
    there = next((tmp_path / "other").rglob("*.parquet"))
    with pytest.raises(QueryError):
        operations.query(settings(tmp_path / "other"), f"from read_parquet('{written('{file}', own_lake)}')")
    with pytest.raises(QueryError):
        operations.query(own_lake, f"from '{there}'")
