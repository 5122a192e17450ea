"""A function and a job read manifests of the trigger and objects of bronze, and nothing else."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from tests.helpers.lakes import BUCKET, records
from tests.helpers.s3 import put

from loglode.aws.manifest import read_manifest, write_manifest
from loglode.errors import SourceError, UsageError
from loglode.sources import SourceObject
from loglode.sources.listing import on_s3
from loglode.storage import S3Path

BRONZE, MANIFESTS = f"s3://{BUCKET}/bronze", f"s3://{BUCKET}/manifests"
PLACES = {"manifests": MANIFESTS, "bronze": BRONZE}
ELSEWHERE = (
    "/proc/self/environ", "file:///proc/self/environ", "proc/self/environ", "../../proc/self/environ", "-", "",
    "/dev/stdin", "https://example.com/a.json", "http://169.254.169.254/latest/meta-data/", "s3:///x", "s3://",
    f"s3://{BUCKET}", f"s3://{BUCKET}/bronze", f"s3://{BUCKET}/bronze/", f"s3://{BUCKET}/bronze2/a.json",
    f"s3://{BUCKET}/quarantine/a.parquet", f"s3://{BUCKET}/manifests2/a.json", f"s3://other-{BUCKET}/bronze/a.json",
    f"s3://{BUCKET}.evil/bronze/a.json", f"S3://{BUCKET}/bronze/a.json", f" s3://{BUCKET}/bronze/a.json",
    f"s3a://{BUCKET}/bronze/a.json", f"/work/s3://{BUCKET}/bronze/a.json",
)  # fmt: skip


def _manifest(s3: Any, uri: Any) -> str:
    entry = asdict(on_s3(f"s3://{BUCKET}/{put(s3, 'bronze/good.json', records(1))}")) | {"uri": uri}
    s3.put_object(Bucket=BUCKET, Key="manifests/made.json", Body=json.dumps({"objects": [entry]}).encode())
    return f"{MANIFESTS}/made.json"


@pytest.mark.parametrize("uri", ELSEWHERE)
def test_a_place_elsewhere_is_neither_manifest_nor_object(s3: Any, uri: str) -> None:
    with pytest.raises(UsageError):
        read_manifest(uri, **PLACES)
    with pytest.raises(UsageError):
        read_manifest(_manifest(s3, uri), **PLACES)


def test_an_object_of_another_type_is_refused(s3: Any) -> None:
    for uri in (None, 1, ["s3://x"], {"a": 1}):
        with pytest.raises(UsageError):
            read_manifest(_manifest(s3, uri), **PLACES)


def test_what_is_not_a_manifest_is_not_repeated_in_the_error(s3: Any) -> None:
    s3.put_object(
        Bucket=BUCKET, Key="manifests/x.json", Body=b'{"objects": [{"AWS_SECRET_ACCESS_KEY": "hidden"}]}'
    )
    with pytest.raises(SourceError) as caught:
        read_manifest(f"{MANIFESTS}/x.json", **PLACES)
    assert "SECRET" not in str(caught.value) and "hidden" not in str(caught.value)


def test_the_trigger_s_own_manifest_is_read(s3: Any) -> None:
    objects: list[SourceObject] = [on_s3(f"s3://{BUCKET}/{put(s3, 'bronze/a b+c.json', records(1))}")]
    place = write_manifest(S3Path.parse(MANIFESTS), objects)
    assert read_manifest(str(place), **PLACES) == objects
