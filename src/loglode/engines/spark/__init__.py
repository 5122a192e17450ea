"""The engine for batches that outgrow one machine. Needs the extra `loglode[spark]`, or a Spark of its own."""

from loglode.engines.spark.engine import SparkEngine

__all__ = ["SparkEngine"]
