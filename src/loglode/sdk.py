"""The AWS SDK: the one module of the package that imports it.

The endpoint, credentials and region come from where every SDK finds them (AWS_ENDPOINT_URL_S3,
AWS_PROFILE, a role ...), retries are the SDK's. boto3 is imported on first use: without S3 nobody needs it.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from loglode.errors import (
    AccessDeniedError,
    CredentialsExpiredError,
    LakeError,
    StorageBusyError,
    StorageError,
    UsageError,
)
from loglode.refusals import refusal

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def renewing(ask: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Repeat a call once with new credentials when those it was signed with have expired.

    The SDK renews those of a role by itself. Others, such as a profile's that a tool rewrites, are
    read again by a new session.
    """

    @functools.wraps(ask)
    def asked(*args: _Given.args, **named: _Given.kwargs) -> _Result:
        try:
            return ask(*args, **named)
        except CredentialsExpiredError:
            forget()
            return ask(*args, **named)

    return asked


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
    """Text of a secret of Secrets Manager, by name or ARN; read once per process."""
    with call(f"secret {name}"):
        found = client("secretsmanager").get_secret_value(SecretId=name)
    if "SecretString" not in found:
        raise LakeError(f"secret {name} holds no text", hint="store the pseudonymisation key as text")
    return str(found["SecretString"]).strip()


def forget() -> None:
    """Drop sessions, clients and secrets: the next call finds credentials and endpoint anew."""
    for cached in (client, _session, read_secret):
        cached.cache_clear()


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


def errors() -> Any:
    """The SDK's module of errors, imported on first use."""
    import botocore.exceptions  # noqa: PLC0415 - as boto3

    return botocore.exceptions


def broken_bodies() -> tuple[type[Exception], ...]:
    """What the SDK raises when a body breaks off, which it does not request again."""
    sdk = errors()
    return (sdk.ResponseStreamingError, sdk.ReadTimeoutError, sdk.IncompleteReadError)


@contextlib.contextmanager
def call(what: str) -> Iterator[None]:
    """Raises the SDK's errors as ours: busy, denied, missing, and the rest."""
    _session()
    sdk = errors()
    try:
        yield
    except sdk.ClientError as error:
        raise refusal(what, error.response["Error"]["Code"]) from error
    except (
        sdk.ConnectionError,
        sdk.HTTPClientError,
        sdk.ResponseStreamingError,
        sdk.IncompleteReadError,
    ) as error:
        raise StorageBusyError(f"{what}: {error}", hint="check the network and the endpoint") from error
    except (sdk.NoCredentialsError, sdk.PartialCredentialsError) as error:
        raise AccessDeniedError(f"{what}: {error}", hint="`aws configure`, AWS_PROFILE, or a role") from error
    except (sdk.BotoCoreError, _transfer_error()) as error:
        answer = error.__context__  # a transfer in parts hides it behind an error of its own
        if isinstance(answer, sdk.ClientError):
            raise refusal(what, answer.response["Error"]["Code"]) from error
        raise StorageError(f"{what}: {error}", hint="check credentials and region") from error


def _transfer_error() -> Any:
    from boto3.exceptions import Boto3Error  # noqa: PLC0415 - as boto3

    return Boto3Error
