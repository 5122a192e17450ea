"""Object storage: files and folders, on a disk or on S3.

A place is a `Path` or an `S3Path`; both have the methods that the lake calls.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from loglode.errors import NoSuchObjectError, StorageError, UsageError
from loglode.sdk import broken_bodies, call, client, errors, renewing

SCHEME = "s3://"
KMS_VARIABLE = "LOGLODE_KMS_KEY"
_BODY_ATTEMPTS = 4
# Of a conditional PUT: the object is there, or somebody is writing it at this moment.
_TAKEN = frozenset("PreconditionFailed 412 ConditionalRequestConflict 409".split())


@dataclass(frozen=True, slots=True, order=True)
class S3Path:
    """An object or a folder of objects. Without versions, ETag or size: a place, not a state."""

    bucket: str
    key: str = ""

    @classmethod
    def parse(cls, uri: str) -> S3Path:
        """From `s3://bucket[/key]`. Raises UsageError."""
        bucket, _, key = uri.removeprefix(SCHEME).partition("/")
        if not uri.startswith(SCHEME) or not bucket:
            raise UsageError(f"{uri!r} is not a valid S3 URI", hint="s3://bucket or s3://bucket/prefix")
        return cls(bucket, key.strip("/"))

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}" + (f"/{self.key}" if self.key else "")

    def __truediv__(self, name: str) -> S3Path:
        return self.joinpath(name)

    def joinpath(self, *names: str) -> S3Path:
        """A place below this one."""
        return S3Path(self.bucket, "/".join([*([self.key] if self.key else []), *names]))

    @property
    def name(self) -> str:
        return PurePosixPath(self.key).name

    @renewing
    def exists(self) -> bool:
        """Whether there is an object at this very key."""
        try:
            with call(str(self)):
                client("s3").head_object(Bucket=self.bucket, Key=self.key)
        except NoSuchObjectError:
            return False
        return True

    @renewing
    def read_bytes(self) -> bytes:
        """The whole object. Raises StorageError."""
        return _body(self)

    @renewing
    def read_end(self, count: int) -> bytes:
        """The last bytes of the object. Raises StorageError."""
        return _body(self, Range=f"bytes=-{count}")

    @renewing
    def write_bytes(self, data: bytes) -> None:
        """Put an object, encrypted as the settings want. Raises StorageError."""
        with call(str(self)):
            client("s3").put_object(Bucket=self.bucket, Key=self.key, Body=data, **_encryption())

    @renewing
    def create(self, data: bytes) -> bool:
        """Put an object where there is none, in one step; False if there is one. Raises StorageError."""
        put = {"Bucket": self.bucket, "Key": self.key, "Body": data, **_encryption()}
        with call(str(self)):
            try:
                client("s3").put_object(IfNoneMatch="*", **put)
            except errors().ClientError as error:
                if error.response["Error"]["Code"] not in _TAKEN:
                    raise
                return False
        return True

    @renewing
    def unlink(self) -> None:
        """Delete the object; a missing one is not an error."""
        with call(str(self)):
            client("s3").delete_object(Bucket=self.bucket, Key=self.key)


Location = Path | S3Path


@dataclass(frozen=True, slots=True)
class S3Object:
    """One object as a listing or a HEAD tells it."""

    path: S3Path
    size: int
    etag: str
    modified_ns: int
    version: str = ""


def location(text: str | Path) -> Location:
    """A place as users write it: a path, or `s3://bucket[/prefix]`. Raises UsageError."""
    return S3Path.parse(str(text)) if str(text).startswith(SCHEME) else Path(text).absolute()


def list_objects(folder: S3Path, *, as_prefix: bool = False, after: str = "") -> Iterator[S3Object]:
    """Objects below a folder in the order of their keys; as_prefix: whose keys begin so.

    Keys up to `after` (a name in the folder) are left out. Raises StorageError.
    """
    prefix = folder.key if as_prefix or not folder.key else folder.key + "/"
    start = {"StartAfter": prefix + after} if after else {}
    while True:
        page = _page(folder, Prefix=prefix, **start)
        for entry in page.get("Contents", ()):
            yield _object(folder.bucket, entry["Key"], entry["Size"], entry)
        if not page["IsTruncated"]:
            return
        start = {"ContinuationToken": page["NextContinuationToken"]}


@renewing
def _page(folder: S3Path, **words: str) -> dict[str, Any]:
    with call(str(folder)):
        return dict(client("s3").list_objects_v2(Bucket=folder.bucket, **words))


@renewing
def head(path: S3Path, version: str = "") -> S3Object:
    """One object's state. Raises StorageError where there is none."""
    with call(str(path)):
        chosen = {"VersionId": version} if version else {}
        entry = client("s3").head_object(Bucket=path.bucket, Key=path.key, **chosen)
    return _object(path.bucket, path.key, entry["ContentLength"], entry)


def _object(bucket: str, key: str, size: int, entry: dict[str, Any]) -> S3Object:
    modified_ns = int(entry["LastModified"].timestamp()) * 1_000_000_000
    version = entry.get("VersionId") or ""
    return S3Object(S3Path(bucket, key), size, entry["ETag"].strip('"'), modified_ns, version)


def names_after(folder: Location, after: str = "") -> list[str]:
    """Names of the files in a folder (of S3: and below it) that sort after `after`, in order."""
    if isinstance(folder, Path):
        return sorted(p.name for p in folder.iterdir() if p.name > after) if folder.is_dir() else []
    prefix = len(folder.key) + 1 if folder.key else 0
    return [found.path.key[prefix:] for found in list_objects(folder, after=after)]


def sizes(folder: Location, names: list[str]) -> dict[str, int]:
    """Bytes of each of the files, relative to the folder. Those that are not there are left out."""
    if isinstance(folder, Path):
        return {name: (folder / name).stat().st_size for name in names if (folder / name).is_file()}
    objects = {o.path.key: o.size for o in list_objects(folder)} if names else {}
    keys = {name: (folder / name).key for name in names}
    return {name: objects[key] for name, key in keys.items() if key in objects}


def missing(folder: Location, names: list[str]) -> list[str]:
    """Which of the names, relative to the folder, are not there."""
    there = sizes(folder, names)
    return [name for name in names if name not in there]


def read_if_there(path: Location) -> bytes | None:
    """All bytes of a file or an object; None where there is none. Raises StorageError, OSError."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NoSuchObjectError):
        return None


def create(path: Location, data: bytes) -> bool:
    """Write a file where there is none, in one step; False if there is one. Raises StorageError, OSError."""
    if isinstance(path, S3Path):
        return path.create(data)
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        new.write_bytes(data)
        os.link(new, path)
    except FileExistsError:
        return False
    finally:
        new.unlink(missing_ok=True)
    return True


def require_conditional_writes(path: S3Path) -> None:
    """Raise StorageError unless the store refuses to create an object that is there, as S3 does.

    Of two writers that such a store lets through, one would overwrite what the other has committed.
    """
    path.create(b"checked")
    if path.create(b"checked"):
        raise StorageError(
            f"the store of {path} ignores conditional writes (If-None-Match), so commits could be lost",
            hint="use a store that supports them, such as Amazon S3 or a newer version of this one",
        )


@renewing
def upload(source: Path, target: S3Path) -> None:
    """Copy a local file to S3, large ones in parts. Raises StorageError."""
    with call(str(target)):
        client("s3").upload_file(str(source), target.bucket, target.key, ExtraArgs=_encryption())


def _encryption() -> dict[str, str]:
    """Headers that ask for encryption: with S3's own keys, or with the KMS key of the settings."""
    key = os.environ.get(KMS_VARIABLE)
    if key:
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    return {"ServerSideEncryption": "AES256"}


def read_end(path: Location, count: int) -> bytes:
    """The last bytes of a file or an object, all of a smaller one. Raises StorageError, OSError."""
    if isinstance(path, S3Path):
        return path.read_end(count)
    with path.open("rb") as stream:
        stream.seek(max(path.stat().st_size - count, 0))
        return stream.read()


@renewing
def read_range(path: S3Path, etag: str, version: str, *, size: int, start: int = 0) -> bytes:
    """Bytes of an object in the state that was listed. Raises StorageError."""
    state = {"VersionId": version} if version else {"IfMatch": f'"{etag}"'} if etag else {}
    return _body(path, Range=f"bytes={start}-{start + size - 1}", **state)


def _body(path: S3Path, **wanted: str) -> bytes:
    """A body that breaks off is requested again: the SDK repeats only what fails before the body begins."""
    attempt = 1
    with call(str(path)):
        while True:
            body = client("s3").get_object(Bucket=path.bucket, Key=path.key, **wanted)["Body"]
            try:
                return bytes(body.read())
            except broken_bodies():
                if attempt == _BODY_ATTEMPTS:
                    raise
                attempt += 1


@renewing
def download(path: S3Path, target: Any) -> None:
    """A file of the lake, which never changes, into an open file, in parallel parts. Raises StorageError."""
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - without S3 nobody needs it

    target.seek(0)
    with call(str(path)):
        config = TransferConfig(max_concurrency=4)
        client("s3").download_fileobj(path.bucket, path.key, target, Config=config)
