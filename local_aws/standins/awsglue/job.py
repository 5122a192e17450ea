"""STAND-IN: a job, whose commit moves the bookmark."""

from __future__ import annotations

from typing import Any

from awsglue.context import GlueContext


class Job:
    """Between `init` and `commit` the bookmark stays where it is."""

    def __init__(self, context: GlueContext) -> None:
        self._context = context

    def init(self, job_name: str, args: dict[str, Any]) -> None:
        """Begin a run."""
        del args
        self._context.job_name = job_name

    def commit(self) -> None:
        """Remember what was seen."""
        self._context.remember()
