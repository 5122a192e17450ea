"""What S3 refuses is understood in the words of each client that hears it."""

from __future__ import annotations

import io
import json
import re
import socket
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from loglode import sdk, storage
from loglode.errors import (
    AccessDeniedError,
    CredentialsExpiredError,
    NoSuchObjectError,
    StorageBusyError,
    StorageError,
)
from loglode.refusals import refusal, refusal_in

DELTALAKE = (
    "Generic S3 error\n  \x1b[31m↳\x1b[0m Error performing PUT http://127.0.0.1:1/b/000{} in 3.39s, after 10 retries,"
    " max_retries\n \x1b[31m↳\x1b[0m 10 - Server returned non-2xx status code\n   \x1b[31m↳\x1b[0m {} Trouble"
)
DUCKDB = "HTTP Error: HTTP GET error reading 'http://127.0.0.1:1/b/k.parquet' in region 'x' (HTTP {} Trouble)"


@pytest.mark.parametrize("text", [DELTALAKE.replace("000{}", "0001"), DUCKDB])
@pytest.mark.parametrize(
    ("status", "kind"), [(503, StorageBusyError), (429, StorageBusyError), (403, AccessDeniedError)]
)
def test_a_status_in_a_text(text: str, status: int, kind: type[StorageError]) -> None:
    found = refusal_in("s3://b/k", text.format(status))
    assert isinstance(found, kind)
    assert found.message.startswith("s3://b/k: ") and "\x1b" not in found.message


def test_what_is_neither_later_nor_never() -> None:
    assert type(refusal_in("s3://b/k", DUCKDB.format(404))) is NoSuchObjectError
    assert isinstance(refusal_in("s3://b/k", "Generic S3 error: error sending request"), StorageBusyError)
    assert refusal_in("s3://b/k", "Delta protocol violation: version 3 in 0503") is None


@pytest.mark.parametrize(
    "read",
    [
        lambda path: storage.download(path, io.BytesIO()),
        lambda path: storage.read_range(path, "etag", "", size=10),
        storage.head,
    ],
    ids=["download", "first bytes", "head"],
)
def test_a_server_that_never_answers(
    read: Callable[[storage.S3Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ends at the client's timeout, as what the state machine repeats."""
    with socket.create_server(("127.0.0.1", 0)) as server:  # connections are taken, nothing is said
        patience = Config(
            connect_timeout=0.2,
            read_timeout=0.2,
            retries={"total_max_attempts": 1},
            signature_version=UNSIGNED,
        )
        impatient = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{server.getsockname()[1]}",
            region_name="us-east-1",
            config=patience,
        )
        monkeypatch.setattr(storage, "client", lambda _service: impatient)
        with pytest.raises(StorageBusyError, match=r"^s3://bucket/bronze/one\.json: .*[Tt]imeout"):
            read(storage.S3Path("bucket", "bronze/one.json"))
        impatient.close()
    definition = Path(__file__).parents[2] / "terraform" / "modules" / "step_functions" / "pipeline.asl.json"
    machine = json.loads(re.sub(r"\$\{max_lambda_bytes\}", "1", definition.read_text(encoding="utf-8")))
    repeated = machine["States"]["BronzeToSilver"]["Retry"]
    assert any("StorageBusyError" in retry["ErrorEquals"] for retry in repeated)


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
@pytest.mark.parametrize("text", [DELTALAKE.replace("000{}", "0001"), DUCKDB])
def test_expired_credentials_are_worth_another_try(code: str, text: str) -> None:
    told = text.format(400) + f"<Error><Code>{code}</Code></Error>"
    for found in (refusal("s3://b/k", code), refusal_in("s3://b/k", told)):
        assert type(found) is CredentialsExpiredError and isinstance(found, StorageBusyError)


def test_a_call_with_expired_credentials_is_repeated_once_with_new_ones() -> None:
    sessions = []

    @sdk.renewing
    def ask(answers: list[str]) -> str:
        sessions.append(sdk._session())
        answer = answers.pop(0)
        if answer != "done":
            raise refusal("s3://b/k", answer)
        return answer

    assert ask(["ExpiredToken", "done"]) == "done"
    assert sessions[0] is not sessions[1], "the second attempt signs with the credentials of the first"
    with pytest.raises(CredentialsExpiredError):
        ask(["ExpiredToken", "ExpiredToken", "done"])
    with pytest.raises(AccessDeniedError):
        ask(["AccessDenied", "done"])
