"""The list of a batch's objects, as an object of its own: however many there are, an event stays small."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from loglode.errors import SourceError, UsageError
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


def read_manifest(uri: str, *, manifests: str, bronze: str) -> list[SourceObject]:
    """The objects of a manifest below `manifests`, which all lie below `bronze`.

    The caller of a function or job names the manifest. A place elsewhere, such as a file of the machine
    with its credentials, is refused: UsageError. Raises StorageError; SourceError when the object is not a
    manifest.
    """
    _require_below(uri, manifests, "manifest")
    try:
        objects = [SourceObject(**entry) for entry in json.loads(S3Path.parse(uri).read_bytes())["objects"]]
    except (ValueError, KeyError, TypeError) as error:
        # The class alone: the text may be part of whatever object was named.
        raise SourceError(
            f"{uri} is not a manifest: {type(error).__name__}", hint="the trigger writes them"
        ) from error
    for found in objects:
        _require_below(found.uri, bronze, "object")
    return objects


def _require_below(uri: object, folder: str, what: str) -> None:
    start = str(S3Path.parse(folder)) + "/"
    if not isinstance(uri, str) or not uri.startswith(start) or uri == start:
        raise UsageError(
            f"cannot read {str(uri)[:300]!r}: no {what} below {start}",
            hint="functions and jobs read manifests of the trigger and objects of bronze, and nothing else",
        )
