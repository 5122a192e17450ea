"""What the tests of whole lakes share: a place for them, and logs with every kind of trouble."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections import deque
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.helpers import requests
from tests.helpers.lakes import BUCKET, KEY, KNOWS_PROBES, changed_contract

from loglode import sdk
from loglode_generator import GenerateSpec, generate

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Where a lake may be made."""
    return tmp_path / "lake"


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Six files, three days, two servers: 3,000 lines, broken and re-sent ones among them."""
    folder = tmp_path_factory.mktemp("logs")
    generate(
        GenerateSpec(
            out=folder, events=3000, days=3, start=date(2026, 3, 9), seed=11, files=6,
            broken_share=0.02, duplicate_share=0.02,
        )
    )  # fmt: skip
    return sorted(path for path in folder.iterdir() if path.suffix == ".json" and path.name[0] != "_")


@pytest.fixture
def laxer_contract(tmp_path: Path) -> Path:
    """The built-in contract, next version, with one method more."""
    return changed_contract(tmp_path / "laxer.yaml", KNOWS_PROBES)


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The emulator, in a process of its own: deltalake holds Python's lock while it asks a server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # With conditional PUTs as one step, as S3 has them, and without 200 looks at the disk a request.
    code = (
        f"{requests.CODE}\nfrom local_aws import dispatch, storage\ndispatch.patch(); storage.patch()"
        "\nserver.main()"
    )
    words = [sys.executable, "-c", code, "-H", "127.0.0.1", "-p", str(port)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    with subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        assert server.stderr is not None
        assert any("Running on" in line for line in server.stderr), "the emulator did not start"
        threading.Thread(target=deque, args=(server.stderr, 0)).start()  # a full pipe would stop it
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A fresh emulator with a bucket; the SDK finds it as it finds any endpoint."""
    reset = urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")  # noqa: S310 - our own server
    urllib.request.urlopen(reset).close()  # noqa: S310
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "a secret of the tests' own",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "LOGLODE_KEY_SECRET": "loglode/pseudonym",
        "LOGLODE_STAGING": str(tmp_path / "staging"),
    }.items():
        monkeypatch.setenv(name, value)
    sdk.forget()
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    boto3.client("secretsmanager").create_secret(Name="loglode/pseudonym", SecretString=KEY)
    yield client
    client.close()
    sdk.client("s3").close()
    sdk.forget()
