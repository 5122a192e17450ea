"""Faults of disks, networks and object storage, put in below everything of the package that reads an object."""

from __future__ import annotations

import errno
import io
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, ResponseStreamingError

from loglode import storage
from loglode.sources import SourceObject, objects

Fault = Callable[[], Exception]


def system_error(number: int) -> Fault:
    """What the operating system raises for an errno."""
    return lambda: OSError(number, os.strerror(number))


EIO = system_error(errno.EIO)


class FaultyFile(io.RawIOBase):
    """A file whose reading fails behind some bytes; those before come through."""

    def __init__(self, file: io.RawIOBase, sound: int, fault: Fault) -> None:
        self._file, self._sound, self._fault = file, sound, fault

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._sound <= 0:
            raise self._fault()
        count = self._file.readinto(memoryview(buffer)[: self._sound]) or 0
        self._sound -= count
        return count

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()
        super().close()


class MeddledFile(FaultyFile):
    """A file to which something happens behind some bytes, once; then it is read on."""

    def __init__(self, file: io.RawIOBase, sound: int, meddle: Callable[[], object]) -> None:
        super().__init__(file, sound, EIO)
        self._meddle: Callable[[], object] | None = meddle

    def readinto(self, buffer: Any) -> int:
        if self._meddle is None:
            return self._file.readinto(buffer) or 0
        count = super().readinto(buffer) if self._sound else 0
        if not self._sound:
            meddle, self._meddle = self._meddle, None
            meddle()
        return count or self._file.readinto(buffer) or 0


def meddle_with(
    patch: pytest.MonkeyPatch, name: str, meddle: Callable[[], object], *, opening: int, sound: int
) -> None:
    """Call `meddle` once, when a file whose path ends in `name` was read so far at its `opening`-th opening."""
    opened: Counter[str] = Counter()

    def opens(path: str, *arguments: Any, **options: Any) -> Any:
        opened[path] += 1
        file = open(path, *arguments, **options)  # noqa: SIM115 - the caller closes it
        is_meant = path.endswith(name) and opened[path] == opening
        return MeddledFile(file, sound, meddle) if is_meant else file

    patch.setattr(objects, "open", opens, raising=False)


def break_file(
    patch: pytest.MonkeyPatch, name: str, fault: Fault, *, opening: int, sound: int | None
) -> Counter[str]:
    """From the `opening`-th time (from 1) that a file is opened, let that fail, or reading behind `sound` bytes.

    Holds for files whose path ends in `name`. Returns how often each path is opened.
    """
    opened: Counter[str] = Counter()

    def opens(path: str, *arguments: Any, **options: Any) -> Any:
        opened[path] += 1
        if not path.endswith(name) or opened[path] < opening:
            return open(path, *arguments, **options)
        if sound is None:
            raise fault()
        return FaultyFile(open(path, *arguments, **options), sound, fault)

    patch.setattr(objects, "open", opens, raising=False)
    return opened


def refused(code: str) -> Fault:
    """What the SDK raises for a code of S3."""
    return lambda: ClientError({"Error": {"Code": code, "Message": "as the test says"}}, "GetObject")


def cut_off() -> Exception:
    """What the SDK raises when the connection is cut in the middle of a body."""
    error: Exception = ResponseStreamingError(error=ConnectionResetError(errno.ECONNRESET, "reset"))
    return error


@dataclass
class FakeS3:
    """An S3 client that serves ranges of objects, and fails for `broken` from the `sound`-th byte on."""

    held: dict[str, bytes]
    broken: str = ""
    sound: int = 0
    fault: Fault = EIO
    # How often it fails.
    times: int = 1 << 30
    asked: list[tuple[str, int, int]] = field(default_factory=list)

    def get_object(self, *, Bucket: str, Key: str, Range: str, IfMatch: str) -> Any:  # noqa: N803 - boto3's names
        assert (Bucket, IfMatch) == ("b", f'"etag of {Key}"')
        first, last = (int(place) for place in Range.removeprefix("bytes=").split("-"))
        self.asked.append((Key, first, last))
        body = self.held[Key][first : last + 1]
        if Key == self.broken and last >= self.sound and self.times:
            self.times -= 1
            if self.fault is not cut_off:
                raise self.fault()
            return {"Body": FaultyFile(io.BytesIO(body), self.sound - first, self.fault)}  # type: ignore[arg-type]
        return {"Body": io.BytesIO(body)}

    def sources(self) -> list[SourceObject]:
        """The objects, as a manifest names them."""
        return [SourceObject(f"s3://b/{k}", len(d), 1, etag=f"etag of {k}") for k, d in self.held.items()]

    def serve(self, patch: pytest.MonkeyPatch) -> None:
        """Take the place of the SDK's client."""
        patch.setattr(storage, "client", lambda _service: self)
