"""The list of a batch's objects, as an object of its own: however many there are, an event stays small."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from loglode.errors import SourceError
from loglode.sources import SourceObject
from loglode.storage import S3Path


def batch_name(objects: Sequence[SourceObject]) -> str:
    """Hash of the objects' identities, in any order: 40 hexadecimal digits."""
    return hashlib.sha256("\n".join(sorted(o.identity for o in objects)).encode()).hexdigest()[:40]


def write_manifest(folder: S3Path, objects: Sequence[SourceObject]) -> S3Path:
    """Write the list under its batch's name; the same batch writes the same. Raises StorageError."""
    place = folder / f"{batch_name(objects)}.json"
    ordered = sorted(objects, key=lambda o: o.uri)
    place.write_bytes(json.dumps({"objects": [asdict(o) for o in ordered]}).encode())
    return place


def read_manifest(uri: str) -> list[SourceObject]:
    """The objects of a manifest. Raises StorageError; SourceError when it is none."""
    try:
        return [SourceObject(**entry) for entry in json.loads(S3Path.parse(uri).read_bytes())["objects"]]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{uri} is no manifest: {error!r}", hint="the trigger writes them") from error
