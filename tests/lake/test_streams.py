"""Large objects in bounded memory, and standard input."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard
from tests.helpers.logs import (
    assert_verified,
    line,
    load,
    paths_of,
    rows,
    settings_for,
)

from loglode.sources.objects import standard_input

MIB = 1 << 20


LARGE = """
import re, sys
from tests.helpers.logs import assert_verified, load, settings_for
from pathlib import Path
folder = Path(sys.argv[1])
settings = settings_for(folder)
report = load(settings, folder / "bronze")
assert_verified(settings)
print(report.as_dict())
# Not getrusage: across fork and exec that keeps the peak of the process that started this one.
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024
print("peak", peak, file=sys.stderr)
sys.exit(0 if peak < 1024 else f"{peak} MiB of memory")
"""


@pytest.mark.slow
def test_large_things_are_read_in_bounded_memory(tmp_path: Path) -> None:
    bronze = tmp_path / "bronze"
    bronze.mkdir()
    with (bronze / "line.json").open("wb") as file:
        file.write(line(path="/first").encode() + b"\n" + b'{"a":"')
        for _ in range(100):
            file.write(b"x" * MIB)
        file.write(b'"}\n' + line(path="/last").encode() + b"\n")
    with gzip.open(bronze / "line.gz", "wb", compresslevel=1) as packed:
        for _ in range(100):
            packed.write(b"x" * MIB)
    with (bronze / "array.json").open("w") as text:
        text.write("[")
        padding = "p" * 430
        for number in range(100_000):
            text.write((",\n" if number else "") + line(path=f"/{number}", padding=padding))
        text.write("]")
    assert (bronze / "array.json").stat().st_size > 50 * MIB
    root = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join([str(root / "src"), str(root)])
    done = subprocess.run(
        [sys.executable, "-c", LARGE, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    settings = settings_for(tmp_path)
    assert paths_of(settings, "line.json") == ["/first", "/last"]
    assert len(paths_of(settings, "array.json")) == 100_000
    sizes = rows(settings, "select raw_bytes, reasons[1], strlen(raw) <= 1048576 from quarantine order by 1")
    assert sizes == [(100 * MIB, "line_too_long", True), (100 * MIB + 8, "line_too_long", True)]


@pytest.mark.parametrize("kind", ["plain", "gzip", "zstd"])
def test_standard_input_may_be_compressed(tmp_path: Path, kind: str) -> None:
    text = b"".join(
        b'1.2.3.4 - - [04/Mar/2026:05:06:07 +0000] "GET /%d HTTP/1.1" 200 5\n' % n for n in range(3000)
    )
    packed = {
        "plain": text,
        "gzip": gzip.compress(text),
        "zstd": zstandard.ZstdCompressor().compress(text),
    }
    script = "import sys; from pathlib import Path; from tests.helpers.logs import load, settings_for;"
    script += "print(load(settings_for(Path(sys.argv[1])), '-').rows_silver)"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])},
        input=packed[kind],
        capture_output=True,
        check=False,
    )
    assert done.stdout.decode().strip() == "3000", done.stderr.decode()


@pytest.mark.parametrize(
    ("text", "quarantined", "blank"),
    [("", 0, 0), ("\n\n", 0, 2), ("broken\n", 1, 0), ("\nbroken\n{}\n", 2, 1)],
)
def test_standard_input_without_one_accepted_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, quarantined: int, blank: int
) -> None:
    """A stream cannot be read again: what is refused must be in quarantine."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    standard_input.cache_clear()
    settings = settings_for(tmp_path)
    report = load(settings, "-")
    again = load(settings, "-")
    standard_input.cache_clear()
    assert again.failed == ["stdin: standard input was read before"]
    assert (report.lines_read, report.lines_quarantined, report.blank_lines) == (
        quarantined + blank,
        quarantined,
        blank,
    )
    assert_verified(settings)
