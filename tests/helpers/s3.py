"""Objects of the tests' bucket on the emulator."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from tests.helpers.lakes import BUCKET

LAKE = f"s3://{BUCKET}/lake"


def put(s3: Any, key: str, lines: list[Any], *, zipped: bool = False) -> str:
    """Write lines, or records as JSON, to an object of the tests' bucket; returns its key."""
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    body = b"".join(text.encode() + b"\n" for text in texts)
    s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(body) if zipped else body)
    return key


def fetched(s3: Any, folder: Path) -> Path:
    """The lake's objects on the disk, to compare it with one that was made there."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="lake/"):
        for entry in page.get("Contents", ()):
            target = folder / entry["Key"].removeprefix("lake/")
            target.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(BUCKET, entry["Key"], str(target))
    return folder
