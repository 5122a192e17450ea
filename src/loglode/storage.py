"""Object storage and secrets: the one module of the package that speaks to AWS.

A place is a `Path` or an `S3Path`; both have what the lake asks of a place. The endpoint, credentials
and region come from where every SDK finds them (AWS_ENDPOINT_URL_S3, AWS_PROFILE, a role ...), retries
are the SDK's. boto3 is imported on first use: without S3 nobody needs it.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from loglode.errors import AccessDeniedError, LakeError, StorageBusyError, StorageError, UsageError
from loglode.refusals import refusal

SCHEME = "s3://"
KMS_VARIABLE = "LOGLODE_KMS_KEY"
_GONE = frozenset("NoSuchKey NoSuchBucket NoSuchVersion 404 PreconditionFailed 412".split())


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
            raise UsageError(f"{uri!r} is no place on S3", hint="s3://bucket or s3://bucket/prefix")
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

    def exists(self) -> bool:
        """Whether there is an object at this very key."""
        with call(str(self)):
            try:
                client("s3").head_object(Bucket=self.bucket, Key=self.key)
            except _sdk().ClientError as error:
                if error.response["Error"]["Code"] in _GONE:
                    return False
                raise
        return True

    def read_bytes(self) -> bytes:
        """The whole object. Raises StorageError."""
        with call(str(self)):
            found = client("s3").get_object(Bucket=self.bucket, Key=self.key)
            return bytes(found["Body"].read())

    def write_bytes(self, data: bytes) -> None:
        """Put an object, encrypted as the settings want. Raises StorageError."""
        with call(str(self)):
            client("s3").put_object(Bucket=self.bucket, Key=self.key, Body=data, **_encryption())

    def unlink(self) -> None:
        """Delete the object; none is no error."""
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
    with call(str(folder)):
        pages = client("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=folder.bucket, Prefix=prefix, **start):
            for entry in page.get("Contents", ()):
                yield _object(folder.bucket, entry["Key"], entry["Size"], entry)


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


def missing(folder: Location, names: list[str]) -> list[str]:
    """Which of the names, relative to the folder, are not there."""
    if isinstance(folder, Path):
        return [name for name in names if not (folder / name).is_file()]
    there = set(names_after(folder)) if names else set()
    return [name for name in names if name not in there]


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


def read_range(path: S3Path, etag: str, version: str, *, size: int) -> bytes:
    """The first bytes of an object in the state that was listed. Raises StorageError."""
    with call(str(path)):
        state = {"VersionId": version} if version else {"IfMatch": f'"{etag}"'} if etag else {}
        found = client("s3").get_object(
            Bucket=path.bucket, Key=path.key, Range=f"bytes=0-{size - 1}", **state
        )
        return bytes(found["Body"].read())


def download(path: S3Path, etag: str, version: str, target: Any) -> None:
    """The object's bytes into an open file, in parallel parts. Raises StorageError.

    Without a version the state is asked for again afterwards: parts of two states are never used.
    Without an ETag as well the object is one that never changes.
    """
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - without S3 nobody needs it

    with call(str(path)):
        client("s3").download_fileobj(
            path.bucket,
            path.key,
            target,
            ExtraArgs={"VersionId": version} if version else None,
            Config=TransferConfig(max_concurrency=4),
        )
    if etag and not version and head(path).etag != etag:
        raise StorageBusyError(f"{path} changed while it was read", hint="run again; nothing was loaded")


def delta_options(root: Location) -> dict[str, str] | None:
    """What deltalake needs to open a table there; None on a disk. Commits are conditional PUTs."""
    if isinstance(root, Path):
        return None
    access = s3_access()
    options = {
        "aws_access_key_id": access.key_id,
        "aws_secret_access_key": access.secret,
        "aws_session_token": access.token,
        "aws_region": access.region,
        "aws_endpoint": access.endpoint,
        "aws_allow_http": str(access.endpoint.startswith("http://")).lower(),
        "aws_conditional_put": "etag",
    }
    key = os.environ.get(KMS_VARIABLE, "")
    options |= {"aws_server_side_encryption": "aws:kms" if key else "AES256", "aws_sse_kms_key_id": key}
    return {name: value for name, value in options.items() if value}


@dataclass(frozen=True, slots=True)
class S3Access:
    """What the SDK would sign with now. Its text shows nothing secret."""

    key_id: str
    secret: str
    token: str
    region: str
    endpoint: str

    def __repr__(self) -> str:
        return f"S3Access(region={self.region!r}, endpoint={self.endpoint!r})"


def s3_access() -> S3Access:
    """Credentials for libraries that bring an S3 client of their own. Raises AccessDeniedError."""
    found = _session().get_credentials()
    if found is None:
        raise AccessDeniedError("no AWS credentials", hint="`aws configure`, AWS_PROFILE, or a role")
    frozen = found.get_frozen_credentials()
    s3 = client("s3")
    is_aws = s3.meta.endpoint_url.endswith((".amazonaws.com", ".amazonaws.com.cn"))
    endpoint = "" if is_aws else s3.meta.endpoint_url
    return S3Access(frozen.access_key, frozen.secret_key, frozen.token or "", s3.meta.region_name, endpoint)


@functools.cache
def read_secret(name: str) -> str:
    """Text of a secret of Secrets Manager, by name or ARN; asked for once a process."""
    with call(f"secret {name}"):
        found = client("secretsmanager").get_secret_value(SecretId=name)
    if "SecretString" not in found:
        raise LakeError(f"secret {name} holds no text", hint="store the pseudonymisation key as text")
    return str(found["SecretString"]).strip()


@functools.cache
def _session() -> Any:
    try:
        import boto3  # noqa: PLC0415 - without S3 nobody needs it
    except ImportError as error:
        raise UsageError("S3 needs the AWS libraries", hint="pip install 'loglode[aws]'") from error
    return boto3.session.Session()


@functools.cache
def client(service: str) -> Any:
    """A client of the SDK, with its standard retries. Clients may be shared by threads."""
    session = _session()
    from botocore.config import Config  # noqa: PLC0415 - as boto3

    config = Config(retries={"mode": "standard", "total_max_attempts": 6}, user_agent_extra="loglode")
    return session.client(service, region_name=session.region_name or "us-east-1", config=config)


def _sdk() -> Any:
    import botocore.exceptions  # noqa: PLC0415 - as boto3

    return botocore.exceptions


@contextlib.contextmanager
def call(what: str) -> Iterator[None]:
    """The SDK's errors as ours: what may work later, what nobody may, what is not there."""
    _session()
    sdk = _sdk()
    try:
        yield
    except sdk.ClientError as error:
        raise refusal(what, error.response["Error"]["Code"]) from error
    except (sdk.ConnectionError, sdk.HTTPClientError, sdk.ResponseStreamingError) as error:
        raise StorageBusyError(f"{what}: {error}", hint="check the network and the endpoint") from error
    except (sdk.BotoCoreError, _transfer_error()) as error:
        heard = (
            error.__context__
        )  # what was answered; a transfer in parts hides it behind an error of its own
        if isinstance(heard, sdk.ClientError):
            raise refusal(what, heard.response["Error"]["Code"]) from error
        raise StorageError(f"{what}: {error}", hint="check credentials and region") from error


def _transfer_error() -> Any:
    from boto3.exceptions import Boto3Error  # noqa: PLC0415 - as boto3

    return Boto3Error
