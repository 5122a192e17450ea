"""Detect the format of hostile samples: the time for 64 KiB, and how much more than an eighth of it takes."""

from __future__ import annotations

import sys
import time

from loglode.formats import look

SAMPLE_BYTES = 1 << 16
PIECES = {
    "combined lines": '192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl"\n',
    "JSON lines": '{"timestamp": "2026-03-04T05:06:07Z", "method": "GET", "path": "/", "status": 200}\n',
    **{text: text for text in ("[", "{", '"', " ", "\\", "[ ", '] "', '{"a":', "[]", "a ", "1", "\n", '\\"')},
    'a path of "["': '{"a": "b", "path": "/' + "[" * (SAMPLE_BYTES // 8),
}


def cost(sample: bytes) -> float:
    """Seconds of processor time for one detection, the best of some."""
    costs = []
    for _ in range(9):
        begun = time.thread_time()
        look(sample)
        costs.append(time.thread_time() - begun)
    return min(costs)


def main() -> None:
    """Print a line a sample; with linear work the factor is about 8."""
    for name, piece in PIECES.items():
        sample = (piece * (SAMPLE_BYTES // len(piece) + 1)).encode()[:SAMPLE_BYTES]
        small, large = cost(sample[: SAMPLE_BYTES // 8]), cost(sample)
        sys.stdout.write(f"{name!r:20} {large * 1000:8.2f} ms  {large / small:5.1f} times 8 KiB\n")


if __name__ == "__main__":
    main()
