"""`loglode run` on combined lines against GoAccess on the same file; whole processes."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

from measure import LOGLODE, generate, measure, median


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loglode-bench-") as folder:
        root = Path(folder)
        generate(root / "logs", "--events", str(options.lines), "--format", "combined", "--servers", "1")
        whole = root / "access.log"
        with whole.open("wb") as target:
            for part in sorted((root / "logs").glob("*.log")):
                with part.open("rb") as source:
                    shutil.copyfileobj(source, target)
        ours, theirs = [], []
        for _ in range(options.rounds):
            shutil.rmtree(root / "lake", ignore_errors=True)
            ours.append(measure([*LOGLODE, "run", str(whole), "--lake", str(root / "lake"), "--json"]))
            if shutil.which("goaccess"):
                report = str(root / "report.json")
                theirs.append(
                    measure(["goaccess", str(whole), "--log-format=COMBINED", "--no-progress", "-o", report])
                )
    print(f"{options.lines:,} combined lines")
    print(f"loglode run {median(ours)}  {options.lines / median(ours).wall:,.0f} lines/s")
    if theirs:
        version = subprocess.run(["goaccess", "--version"], capture_output=True, text=True, check=True).stdout
        print(
            f"goaccess    {median(theirs)}  {options.lines / median(theirs).wall:,.0f} lines/s  {version.split()[2]}"
        )
        print(f"ratio       {median(theirs).wall / median(ours).wall:.2f} times as fast")
    else:
        print("goaccess is not installed: nothing to compare with")


if __name__ == "__main__":
    main()
