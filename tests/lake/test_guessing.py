"""Somebody has silver, gold and ops, with their logs, and not the key, and tries what might be in the lines.

Everything that is stored is compared with every guess, plain and hashed, with the decorations that a program
might add. The first release's lake shows that the attack works.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.helpers.lakes import AGENT, load, record, write

HASHES = ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256")
# Shorter parts of a hash come up by chance.
DIGITS = 12
_HEX = re.compile(rf"[0-9a-fA-F]{{{DIGITS},}}")
PEOPLE = [f"198.51.100.{n}" for n in range(1, 6)]


def stored(lake: Path) -> set[str]:
    """Every text of silver, gold and ops: values, bounds, names of files, logs with their numbers as texts."""
    found: set[str] = set()
    for layer in ("silver", "gold", "ops"):
        for path in (lake / layer).rglob("*"):
            found.add(path.relative_to(lake).as_posix())
            if path.suffix == ".parquet" and path.is_file():
                found |= set(_texts(pq.read_table(path, partitioning=None).to_pylist()))
            elif path.is_file():
                data = path.read_bytes()
                data = gzip.decompress(data) if path.suffix == ".gz" else data
                for line in data.splitlines():
                    found |= set(_texts(json.loads(line)))
    return found


def _texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for key, inner in value.items():
                yield str(key)
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)
        case str() if value[:1] in ("{", "["):
            yield value
            with contextlib.suppress(ValueError):
                yield from _texts(json.loads(value))
        case None:
            pass
        case _:
            yield str(value)


def known(texts: Iterable[str]) -> tuple[str, set[str]]:
    """All texts as one, and the beginnings of all that may be a hash, wherever in a text."""
    whole = "\n".join(sorted(texts))
    return whole, {
        found[start : start + DIGITS].lower()
        for found in _HEX.findall(whole)
        for start in range(len(found) - DIGITS + 1)
    }


def decorated(guess: str, kinds: Iterable[str]) -> Iterator[str]:
    yield guess
    for kind in kinds:
        yield from (f"{kind}:{guess}", f":{kind}:{guess}", f"{kind}{guess}", f"{kind}={guess}")
    yield from (f"{guess}\n", f"id:{guess}", f"line:{guess}", f"head:{guess}", f"text:{guess}")


def broken(lake: Path, guesses: dict[str, Iterable[str]]) -> list[str]:
    """Guesses that the lake confirms."""
    whole, beginnings = known(stored(lake))
    confirmed = []
    for forms in guesses.values():
        for form in forms:
            data = form.encode()
            digests = [hashlib.new(name, data, usedforsecurity=False).digest() for name in HASHES]
            in_hex = any(digest.hex()[:DIGITS] in beginnings for digest in digests)
            encoded = [base64.b64encode(part).decode().rstrip("=") for part in (data, *digests)]
            in_base64 = any(
                text[:16] in whole or text.replace("+", "-").replace("/", "_")[:16] in whole
                for text in encoded
                if len(text) >= 16
            )
            if in_hex or in_base64:
                confirmed.append(form)
                break
    return confirmed


def guesses_of(lines: list[str], values: Iterable[str]) -> dict[str, Iterable[str]]:
    """Each value alone, and each line with what may be around it: its number and the hash of those above."""
    kinds = ("client", "client_ip", "client_id", "user", "user_id", "session", "session_id", "visitor", "ip")
    guesses: dict[str, Iterable[str]] = {value: list(decorated(value, kinds)) for value in values}
    first = above = _head(lines[:1])
    for number, line in enumerate(lines, 1):
        chain = _head(lines[:number])
        places = [f"{head}:{number}:{line}" for head in (first, chain)]
        places += [chain, f"{above}{chain}", f"{number}:{line}", *decorated(line, ())]
        above = chain
        guesses[line] = [form for place in places for form in decorated(place, ())]
    return guesses


def _head(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def combined(address: str, second: int) -> str:
    return (
        f'{address} - carla [10/Mar/2026:12:00:{second:02d} +0000] "GET /page/{second} HTTP/1.1" 200 512'
        f' "-" "{AGENT}"'
    )


@pytest.mark.parametrize("period", ["none", "month"])
def test_nothing_stored_confirms_a_guess(lake: Path, tmp_path: Path, period: str) -> None:
    lines = [combined(address, n) for n, address in enumerate(PEOPLE)]
    load(lake, write(tmp_path / "a.log", lines), pseudonym_period=period)
    events = [
        record(60 + n, client_ip=address, user_id="carla.m", session_id=f"session-{n}", request_id=f"req-{n}")
        for n, address in enumerate(PEOPLE)
    ]
    load(lake, write(tmp_path / "b.json", [*events, events[0], "broken"]))
    texts = [json.dumps(event) for event in events]
    values = [
        *PEOPLE,
        "carla",
        "carla.m",
        AGENT,
        *(f"{what}-{n}" for n in range(5) for what in ("session", "req")),
    ]
    values += [f"{address}{AGENT}" for address in PEOPLE]
    for sent in (lines, texts):
        assert broken(lake, guesses_of(sent, values)) == []
    whole, _ = known(stored(lake))
    assert not [value for value in (*PEOPLE, "carla", "session-", "req-", AGENT) if value in whole]


def test_the_attack_works_on_ids_without_a_key(tmp_path: Path) -> None:
    with tarfile.open(Path(__file__).parents[1] / "data" / "lake_format_1.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    old = tmp_path / "lake_format_1"
    log = min((old / "bronze").glob("[!_]*.json"))
    ids = [json.loads(line)["request_id"] for line in log.read_text().splitlines()[:50] if '"request_id"' in line
           and line.endswith("}")]  # fmt: skip
    assert len(broken(old / "lake", guesses_of(["x"], ids))) > 40
