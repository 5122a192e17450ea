"""Objects that unpack to far more than they seem to hold fail alone, with an error of their own."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from tests.helpers.logs import assert_verified, line, load, paths_of, reasons_of, settings_for, write

from loglode import limits
from loglode.errors import LimitError, UsageError
from loglode.limits import Limits
from loglode.sources.lines import LineReader
from loglode.sources.nesting import MAX_DEPTH, MAX_VALUES


def _noise(lines: int) -> bytes:
    return b"".join(hashlib.sha256(b"%d" % n).hexdigest().encode() + b"\n" for n in range(lines))


GOOD = "".join(line(path=f"/{n}") + "\n" for n in range(20)).encode()
BOMBS: dict[str, tuple[bytes, dict[str, int]]] = {
    "ratio.gz": (gzip.compress(b"\0" * (8 << 20)), {"max_ratio": 100}),
    "ratio.zst": (zstandard.ZstdCompressor().compress(GOOD + b"a" * (8 << 20)), {"max_ratio": 100}),
    "bytes.gz": (gzip.compress(GOOD + b"a" * (8 << 20)), {"max_object_mb": 4}),
    "members.gz": (gzip.compress(b"a" * (1 << 20)) * 8, {"max_object_mb": 4}),
    "plain.log": (GOOD + b"a" * (8 << 20), {"max_object_mb": 4}),
    "lines.gz": (gzip.compress(GOOD * 2000), {"max_lines": 30_000}),
    "blank.gz": (gzip.compress(GOOD + b"\n" * (3 << 20)), {"max_blank_lines": 1_000_000}),
    "spaces.gz": (gzip.compress(GOOD + b" \r\n" * (1 << 20)), {"max_blank_lines": 500_000}),
    "quarantine.log": (_noise(60_000), {"max_quarantine_mb": 1}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_fails_alone(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content, given = BOMBS[name]
    if "max_ratio" in given:
        monkeypatch.setattr(limits, "RATIO_FREE_BYTES", 1 << 20)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / name).write_bytes(content)
    write(tmp_path / "logs" / "good.json", [line(path="/good")])
    write(tmp_path / "logs" / "more.log", [line(path="/more")])
    settings = settings_for(tmp_path, **given)
    report = load(settings, tmp_path / "logs")
    assert (report.objects, report.rows_silver, report.lines_quarantined) == (2, 2, 0)
    ((source, failed),) = report.ledger.failures.items()
    assert source.uri.endswith(name)
    assert isinstance(failed.error, LimitError)
    assert limits.option(next(iter(given))) in failed.error.hint
    assert_verified(settings)
    assert load(settings, tmp_path / "logs").failed == report.failed


def test_the_command_says_which_object_and_fails(tmp_path: Path) -> None:
    (tmp_path / "blank.gz").write_bytes(gzip.compress(b"\n" * (2 << 20)))
    write(tmp_path / "good.json", [line(path="/good")])
    command = [
        sys.executable,
        "-m",
        "loglode",
        "run",
        str(tmp_path / "blank.gz"),
        str(tmp_path / "good.json"),
    ]
    done = subprocess.run(
        [*command, "--lake", str(tmp_path / "lake")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "blank.gz: it has more than 1,000,000 blank lines" in done.stderr
    assert "1 loaded" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_limits_are_whole_numbers_from_one_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in limits.NAMES:
        with pytest.raises(UsageError, match=name):
            settings_for(tmp_path, **{name: 0})
        monkeypatch.setenv(limits.variable(name), "77")
        assert getattr(settings_for(tmp_path).limits, name) == 77
        assert getattr(settings_for(tmp_path, **{name: 5}).limits, name) == 5


def test_ordinary_logs_are_far_below_the_limits() -> None:
    Limits().check("a", 1 << 20, size=1 << 27, lines=10**8, blank=1000)  # below 128 MB any ratio is fine


DEEP: dict[str, Callable[[int], str]] = {
    "arrays": lambda n: "[" * n + "]" * n,
    "objects": lambda n: '{"a":' * n + "1" + "}" * n,
    "mixed": lambda n: '[{"a":' * (n // 2) + "1" + "}]" * (n // 2),
    "open": lambda n: "[" * n,
}


@pytest.mark.parametrize("kind", DEEP)
def test_deep_lines_are_refused_and_their_neighbours_are_not(tmp_path: Path, kind: str) -> None:
    inner = line(path="/x")[:-1] + ',"x":'
    brackets = '"' + '[{\\"' * 5_000 + '"'  # in a text they are no depth
    wide = "[" + "1," * (MAX_VALUES + 1) + "1]"
    lines = [line(path="/1"), inner + DEEP[kind](100_000) + "}", inner + brackets + "}", inner + wide + "}",
             inner + "[" + "1," * (MAX_VALUES // 2) + "1]}", line(path="/2")]  # fmt: skip
    settings = settings_for(tmp_path)
    load(settings, write(tmp_path / "a.json", lines))
    assert reasons_of(settings, "a.json") == ["json_too_deep", "json_too_wide"]
    assert paths_of(settings, "a.json") == ["/1", "/x", "/x", "/2"]
    assert_verified(settings)


def test_depth_and_width_are_counted_outside_of_texts() -> None:
    pad = " " * 5_000
    kinds = {
        "[" * MAX_DEPTH + "]" * MAX_DEPTH + pad: None,
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1) + pad: "json_too_deep",
        '["\\"[[[[", ' + "[]," * 500 + "1]" + pad: None,
        '"' + "[" * 6_000: None,
        '"\\\\" ' + "[" * 100 + pad: "json_too_deep",
        "[" + "," * (MAX_VALUES + 1) + "[" * 60: "json_too_wide",
    }
    for text, reason in kinds.items():
        reader = LineReader("a", _stream(text))
        (fault,) = [v for batch in reader.batches() for v in batch.column("fault").to_pylist()]
        assert (fault and fault.split(":")[0]) == reason, text[:40]


def _stream(text: str) -> Any:
    return io.BytesIO(text.encode() + b"\n")
