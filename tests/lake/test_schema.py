"""Columns as declared and as a table has them: what contradicts is refused before a line is read."""

from __future__ import annotations

import copy
import re
from importlib import resources
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from deltalake import Field, Schema
from deltalake.schema import PrimitiveType
from tests.helpers.lakes import SILVER, ask, load, record, settings, state, verify, write

from loglode import operations
from loglode.errors import SchemaMismatchError
from loglode.lake import Table
from loglode.tables import TableSpec

KINDS = {"integer": 7, "number": 7.5, "boolean": True, "string": "seven", "timestamp": "2026-03-10T12:00:00Z"}
SQL = {
    "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "string": "VARCHAR",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
}  # fmt: skip

COLUMNS = [*SQL.values(), "INTEGER", "SMALLINT", "DATE", "VARCHAR[]", "BIGINT[]", 'STRUCT("a" BIGINT)']


def contract(folder: Path, *fields: tuple[str, str]) -> Path:
    """The built-in contract with fields (name, logical type) more."""
    text = resources.files("loglode.contract").joinpath("web_logs.odcs.yaml").read_text("utf-8")
    data = copy.deepcopy(yaml.safe_load(text))
    own = [{"name": name, "logicalType": kind, "description": "x."} for name, kind in fields]
    properties = data["schema"][0]["properties"]
    place = next(i for i, field in enumerate(properties) if field["name"] == "warnings")
    properties[place:place] = own
    path = folder / f"{'-'.join(kind for _, kind in fields)}.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


@pytest.mark.parametrize(("before", "after"), [("integer", "string"), ("integer", "number")])
def test_a_field_of_another_type_is_refused(lake: Path, tmp_path: Path, before: str, after: str) -> None:
    first = write(tmp_path / "a.json", [record(n=KINDS[before])])
    second = write(tmp_path / "b.json", [record(60, n=KINDS[after])])
    load(lake, first, contract=contract(tmp_path, ("n", before)))
    there = state(lake, [SILVER])
    with pytest.raises(SchemaMismatchError) as caught:
        operations.run(settings(lake, contract=contract(tmp_path, ("n", after))), [str(second)])
    for part in ("web_logs", " n ", SQL[before], SQL[after]):
        assert part in caught.value.message, part
    assert "new lake" in caught.value.hint
    assert state(lake, [SILVER]) == there
    verify(lake)
    assert load(lake, second, contract=contract(tmp_path, ("n", before))).objects == 1
    deltalake.DeltaTable(str(lake / SILVER)).to_pyarrow_table(columns=["n"])


def test_a_field_that_goes_and_comes_back_keeps_its_type(lake: Path, tmp_path: Path) -> None:
    lines = [write(tmp_path / f"{n}.json", [record(60 * n, n=n)]) for n in range(4)]
    load(lake, lines[0], contract=contract(tmp_path, ("n", "integer")))
    load(lake, lines[1])
    with pytest.raises(SchemaMismatchError):
        load(lake, lines[2], contract=contract(tmp_path, ("n", "string")))
    load(lake, lines[3], contract=contract(tmp_path, ("n", "integer")))
    assert ask(lake, "select n from web_logs order by event_ts") == [(0,), (None,), (3,)]


@pytest.mark.parametrize("name", [SILVER, "gold/sessions", "ops/runs"])
def test_verify_names_files_whose_columns_have_other_types(lake: Path, tmp_path: Path, name: str) -> None:
    """As a release wrote them that did not compare types, or another writer beside us."""
    load(lake, write(tmp_path / "a.json", [record()]))
    path = next(Path(uri) for uri in deltalake.DeltaTable(str(lake / name)).file_uris())
    content = pq.ParquetFile(path).read()
    number = content.schema.get_field_index("status" if name == SILVER else "requests")
    number = number if number >= 0 else content.schema.get_field_index("lines_read")
    column = content.schema.field(number).name
    changed = content.set_column(number, column, content.column(number).cast(pa.string()))
    pq.write_table(changed, path)
    log = lake / name / "_delta_log"
    for commit in log.glob("*.json"):  # the size stays the one that was committed
        text = re.sub(rf'({path.name}".*?"size":)\d+', rf"\g<1>{path.stat().st_size}", commit.read_text())
        commit.write_text(text)
    failed = [check for check in operations.verify(settings(lake)).checks if not check.is_ok]
    assert f"{path.name}: {column}" in str(failed)


def spec(*columns: tuple[str, str], partition_by: tuple[str, ...] = ()) -> TableSpec:
    return TableSpec("t", tuple((name, sql, "") for name, sql in columns), partition_by, "")


@pytest.mark.parametrize(("before", "after"), [(b, a) for b in COLUMNS for a in COLUMNS])
def test_only_the_same_type_fits(tmp_path: Path, before: str, after: str) -> None:
    Table(spec(("n", before)), tmp_path / "t").snapshot_or_create()
    other = Table(spec(("n", after), ("m", after)), tmp_path / "t")
    if before == after:
        assert other.snapshot_or_create().version == 1, "the new column was not added"
        return
    with pytest.raises(SchemaMismatchError) as caught:
        other.snapshot_or_create()
    assert f"n is {before} in the table and {after} in" in caught.value.message
    assert Table(other.spec, other.root).snapshot().version == 0


LONG = PrimitiveType("long")


@pytest.mark.parametrize(
    ("field", "declared", "named"),
    [
        (Field("a", LONG), spec(("A", "BIGINT")), "the column A is called a"),
        (Field("a", LONG, nullable=False), spec(("a", "BIGINT")), "does not allow null in the column a"),
        (Field("b", LONG, nullable=False), spec(("a", "BIGINT")), "does not allow null in the column b"),
        (Field("a", LONG), spec(("a", "BIGINT"), partition_by=("a",)), "partitioned by nothing"),
        (Field("a", LONG), spec(("a", "BIGINT[]")), "BIGINT in the table and BIGINT[]"),
    ],
)
def test_what_else_contradicts(tmp_path: Path, field: Field, declared: TableSpec, named: Any) -> None:
    deltalake.DeltaTable.create(str(tmp_path / "t"), Schema([field]))
    with pytest.raises(SchemaMismatchError) as caught:
        Table(declared, tmp_path / "t").snapshot_or_create()
    assert named in caught.value.message
