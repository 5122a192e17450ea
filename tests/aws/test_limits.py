"""What the transform function begins, and what it leaves to the next call or to Glue: time, memory, size."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from tests.helpers.functions import Context
from tests.helpers.lakes import BUCKET, records
from tests.helpers.s3 import LAKE, put

from lambda_functions import transform
from loglode import operations
from loglode.aws.manifest import write_manifest
from loglode.errors import SourceError
from loglode.settings import Settings
from loglode.sources import discover
from loglode.storage import S3Path

MIB = 1 << 20


@dataclass(frozen=True)
class Clock(Context):
    """A function whose time runs out: the seconds that are left, one answer a question."""

    left: Iterator[int] = field(default_factory=lambda: iter(()))

    def get_remaining_time_in_millis(self) -> int:
        return next(self.left) * 1000


@pytest.fixture(autouse=True)
def _lake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGLODE_LAKE", LAKE)
    monkeypatch.setenv("LOGLODE_BRONZE", f"s3://{BUCKET}/bronze")
    monkeypatch.setenv("LOGLODE_MANIFESTS", f"s3://{BUCKET}/manifests")


def load(context: Context) -> dict[str, Any]:
    """A call of the function for all that is below bronze."""
    manifest = write_manifest(S3Path(BUCKET, "manifests"), discover([f"s3://{BUCKET}/bronze/"]))
    event = {"step": "bronze_to_silver", "correlation_id": "c", "batch_id": "b", "manifest": str(manifest)}
    result: dict[str, Any] = transform.handler(event, context)  # type: ignore[arg-type]
    return result


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        # Whether the objects fit, then before the second and the third batch.
        ([900, 600, 300], ("done", 9)),
        ([900, 600, 29], ("unfinished", 6)),
        ([900, 29], ("unfinished", 3)),
    ],
)
def test_a_batch_is_begun_only_with_seconds_enough(
    s3: Any, monkeypatch: pytest.MonkeyPatch, left: list[int], expected: tuple[str, int]
) -> None:
    for n in range(3):
        put(s3, f"bronze/{n}.json", records(3, first=n * 1000))
    monkeypatch.setattr(transform, "BATCH_BYTES", 1)  # a batch an object
    result = load(Clock(left=iter(left)))
    assert (result["outcome"], result["rows_silver"]) == expected


def test_an_object_that_cannot_be_read_keeps_no_other_from_being_loaded(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls go on while there is something to load; the last one fails with the object's error."""
    for n in range(3):
        put(s3, f"bronze/{n}.json", records(3, first=n * 1000))
    manifest = write_manifest(S3Path(BUCKET, "manifests"), discover([f"s3://{BUCKET}/bronze/"]))
    s3.delete_object(Bucket=BUCKET, Key="bronze/0.json")
    monkeypatch.setattr(transform, "BATCH_BYTES", 1)  # a batch an object
    event = {"step": "bronze_to_silver", "correlation_id": "c", "batch_id": "b", "manifest": str(manifest)}
    first = transform.handler(event, Clock(left=iter([900, 29])))  # type: ignore[arg-type]
    assert first == {"outcome": "unfinished", "rows_silver": 3, "lines_read": 3}
    with pytest.raises(SourceError, match=r"^1 object failed: .*bronze/0\.json"):
        transform.handler(event, Clock(left=iter([900, 29])))  # type: ignore[arg-type]
    assert operations.status(Settings.build(lake=LAKE)).as_dict()["totals"]["rows_silver"] == 6


def test_the_slowest_batch_says_how_many_seconds_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 100.0, 110.0])
    monkeypatch.setattr(transform, "time", SimpleNamespace(monotonic=lambda: next(now)))
    is_time_left = transform._clock(Clock(left=iter([201, 199])))  # type: ignore[arg-type]
    assert [is_time_left(), is_time_left()] == [True, False], "twice the 100 s that the first batch took"


@pytest.mark.parametrize("memory", [1024, 1769, 3008, 10_240])
def test_the_engine_leaves_memory_to_everything_else(monkeypatch: pytest.MonkeyPatch, memory: int) -> None:
    seen: list[Settings] = []

    def gold(settings: Settings) -> int:
        seen.append(settings)
        return 0

    monkeypatch.setattr(operations, "update_gold", gold)
    event = {"step": "silver_to_gold", "correlation_id": "c"}
    transform.handler(event, Context(memory_limit_in_mb=memory))  # type: ignore[arg-type]
    limit = seen[0].memory_limit_mb
    assert limit * MIB + transform.MEMORY_BASE <= memory * MIB, "ends by Runtime.OutOfMemory otherwise"
    assert limit >= memory // 3, "or the engine spills without need"


@pytest.mark.parametrize(
    ("name", "is_packed"),
    [("a.json", False), ("a.json.gz", True), ("a.json.zst", True), ("a.json.zstd", True)],
)
def test_a_compressed_object_counts_as_what_it_unpacks_to(
    s3: Any, monkeypatch: pytest.MonkeyPatch, name: str, *, is_packed: bool
) -> None:
    lines = "".join(f"{json.dumps(line)}\n" for line in records(9)).encode()
    body = gzip.compress(lines) if is_packed else lines
    s3.put_object(Bucket=BUCKET, Key=f"bronze/{name}", Body=body)
    monkeypatch.setattr(transform, "BYTES_A_SECOND", 1)
    # Time for twice the bytes that are stored, and not for all that they may unpack to.
    seconds = int(transform.RESERVE_SECONDS) + 2 * len(body)
    assert load(Context(seconds=seconds))["outcome"] == ("too_large" if is_packed else "done")
