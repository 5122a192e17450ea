"""STAND-IN: Spark as Glue hands it out, and a reader of S3 that knows what a bookmark has seen."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import boto3
from pyspark import SparkContext
from pyspark.sql import DataFrame, SparkSession


class GlueContext:
    """A real Spark session."""

    def __init__(self, spark: SparkContext) -> None:
        self.spark_session = SparkSession(spark)
        self.create_dynamic_frame = _Reader(self)
        self.job_name = ""
        self._seen: dict[str, list[str]] = {}

    def states_seen(self, name: str) -> list[str]:
        """What the bookmark holds under a transformation context."""
        return list(self._all().get(self.job_name, {}).get(name, []))

    def see(self, name: str, states: list[str]) -> None:
        """Note for `remember`."""
        self._seen[name] = states

    def remember(self) -> None:
        """Write the bookmark."""
        known = self._all()
        known.setdefault(self.job_name, {}).update(self._seen)
        _file().write_text(json.dumps(known), encoding="utf-8")

    @staticmethod
    def _all() -> dict[str, dict[str, list[str]]]:
        return json.loads(_file().read_text(encoding="utf-8")) if _file().exists() else {}


class _Reader:
    def __init__(self, context: GlueContext) -> None:
        self._context = context

    def from_options(
        self,
        *,
        connection_type: str,
        connection_options: dict[str, Any],
        format: str,
        format_options: dict[str, Any],
        transformation_ctx: str,
    ) -> _Frame:
        """Names of the objects below the paths in states that the bookmark has not seen."""
        if connection_type != "s3" or format != "csv":
            raise NotImplementedError("the stand-in reads names of objects on S3 alone")
        there: dict[str, str] = {}
        client = boto3.client("s3")
        for path in connection_options["paths"]:
            bucket, _, prefix = path.removeprefix("s3://").partition("/")
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for entry in page.get("Contents", ()):
                    there[f"s3://{bucket}/{entry['Key']} {entry['ETag']}"] = f"s3://{bucket}/{entry['Key']}"
        seen = set(self._context.states_seen(transformation_ctx))
        self._context.see(transformation_ctx, sorted(there))
        new = sorted({uri for state, uri in there.items() if state not in seen})
        return _Frame(self._context.spark_session, format_options["attachFilename"], new)


class _Frame:
    def __init__(self, spark: SparkSession, column: str, uris: list[str]) -> None:
        self._spark, self._column, self._uris = spark, column, uris

    def toDF(self) -> DataFrame:  # noqa: N802 - Glue's name
        """A relation with the names; without rows it has no columns, as Glue's has none."""
        if not self._uris:
            return self._spark.createDataFrame([], "nothing string").drop("nothing")
        return self._spark.createDataFrame([(uri,) for uri in self._uris], f"{self._column} string")


def _file() -> Path:
    return Path(os.environ["AWSGLUE_BOOKMARKS"])
