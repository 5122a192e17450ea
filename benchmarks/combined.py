"""Combined lines against GoAccess on the same file; whole processes: parsing alone, and `loglode run` to gold."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import LOGLODE, generate, measure, median


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=2_000_000)
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
        parse = [sys.executable, str(Path(__file__).with_name("parse.py")), str(whole)]
        parsed, ours, theirs = [], [], []
        for _ in range(options.rounds):
            parsed.append(measure(parse))
            shutil.rmtree(root / "lake", ignore_errors=True)
            ours.append(measure([*LOGLODE, "run", str(whole), "--lake", str(root / "lake"), "--json"]))
            if shutil.which("goaccess"):
                report = str(root / "report.json")
                theirs.append(
                    measure(["goaccess", str(whole), "--log-format=COMBINED", "--no-progress", "-o", report])
                )
    print(f"{options.lines:,} combined lines")
    print(f"parsing     {median(parsed)}  {options.lines / median(parsed).wall:,.0f} lines/s")
    print(f"loglode run {median(ours)}  {options.lines / median(ours).wall:,.0f} lines/s")
    if theirs:
        version = subprocess.run(["goaccess", "--version"], capture_output=True, text=True, check=True).stdout
        print(
            f"goaccess    {median(theirs)}  {options.lines / median(theirs).wall:,.0f} lines/s  {version.split()[2]}"
        )
        goaccess = median(theirs).wall
        print(
            f"ratio       {goaccess / median(parsed).wall:.2f} times as fast at parsing, {goaccess / median(ours).wall:.2f} to gold"
        )
    else:
        print("goaccess is not installed: nothing to compare with")


if __name__ == "__main__":
    main()
