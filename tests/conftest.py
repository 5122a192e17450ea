"""What holds for every test: the time zone, how Hypothesis works, and where real logs are."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.helpers.receiver import Receiver

# Before anything asks for the local time.
os.environ["TZ"] = "UTC"
time.tzset()
# Java's best compiler and its collector of many threads pay after minutes; in each short life of a Spark they take
# half of the time.
os.environ["SPARK_SUBMIT_OPTS"] = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=240m"

# No limit on time: the machine may be busy. The same examples each time: a red run can be repeated.
settings.register_profile(
    "loglode",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# Many more, and others each time: `HYPOTHESIS_PROFILE=search python3 dev.py test`.
settings.register_profile("search", settings.get_profile("loglode"), derandomize=False, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "loglode"))

pytest_plugins = ["tests.helpers.fixtures"]
REAL_LOGS_VARIABLE = "LOGLODE_REAL_LOGS"
ROOT = Path(__file__).resolve().parent.parent


# Files that take minutes come first, so that the others run beside them and not before.
LONG = ("test_spark.py", "test_state_machine.py", "test_terraform.py", "test_kill.py", "test_glue.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first, and what sums up a file last; else in the random order that they are in by now."""
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(
        key=lambda item: (
            places.get(item.path.name, len(LONG)),
            item.get_closest_marker("sums_up") is not None,
        )
    )


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of whoever runs the tests do not change what is tested."""
    for name in [name for name in os.environ if name.startswith("LOGLODE_")]:
        if name != REAL_LOGS_VARIABLE:
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _own_process() -> Iterator[None]:
    """How a command or a function in this process wants signals and logs holds for its test alone."""
    interrupt = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, interrupt)
    root = logging.getLogger("loglode")
    for handler in [h for h in root.handlers if not isinstance(h, logging.NullHandler)]:
        root.removeHandler(handler)
    root.setLevel(logging.NOTSET)
    root.propagate = True


@pytest.fixture(scope="session")
def real_logs() -> Path:
    """The folder of real logs, which the project does not hold; without it the test is skipped."""
    folder = Path(os.environ.get(REAL_LOGS_VARIABLE, ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real logs at {folder}; {REAL_LOGS_VARIABLE} names another folder")
    return folder


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A server for OpenLineage events, which the settings name."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        monkeypatch.setenv("LOGLODE_OPENLINEAGE", server.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server
        server.release.set()
        server.shutdown()
        thread.join()
