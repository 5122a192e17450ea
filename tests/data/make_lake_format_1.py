"""Makes lake_format_1.tar.gz: a lake as the first release wrote it, for tests that continue and upgrade it.

    git worktree add /tmp/first-release 6bb0492
    PYTHONPATH=/tmp/first-release/src python tests/data/make_lake_format_1.py

Two batches of generated lines (seed 7, three days), some broken or sent again. The archive also holds the
bronze files and the pseudonymisation key, so that loading them again finds nothing new.
"""

# mypy: ignore-errors
from __future__ import annotations

import os
import tarfile
import tempfile
from datetime import date
from pathlib import Path

from loglode.generate import GenerateSpec, generate

import loglode
from loglode import pipeline
from loglode.settings import Settings

NAME = "lake_format_1"
# Identities of local objects cover path, size and time of change: the tests unpack to this place's name.
CHANGED = 1_773_100_800


def main() -> None:
    """Write the archive beside this script."""
    assert not hasattr(loglode, "open"), "PYTHONPATH names a later release"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, NAME)
        bronze = folder / "bronze"
        generate(
            GenerateSpec(
                out=bronze, events=200, days=3, start=date(2026, 3, 9), seed=7, files=2,
                broken_share=0.05, duplicate_share=0.05,
            )
        )  # fmt: skip
        (folder / "key").write_text("a key of the tests, not a secret", encoding="ascii")
        os.chdir(folder)
        logs = sorted(path for path in bronze.iterdir() if path.suffix == ".json" and path.name[0] != "_")
        for log in logs:
            os.utime(log, (CHANGED, CHANGED))
            pipeline.run(Settings.build(lake=folder / "lake", key_file=folder / "key", threads=1), [str(log)])
        with tarfile.open(Path(__file__).with_name(f"{NAME}.tar.gz"), "w:gz") as archive:
            archive.add(folder, NAME)


main()
