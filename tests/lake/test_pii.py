"""Personal data: canaries go into every field, and none of them comes out anywhere but in quarantine."""

from __future__ import annotations

import gzip
import json
import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.helpers.logs import accepted, assert_verified, line, load, one, rows, settings_for, write

from loglode.contract import load_contract
from loglode.engines.duckdb.session import connect
from loglode.errors import LoglodeError
from loglode.formats import FORMATS
from loglode.settings import Settings
from loglode.silver import MEMOS, memo_texts, silver_statement
from loglode.sources.lines import SCHEMA

USER, SESSION = "carla.canary-4711", "sess-Canary-0815-xyz"
SECRETS = {
    "user": USER,
    "session": SESSION,
    "ipv4": "203.0.113.77",
    "ipv6": "2001:db8:1:2:3:4:5:6",
    "email": "canary.person@mail.example",
    "email_encoded": "canary.person%40mail.example",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ",
    "stripe": "sk_live_canary51H8xAbCdEfGh",
    "github": "ghp_canary0123456789ABCDEFabcdef012345",
    "aws": "AKIACANARY0123456789",
    "google": "AIzaSyCanary0hCZtE6vySjMm-WEfRq3CPzqKqs",
    "ipv4_written_otherwise": "203%2E0%2E113%2E77",
    "ipv6_written_otherwise": "2001%3Adb8%3A1%3A2%3A3%3A4%3A5%3A6",
    "email_encoded_twice": "canary.person%2540mail.example",
}
# Values of parameters that the contract calls sensitive need not look like secrets.
PARAMETERS = {
    "token": "plain-canary-1",
    "password": "hunter2canary",
    "SID": "cn4ry",
    "email": "no-at-canary",
    "jsessionid": "can-short",
}
NEEDLES = tuple(
    text.encode() for text in {**SECRETS, **{f"p_{k}": v for k, v in PARAMETERS.items()}}.values()
)
QUERY = "&".join(f"{name}={value}" for name, value in PARAMETERS.items())
OWN = {"user_id": USER, "session_id": SESSION, "client_ip": "203.0.113.77"}


def _places(secret: str) -> Iterator[str]:
    """Ways for a secret to stand in a text."""
    yield secret
    yield f"/a/{secret}/b"
    yield f"x={secret}&y=1"
    yield f"/p?x={secret};{QUERY}#{secret}"
    yield f"https://{secret}@host.example/{secret}/?{QUERY}&q={secret}"
    yield f"GET /r/{secret}?{QUERY}&q={secret} HTTP/1.1"


def _json_lines() -> Iterator[str]:
    contract = load_contract()
    names = sorted({alias.path[0] for field in contract.read_fields for alias in field.aliases})
    for secret in SECRETS.values():
        for name in [*names, "unknown_field", secret]:
            for text in _places(secret):
                # A user's own id is known only where the same line names the user.
                yield line(**{**OWN, name: text})
        for text in _places(secret):
            yield line(
                **OWN, query=QUERY + f"&a={secret}", referrer=text, utm_source=secret, utm_campaign=text
            )
            yield line(**OWN, http={"request": {"referrer": text}}, url={"full": text, "path": text})
            yield line(
                **OWN, request={"uri": text, "host": secret, "headers": {"Referer": [text]}}, path=None
            )


def _combined_lines() -> Iterator[str]:
    # Nothing in this format names a session, so only one in a sensitive parameter can be known.
    for secret in (text for text in SECRETS.values() if text != SESSION):
        for text in (secret, f"https://x.example/{secret}?q={secret}&{QUERY}", f"{secret} {secret}"):
            stamp = "[04/Mar/2026:05:06:07 +0000]"
            yield f'{secret} - {USER} {stamp} "GET /{secret}?q={secret}&{QUERY} HTTP/1.1" 200 5 "{text}" "{text}"'
            yield f'{secret}:443 203.0.113.77 - {USER} {stamp} "GET {text} HTTP/1.1" 200 5 "{text}" "{text}"'
            yield f'203.0.113.77 {secret} {USER} {stamp} "{text}" 404 - "-" "{text}"'


@pytest.fixture(scope="module")
def masked(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Settings, str]:
    """A lake made of lines that are full of canaries, and what was logged while it was made."""
    folder = tmp_path_factory.mktemp("pii")
    settings = settings_for(folder)
    records: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    handler = Keep(level=0)
    logging.getLogger().addHandler(handler)
    bronze = folder / "bronze"
    write(bronze / "events.ndjson", _json_lines())
    write(bronze / "access.log", _combined_lines())
    write(bronze / "more.ndjson", [line(**{**OWN, "path": "/plain", "client_ip": SECRETS["ipv6"]})])
    report = load(settings, bronze)
    logging.getLogger().removeHandler(handler)
    return settings, "\n".join([*records, json.dumps(report.as_dict())])


def _exposed(settings: Settings) -> list[Path]:
    """Every file of the lake that is neither bronze nor quarantine's data."""
    files = [path for path in Path(str(settings.lake)).rglob("*") if path.is_file()]
    quarantine = settings.lake / "quarantine"
    return [p for p in files if not (p.is_relative_to(str(quarantine)) and p.suffix == ".parquet")]


def _strings(array: pa.ChunkedArray | pa.Array) -> Iterator[str]:
    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield from (text for text in array.unique().to_pylist() if text is not None)
    elif pa.types.is_nested(kind):
        yield from (json.dumps(value, default=str, ensure_ascii=False) for value in array.to_pylist())


def _contents(path: Path) -> bytes:
    """All that can be read out of a file: its bytes, and for Parquet its values and bounds."""
    found = [path.read_bytes()]
    if path.suffix == ".gz":
        found.append(gzip.decompress(found[0]))
    if path.suffix == ".parquet":
        file = pq.ParquetFile(path)
        table = file.read()
        found += [text.encode() for column in table.columns for text in _strings(column)]
        metadata = file.metadata
        for group in range(metadata.num_row_groups):
            for index in range(metadata.num_columns):
                found.append(str(metadata.row_group(group).column(index).statistics).encode())
    return b"\n".join(found)


def test_the_lines_reached_silver(masked: tuple[Settings, str]) -> None:
    settings, _ = masked
    assert_verified(settings)
    assert one(settings, "select count(*) from web_logs") > 2000
    assert len(accepted(settings, "access.log")) > 60


@pytest.mark.parametrize("needle", NEEDLES, ids=lambda needle: needle.decode()[:20])
def test_no_canary_leaves_quarantine(masked: tuple[Settings, str], needle: bytes) -> None:
    settings, said = masked
    leaks = [
        path.relative_to(str(settings.lake)) for path in _exposed(settings) if needle.lower() in _all(path)
    ]
    if leaks:
        columns = [
            name
            for name, kind in rows(settings, "select column_name, column_type from (describe web_logs)")
            if kind == "VARCHAR"
        ]
        where = {}
        for name in columns:
            hits = rows(
                settings,
                f'select "{name}", source_object, source_line from web_logs where contains(lower("{name}"), lower(\'{needle.decode()}\')) limit 3',
            )
            if hits:
                where[name] = hits
        pytest.fail(f"{needle!r} in {leaks[:3]}: {where}")
    assert needle.decode() not in said


_CACHE: dict[Path, bytes] = {}


def _all(path: Path) -> bytes:
    if path not in _CACHE:
        _CACHE[path] = _contents(path).lower()
    return _CACHE[path]


def test_the_name_of_an_object_is_in_silver_and_quarantine_alone(tmp_path: Path) -> None:
    folder = tmp_path / "203.0.113.78"
    folder.mkdir()
    write(folder / "of-someone@example.com.json", [line(), "broken"])
    settings = settings_for(tmp_path)
    load(settings, folder)
    root = Path(str(settings.lake))
    files = [path for path in root.rglob("*") if path.is_file()]
    needles = (b"203.0.113.78", b"someone")
    holding = {
        path.relative_to(root).parts[0] for path in files if any(needle in _all(path) for needle in needles)
    }
    assert holding == {"silver", "quarantine"}


def test_nothing_is_printed(
    masked: tuple[Settings, str], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    del masked
    settings = settings_for(tmp_path)
    write(tmp_path / "a.ndjson", list(_json_lines())[:50])
    load(settings, tmp_path / "a.ndjson")
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_the_key_is_in_its_own_file_only(masked: tuple[Settings, str]) -> None:
    settings, said = masked
    assert stat.S_IMODE(settings.key_path.stat().st_mode) == 0o600
    key = settings.key_path.read_bytes().strip()
    assert len(key) >= 16
    found = [
        path for path in Path(str(settings.lake)).rglob("*") if path.is_file() and key in path.read_bytes()
    ]
    assert found == [settings.key_path]
    assert key.decode() not in said


def test_the_key_is_a_parameter_of_the_statement() -> None:
    contract = load_contract()
    key = "k" * 22
    connection = connect(memory_limit_mb=256, threads=1, temp_dir=Path("/nonexistent"))
    for fmt in FORMATS.values():
        empty = pa.Table.from_batches([], SCHEMA)
        connection.register("lines", empty)
        for memo in MEMOS:
            select = memo.statement(memo_texts(contract, fmt, frozenset()))
            assert "pseudonym_key" not in select
            connection.execute(f"create or replace temp table {memo.name} as {select}")
        statement = silver_statement(contract, fmt, frozenset())
        assert "$pseudonym_key" in statement
        parameters = {
            "pseudonym_key": key,
            "batch_id": "b",
            "contract_version": "1",
            "processed_at": "2026-01-01",
        }
        plan = connection.execute(f"explain {statement}", parameters).fetchall()
        # The plan is of the statement as bound; it is shown to nobody, and cut to a few characters.
        assert statement.count(key) == 0
        assert key not in str(plan)
    with pytest.raises(duckdb.Error) as caught:
        connection.execute(
            "select error($pseudonym_key::varchar || 'x')::int + nothing", {"pseudonym_key": key}
        )
    assert key not in str(caught.value)


def test_an_error_of_the_engine_does_not_show_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path)
    write(tmp_path / "a.ndjson", [line(**OWN)])
    from loglode.engines.duckdb import outputs

    monkeypatch.setattr(
        outputs, "silver_statement", lambda *_, **__: "select cast($pseudonym_key as integer)"
    )
    with pytest.raises(LoglodeError) as caught:
        load(settings, tmp_path / "a.ndjson")
    assert settings.key_path.read_text().strip() not in f"{caught.value} {caught.value.hint}"


def test_the_same_key_gives_the_same_pseudonyms_and_another_gives_others(tmp_path: Path) -> None:
    lines = [line(**OWN, user_agent="a"), line(**OWN, user_agent="a", path="/2"), line(path="/none")]
    columns = "user_id, session_id, client_id, visitor_id"
    found = []
    for name, key in (("one", "abcdefghijk" * 2), ("two", "abcdefghijk" * 2), ("three", "lmnopqrstuv" * 2)):
        key_file = tmp_path / f"{name}.key"
        key_file.write_text(key + "\n")
        settings = settings_for(tmp_path / name, key_file=key_file)
        write(tmp_path / name / "a.ndjson", lines)
        load(settings, tmp_path / name / "a.ndjson")
        assert not (settings.lake / ".loglode" / "pseudonym.key").exists()
        found.append(accepted(settings, "a.ndjson", columns))
    assert found[0] == found[1]
    assert found[0][0] == found[0][1]
    assert not {*found[0][0]} & {*found[2][0]}
    assert all(len(value) == 16 and int(value, 16) >= 0 for value in found[0][0])
    assert len({*found[0][0]}) == 4
    assert found[0][2] == (None,) * 4
