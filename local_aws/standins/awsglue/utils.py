"""STAND-IN: the arguments of a job."""

from __future__ import annotations

import argparse


def getResolvedOptions(args: list[str], options: list[str]) -> dict[str, str]:  # noqa: N802 - Glue's name
    """The options by name; like Glue's it fails where one is missing, and passes over all others."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in options:
        parser.add_argument(f"--{name}", required=True)
    return dict(vars(parser.parse_known_args(args[1:])[0]))
