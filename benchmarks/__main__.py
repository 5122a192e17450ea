"""All benchmarks, one after the other, or one by its name: `dev.py bench [pipeline|combined|increment|batches|watched|detection|spark] [OPTION...]`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NAMES = ("pipeline", "combined", "increment", "batches", "watched", "detection", "spark")


def main(arguments: list[str]) -> int:
    """Run the named benchmark with its options, or each with its defaults."""
    chosen, options = (arguments[:1], arguments[1:]) if arguments else (list(NAMES), [])
    if not set(chosen) <= set(NAMES):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    here = Path(__file__).parent
    return max(
        subprocess.run([sys.executable, here / f"{n}.py", *options], check=False).returncode for n in chosen
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
