"""What S3 refuses is understood in the words of each client that hears it."""

from __future__ import annotations

import pytest

from loglode.errors import AccessDeniedError, StorageBusyError, StorageError
from loglode.refusals import refusal_in

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
    assert type(refusal_in("s3://b/k", DUCKDB.format(404))) is StorageError
    assert isinstance(refusal_in("s3://b/k", "Generic S3 error: error sending request"), StorageBusyError)
    assert refusal_in("s3://b/k", "Delta protocol violation: version 3 in 0503") is None
